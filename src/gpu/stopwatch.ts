/** What a stopwatch uses of a Gpu. */
interface Host {
  readonly device: GPUDevice;
  scoped(what: string, work: () => void): Promise<void>;
  settle<T>(promise: Promise<T>): Promise<T>;
}

/**
 * Starts a stopwatch by the GPU's own clock, if the device has one. Call the result after a submission: it resolves to the milliseconds
 * between the end of what was submitted before the start and the end of that submission; undefined if the clock stands still.
 */
export function stopwatch(host: Host): (() => Promise<number | undefined>) | undefined {
  const { device } = host;
  if (!device.features.has('timestamp-query')) return undefined;
  let querySet: GPUQuerySet | undefined;
  let resolved: GPUBuffer;
  let staging: GPUBuffer;
  /** Takes the time at the end of what is submitted so far. */
  const mark = (endOfPassWriteIndex: number, read = (_: GPUCommandEncoder) => {}) =>
    host
      .scoped('a stopwatch', () => {
        querySet ??= device.createQuerySet({ type: 'timestamp', count: 2 });
        const encoder = device.createCommandEncoder({ label: 'stopwatch' });
        encoder.beginComputePass({ timestampWrites: { querySet, endOfPassWriteIndex } }).end();
        read(encoder);
        device.queue.submit([encoder.finish()]);
      })
      // Without a time, word must do.
      .catch(() => {});
  void mark(0);
  return async () => {
    const size = 16;
    const { COPY_SRC, COPY_DST, QUERY_RESOLVE, MAP_READ } = GPUBufferUsage;
    void mark(1, (encoder) => {
      resolved = device.createBuffer({ label: 'stopwatch', size, usage: QUERY_RESOLVE | COPY_SRC });
      staging = device.createBuffer({ label: 'stopwatch', size, usage: MAP_READ | COPY_DST });
      encoder.resolveQuerySet(querySet!, 0, 2, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, staging, 0, size);
    });
    try {
      await host.settle(staging.mapAsync(GPUMapMode.READ));
      const [from, to] = new BigUint64Array(staging.getMappedRange());
      return to > from ? Number(to - from) / 1e6 : undefined;
    } catch {
      return undefined;
    } finally {
      for (const each of [querySet, resolved, staging]) each?.destroy();
    }
  };
}
