/** Measures time: of the GPU by its own clock if it has one, of anything by the host's. */
import type { Gpu } from '../../src/gpu/gpu';

/** Milliseconds: the median of `n` samples, and the band that holds all but the outer tenths. */
export interface Times {
  readonly median: number;
  readonly p10: number;
  readonly p90: number;
  readonly n: number;
}

export function summary(samples: readonly number[]): Times {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (share: number) => {
    const place = share * (sorted.length - 1);
    const below = Math.floor(place);
    const above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
  };
  return { median: at(0.5), p10: at(0.1), p90: at(0.9), n: sorted.length };
}

/** Milliseconds of `run` by the host's clock. */
export async function clocked(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

/** At least three samples, `samples` included, and more for about `seconds`. */
export async function sampled(
  sample: () => Promise<number>,
  seconds: number,
  signal?: AbortSignal,
  samples: number[] = [],
): Promise<Times> {
  const end = performance.now() + seconds * 1000;
  while (samples.length < 3 || (samples.length < 50 && performance.now() < end)) {
    signal?.throwIfAborted();
    samples.push(await sample());
  }
  return summary(samples);
}

export type TimerKind = 'timestamp-query' | 'wall clock';

/** Records work into a pass, any number of times. */
export type Encode = (pass: GPUComputePassEncoder) => void;

/** The least duration of a measured span. The host's clock also counts the time of submitting, so it needs longer spans. */
const SPAN_MS = { 'timestamp-query': 20, 'wall clock': 100 } as const;
/** The duration of the probe, long enough for any clock. */
const PROBE_MS = 5;
/** A span also lasts at least this many ticks of the clock. */
const TICKS = 200;
const MOST_REPEATS = 20_000;

export class Timer {
  readonly kind: TimerKind;
  /** The smallest time difference that the clock has shown. */
  readonly resolutionMs: number;
  private readonly gpu: Gpu;
  private readonly queries: Queries | undefined;

  private constructor(gpu: Gpu, queries: Queries | undefined, resolutionMs: number) {
    this.gpu = gpu;
    this.queries = queries;
    this.kind = queries ? 'timestamp-query' : 'wall clock';
    this.resolutionMs = resolutionMs;
  }

  /** `probe` takes a moment on the GPU. The GPU's clock is used only if it agrees with the host's about that duration. */
  static async create(gpu: Gpu, probe: Encode): Promise<Timer> {
    if (gpu.device.features.has('timestamp-query')) {
      const queries = new Queries(gpu);
      let times = 1;
      const time = () => queries.time(repeated(probe, times));
      await time(); // compiles
      while (times < 1024 && (await clocked(time)) < PROBE_MS + gpu.latency) times *= 2;
      const ticks: number[] = [];
      let agrees = true;
      for (let i = 0; i < 5; i++) {
        const start = performance.now();
        const nanoseconds = await time();
        const wall = performance.now() - start;
        ticks.push(nanoseconds);
        // Some clocks stand still, always or at times.
        if (nanoseconds / 1e6 > 1.2 * wall + 0.2 || nanoseconds / 1e6 < 0.05 * wall) agrees = false;
      }
      const resolution = ticks.reduce(greatestCommonDivisor) / 1e6;
      if (agrees) return new Timer(gpu, queries, Math.max(resolution, 1e-6));
      queries.destroy();
    }
    return new Timer(gpu, undefined, hostResolution());
  }

  /** Milliseconds of one pass. */
  async once(encode: Encode): Promise<number> {
    if (this.queries) {
      const start = performance.now();
      const nanoseconds = await this.queries.time(encode);
      const wall = performance.now() - start - this.gpu.latency;
      // If a clock that agreed stands still for once, use the host's.
      return nanoseconds === 0 && wall > SPAN_MS[this.kind] ? wall : nanoseconds / 1e6;
    }
    const encoder = this.gpu.device.createCommandEncoder({ label: 'bench' });
    const pass = encoder.beginComputePass({ label: 'bench' });
    encode(pass);
    pass.end();
    return clocked(() => this.gpu.submit(encoder));
  }

  /** Milliseconds of one `encode`, from samples over about `seconds`, at least three; from a single one without `seconds`. */
  async measure(encode: Encode, seconds?: number, signal?: AbortSignal): Promise<Times> {
    const { ms, repeats } = await this.span(encode, signal);
    if (seconds === undefined) return summary([ms]);
    const sample = async () => (await this.once(repeated(encode, repeats))) / repeats;
    return sampled(sample, seconds, signal, [ms]);
  }

  /** A single sample: milliseconds of one `encode`, which is repeated inside a pass until the span is long enough for the clock. */
  private async span(encode: Encode, signal?: AbortSignal): Promise<{ ms: number; repeats: number }> {
    await this.once(encode); // compiles, and moves the buffers to where they are used
    const span = Math.max(SPAN_MS[this.kind], TICKS * this.resolutionMs);
    let repeats = 1;
    let took = await this.once(encode);
    // The next round corrects an error of the first guess from a short span.
    while (took < 0.7 * span && repeats < MOST_REPEATS) {
      signal?.throwIfAborted();
      const factor = Math.min(Math.max(span / Math.max(took, this.resolutionMs), 2), 32);
      repeats = Math.min(Math.ceil(repeats * factor), MOST_REPEATS);
      took = await this.once(repeated(encode, repeats));
    }
    return { ms: took / repeats, repeats };
  }

  destroy(): void {
    this.queries?.destroy();
  }
}

const repeated =
  (encode: Encode, times: number): Encode =>
  (pass) => {
    for (let i = 0; i < times; i++) encode(pass);
  };

/** Reads the begin and the end of a pass on the GPU's clock. */
export class Queries {
  private readonly gpu: Gpu;
  private readonly set: GPUQuerySet;
  private readonly resolved: GPUBuffer;
  private readonly staging: GPUBuffer;

  constructor(gpu: Gpu) {
    this.gpu = gpu;
    const label = 'bench timestamps';
    this.set = gpu.device.createQuerySet({ label, type: 'timestamp', count: 2 });
    this.resolved = gpu.device.createBuffer({
      label,
      size: 16,
      usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
    });
    this.staging = gpu.device.createBuffer({
      label,
      size: 16,
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
  }

  /** Nanoseconds. */
  async time(encode: Encode): Promise<number> {
    const encoder = this.gpu.device.createCommandEncoder({ label: 'bench' });
    const pass = encoder.beginComputePass({
      label: 'bench',
      timestampWrites: { querySet: this.set, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 },
    });
    encode(pass);
    pass.end();
    encoder.resolveQuerySet(this.set, 0, 2, this.resolved, 0);
    encoder.copyBufferToBuffer(this.resolved, 0, this.staging, 0, 16);
    await this.gpu.submit(encoder);
    await this.gpu.settle(this.staging.mapAsync(GPUMapMode.READ));
    const [begin, end] = new BigUint64Array(this.staging.getMappedRange().slice(0));
    this.staging.unmap();
    return end > begin ? Number(end - begin) : 0;
  }

  destroy(): void {
    this.set.destroy();
    this.resolved.destroy();
    this.staging.destroy();
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  while (b > 0) [a, b] = [b, a % b];
  return a;
}

/** Browsers round performance.now(), some to a whole millisecond. */
function hostResolution(): number {
  let smallest = 1;
  const start = performance.now();
  for (let last = start; last - start < 5; ) {
    const now = performance.now();
    if (now > last) smallest = Math.min(smallest, now - last);
    last = now;
  }
  return smallest;
}
