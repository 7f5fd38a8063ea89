import type { Gpu } from '../device';

/** Most losses that one read can bring. */
const MOST = 256;

/** Brings losses from the ring on the GPU to the host through a few staging buffers, without stalling either. */
export class LossReader {
  static readonly most = MOST;
  private readonly gpu: Gpu;
  private readonly ring: GPUBuffer;
  private readonly length: number;
  private readonly free: GPUBuffer[];
  private readonly all: readonly GPUBuffer[];

  constructor(gpu: Gpu, ring: GPUBuffer, length: number) {
    this.gpu = gpu;
    this.ring = ring;
    this.length = length;
    this.all = Array.from({ length: 4 }, () =>
      gpu.device.createBuffer({
        label: 'losses',
        size: MOST * 4,
        usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
      }),
    );
    this.free = [...this.all];
  }

  /**
   * Records the copy of the losses of steps [first, first + count), which must not cross the ring's end, and returns the
   * function that reads them once the encoder has been submitted.
   */
  encode(encoder: GPUCommandEncoder, first: number, count: number): () => Promise<Float32Array> {
    const staging = this.free.pop();
    if (!staging) throw new Error('more losses in flight than staging buffers');
    encoder.copyBufferToBuffer(this.ring, (first % this.length) * 4, staging, 0, count * 4);
    return () => this.map(staging, count);
  }

  private async map(staging: GPUBuffer, count: number): Promise<Float32Array> {
    try {
      await this.gpu.settle(staging.mapAsync(GPUMapMode.READ, 0, count * 4));
      return new Float32Array(staging.getMappedRange(0, count * 4).slice(0));
    } finally {
      if (staging.mapState === 'mapped') staging.unmap();
      this.free.push(staging);
    }
  }

  /** The losses of steps [first, first + count), now. */
  async read(first: number, count: number): Promise<Float32Array> {
    const losses = new Float32Array(count);
    for (let done = 0; done < count; ) {
      const at = first + done;
      const n = Math.min(count - done, MOST, this.length - (at % this.length));
      const encoder = this.gpu.device.createCommandEncoder({ label: 'read losses' });
      const read = this.encode(encoder, at, n);
      this.gpu.device.queue.submit([encoder.finish()]);
      losses.set(await read(), done);
      done += n;
    }
    return losses;
  }

  destroy(): void {
    for (const b of this.all) b.destroy();
  }
}
