/** Measures time: of the GPU by its own clock if it has one, of anything by the host's. */
import type { Gpu } from '../../src/gpu/gpu';
import { computePass, Program } from '../../src/gpu/program';
import { readBuffer } from '../../src/gpu/staging';
import type { Op } from '../../src/plan/op';

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
    const below = sorted[Math.floor(place)];
    const above = sorted[Math.ceil(place)];
    return below + (above - below) * (place % 1);
  };
  return { median: at(0.5), p10: at(0.1), p90: at(0.9), n: sorted.length };
}

/** Milliseconds of `run` by the host's clock. */
export async function clocked(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

export interface SampleTime {
  /** How long all samples take, about; there are at least three. Default: a single one. */
  readonly seconds?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Milliseconds of a unit of work, which `once` repeats, at most `most` times, until a sample lasts about `span` ms. */
export async function sampled(
  once: (repeats: number) => Promise<number>,
  { seconds = 0, signal, span, most }: SampleTime & { readonly span: number; readonly most: number },
): Promise<Times> {
  await once(1); // compiles, and moves the buffers to where they are used
  let repeats = 1;
  let took = await once(1);
  // The next round corrects an error of the first guess from a short sample.
  while (took < 0.7 * span && repeats < most) {
    signal?.throwIfAborted();
    repeats = Math.min(Math.ceil(repeats * Math.max(span / Math.max(took, span / 32), 2)), most);
    took = await once(repeats);
  }
  const samples = [took / repeats];
  const end = performance.now() + seconds * 1000;
  while (seconds > 0 && samples.length < 50 && (samples.length < 3 || performance.now() < end)) {
    signal?.throwIfAborted();
    samples.push((await once(repeats)) / repeats);
  }
  return summary(samples);
}

/** Records work into a pass, any number of times. */
export type Encode = (pass: GPUComputePassEncoder) => void;

/** Records `encode` `times` times. */
export const repeated =
  (encode: Encode, times: number): Encode =>
  (pass) => {
    for (let i = 0; i < times; i++) encode(pass);
  };

/** Gives `use` an op that is ready to be encoded, on tensors of its own; each dispatch uncut, however long it takes. */
export async function withOp<T>(
  gpu: Gpu,
  op: Op,
  use: (encode: Encode, program: Program) => Promise<T>,
): Promise<T> {
  const options = { reuse: false, partWork: Number.POSITIVE_INFINITY };
  const program = await Program.compile(gpu, `bench ${op.kernel}`, [op], new Map(), options);
  try {
    return await use((pass) => program.encode(pass), program);
  } finally {
    program.destroy();
  }
}

export type TimerKind = 'timestamp-query' | 'wall clock';

/**
 * The least duration of a measured span: 200 ticks of 0.1 ms, to which browsers round the GPU's clock. The host's clock also counts the
 * time of submitting, and some browsers round it to 1 ms.
 */
const SPAN_MS = { 'timestamp-query': 20, 'wall clock': 100 } as const;
/** The duration of the probe, long enough for any clock. */
const PROBE_MS = 5;
const MOST_REPEATS = 20_000;

export class Timer {
  readonly kind: TimerKind;
  private readonly gpu: Gpu;
  private readonly queries: ReturnType<typeof queriesOf> | undefined;

  private constructor(gpu: Gpu, queries?: Timer['queries']) {
    this.gpu = gpu;
    this.queries = queries;
    this.kind = queries ? 'timestamp-query' : 'wall clock';
  }

  /** `probe` takes a moment on the GPU. The GPU's clock is used only if it agrees with the host's about that duration. */
  static async create(gpu: Gpu, probe: Encode): Promise<Timer> {
    if (!gpu.device.features.has('timestamp-query')) return new Timer(gpu);
    const queries = queriesOf(gpu);
    let times = 1;
    const time = () => queries.time(repeated(probe, times));
    await time(); // compiles
    while (times < 1024 && (await time()).wall < PROBE_MS + gpu.latency) times *= 2;
    for (let i = 0; i < 5; i++) {
      const { ms, wall } = await time();
      // Some clocks stand still, always or at times.
      if (ms <= 1.2 * wall + 0.2 && ms >= 0.05 * wall) continue;
      queries.destroy();
      return new Timer(gpu);
    }
    return new Timer(gpu, queries);
  }

  /** Milliseconds of one pass. */
  async once(encode: Encode): Promise<number> {
    if (this.queries) {
      const { ms, wall } = await this.queries.time(encode);
      const waited = wall - this.gpu.latency;
      // If a clock that agreed stands still for once, use the host's.
      return ms === 0 && waited > SPAN_MS[this.kind] ? waited : ms;
    }
    const encoder = this.gpu.device.createCommandEncoder({ label: 'bench' });
    computePass(encoder, 'bench', encode);
    return clocked(() => this.gpu.submit(encoder));
  }

  /** Milliseconds of one `encode`, which is repeated inside a pass until the span is long enough for the clock. */
  measure(encode: Encode, sampling: SampleTime = {}): Promise<Times> {
    const once = (repeats: number) => this.once(repeated(encode, repeats));
    return sampled(once, { ...sampling, span: SPAN_MS[this.kind], most: MOST_REPEATS });
  }

  destroy(): void {
    this.queries?.destroy();
  }
}

/** Reads the begin and the end of a pass on the GPU's clock. */
function queriesOf(gpu: Gpu) {
  const label = 'bench timestamps';
  const querySet = gpu.device.createQuerySet({ label, type: 'timestamp', count: 2 });
  const usage = GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC;
  const resolved = gpu.device.createBuffer({ label, size: 16, usage });
  return {
    /** Milliseconds of a pass by the GPU's clock, and until the host knows. */
    async time(encode: Encode) {
      const start = performance.now();
      const encoder = gpu.device.createCommandEncoder({ label });
      const timestampWrites = { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 };
      const pass = encoder.beginComputePass({ label, timestampWrites });
      encode(pass);
      pass.end();
      encoder.resolveQuerySet(querySet, 0, 2, resolved, 0);
      const [begin, end] = new BigUint64Array(await readBuffer(gpu, resolved, 4, encoder));
      return { ms: end > begin ? Number(end - begin) / 1e6 : 0, wall: performance.now() - start };
    },
    destroy() {
      querySet.destroy();
      resolved.destroy();
    },
  };
}
