/** Runs the variants of a kernel on the same inputs, compares their results, and times them. */
import { EngineError } from '../base/errors';
import type { Gpu } from '../gpu/gpu';
import type { Load } from '../gpu/pacer';
import { computePass, createTensorBuffers, Program } from '../gpu/program';
import { Staging } from '../gpu/staging';
import { differencePairs } from '../kernels/difference';
import type { Op } from '../plan/op';
import { type Tensor, tensor } from '../plan/tensor';
import { type Comparison, comparing, differenceIn, writes } from '../trust/compare';
import { UnusableKernel } from '../trust/unusable_kernel';
import type { Rejected } from '../unet/variants';

/** Minimum duration of a measurement, so that the host's clock (1 ms in some browsers) and the cost of submitting do not decide. */
const SPAN_MS = 8;
const MOST_REPEATS = 128;
/** A system resets a GPU that does not respond for seconds, Windows for two. */
const MOST_SPAN_MS = 1000;
/** A variant slower than the best by this factor is not timed again. */
const HOPELESS = 1.3;
/**
 * Maximum difference of a value from the plain variant's, as a share of the result's root mean square. In this network at
 * 64 images `winograd7` differs by up to 9e-4, all others but `winograd8` by 1e-5; `winograd8` differs with images of 64x64 by 2.1e-3,
 * or by 4.5e-3 where it sums over 512 channels; a missing tap or border makes more than 1e-2.
 */
const AGREEMENT = 6e-3;
/** Distance in the noise pool between the starts of one op's tensors. */
const NOISE_SHIFT = 1009;

/** Variants as ops on the same tensors; the plain variant first. */
export interface Job {
  readonly ops: readonly Op[];
  readonly tensors: readonly Tensor[];
}

/** A set of names will do. */
export interface RejectedVariants extends Rejected {
  /** Adds one that the device refuses, or without an error one whose results are wrong. */
  add(name: string, error?: EngineError): unknown;
}

interface MeasureOptions {
  /** Deadline, by `performance.now`. */
  readonly end: number;
  readonly signal?: AbortSignal;
  readonly rejectedVariants: RejectedVariants;
  readonly onRefused?: ((error: UnusableKernel) => void) | undefined;
  /** Called with milliseconds, or the reason why a variant was excluded. */
  readonly report: (variant: string, result: number | string) => void;
}

export interface Fastest {
  readonly variant: string;
  /** Whether no other failed for a reason that may pass, such as too little memory. */
  readonly isLasting: boolean;
}

/**
 * Runs every variant on the same inputs; returns the fastest that agrees with the first, or undefined if time runs out before all are
 * timed. Throws if the first cannot be run, or if results cannot be compared.
 */
export async function fastest(
  gpu: Gpu,
  pool: NoisePool,
  job: Job,
  options: MeasureOptions,
): Promise<Fastest | undefined> {
  const { end, signal, rejectedVariants, onRefused, report } = options;
  if (performance.now() >= end) return undefined;
  const { ops } = job;
  const bench = await Bench.create(gpu, pool, job);
  try {
    let best = { variant: ops[0].variant, milliseconds: Infinity };
    let isLasting = true;
    for (const o of ops) {
      signal?.throwIfAborted();
      if (performance.now() >= end) return undefined;
      const rejected = `${o.kernel}.${o.variant}`;
      try {
        const { program, relativeDifference } = await bench.run(o);
        const agrees = relativeDifference <= AGREEMENT;
        if (!agrees) rejectedVariants.add(rejected);
        const result = agrees
          ? await timeProgram(gpu, program, best.milliseconds)
          : `differs from ${ops[0].variant} by ${relativeDifference.toPrecision(2)} of the results' root mean square`;
        report(o.variant, result);
        if (typeof result === 'number' && result < best.milliseconds)
          best = { variant: o.variant, milliseconds: result };
      } catch (error) {
        gpu.checkAlive();
        // Without the plain variant nothing can be compared.
        if (o === ops[0]) throw error;
        // A driver may refuse a shader, or memory may run short.
        if (error instanceof EngineError && error.code === 'shader') rejectedVariants.add(rejected, error);
        else isLasting = false;
        if (error instanceof UnusableKernel) onRefused?.(error);
        report(o.variant, (error as Error).message);
      }
    }
    return { variant: best.variant, isLasting };
  } finally {
    bench.destroy();
  }
}

interface Compared {
  readonly results: readonly Tensor[];
  readonly expected: readonly Tensor[];
  readonly compared: readonly Comparison[];
}

/** Runs one variant after the other and compares their results with the first one's. */
class Bench {
  private readonly gpu: Gpu;
  private readonly pool: NoisePool;
  private readonly job: Job;
  private readonly results: readonly Tensor[];
  private readonly expected: readonly Tensor[];
  private readonly compared: readonly Comparison[];
  private readonly buffers: ReadonlyMap<Tensor, GPUBuffer>;
  private readonly programs: Program[] = [];
  private readonly comparisons: Program[] = [];

  private constructor(
    gpu: Gpu,
    pool: NoisePool,
    job: Job,
    { results, expected, compared }: Compared,
    buffers: ReadonlyMap<Tensor, GPUBuffer>,
  ) {
    this.gpu = gpu;
    this.pool = pool;
    this.job = job;
    this.results = results;
    this.expected = expected;
    this.compared = compared;
    this.buffers = buffers;
  }

  static async create(gpu: Gpu, pool: NoisePool, job: Job): Promise<Bench> {
    const { ops, tensors } = job;
    const results = tensors.filter((t) => ops.some((o) => writes(o, t)));
    const expected = results.map(({ label, size }) => tensor(`expected ${label}`, size));
    const compared = results.map((t, i) => comparing('tune', t, expected[i]));
    const all = [...tensors, ...expected, ...compared.map(({ partials }) => partials)];
    const buffers = await createTensorBuffers(gpu, 'tune ', all);
    const bench = new Bench(gpu, pool, job, { results, expected, compared }, buffers);
    try {
      for (const { op } of compared) bench.comparisons.push(await bench.compile(op));
      return bench;
    } catch (error) {
      bench.destroy();
      throw error;
    }
  }

  /** Runs `o` once. `relativeDifference`: of its results from the first variant's, by their root mean square. */
  async run(o: Op): Promise<{ program: Program; relativeDifference: number }> {
    const program = await this.compile(o);
    // Run once before timing: some drivers compile only at the first dispatch.
    const inputs = this.job.tensors.map((t) => this.buffer(t));
    const encoder = this.pool.begin(inputs);
    const isFirst = o === this.job.ops[0];
    if (isFirst) await this.keep(program, encoder);
    return { program, relativeDifference: isFirst ? 0 : await this.difference(program, encoder) };
  }

  destroy(): void {
    for (const program of this.programs) program.destroy();
    for (const b of this.buffers.values()) b.destroy();
  }

  private buffer(t: Tensor): GPUBuffer {
    return this.buffers.get(t)!;
  }

  private async compile(o: Op): Promise<Program> {
    // Variants compared with the plain one need no check here: they are checked once they are chosen.
    const check = o === this.job.ops[0] || this.compared.some(({ op }) => op === o);
    const program = await Program.compile(this.gpu, 'tune', [o], this.buffers, { check });
    this.programs.push(program);
    return program;
  }

  /** Stores the results of `program` as the expected ones. */
  private async keep(program: Program, encoder: GPUCommandEncoder): Promise<void> {
    const keep = (last: GPUCommandEncoder, load: Load) => {
      for (const [i, t] of this.results.entries())
        last.copyBufferToBuffer(this.buffer(t), 0, this.buffer(this.expected[i]), 0, t.size * 4);
      return this.gpu.submit(last, load);
    };
    await this.gpu.runAnd([program], keep, { encoder });
  }

  private async difference(program: Program, encoder: GPUCommandEncoder): Promise<number> {
    const { compared, pool } = this;
    const sources = compared.map(({ partials: t }) => ({ buffer: this.buffer(t), bytes: t.size * 4 }));
    const read = (last: GPUCommandEncoder, load: Load) => pool.staging.read(last, sources, load);
    const contents = await this.gpu.runAnd([program, ...this.comparisons], read, { encoder });
    const shares = contents.map((partials, i) => {
      const { largest, squares } = differenceIn(partials);
      return largest / Math.sqrt(squares / compared[i].size);
    });
    return Math.max(...shares);
  }
}

/** Noise on the GPU, the source of every job's inputs, and the staging buffer for reading back differences. */
export class NoisePool {
  private readonly gpu: Gpu;
  private readonly noise: GPUBuffer;
  readonly staging: Staging;

  private constructor(gpu: Gpu, noise: GPUBuffer, staging: Staging) {
    this.gpu = gpu;
    this.noise = noise;
    this.staging = staging;
  }

  static async create(gpu: Gpu, jobs: readonly Pick<Job, 'tensors'>[]): Promise<NoisePool> {
    const most = Math.max(...jobs.flatMap(({ tensors }) => tensors.map((t, i) => t.size + i * NOISE_SHIFT)));
    const pairs = jobs.map(({ tensors }) => tensors.reduce((sum, t) => sum + differencePairs(t), 0));
    const staging = await Staging.create(gpu, 'tune differences', 8 * Math.max(...pairs));
    let buffer: GPUBuffer | undefined;
    try {
      [buffer] = await gpu.createBuffers([{ label: 'tune noise', bytes: most * 4 }]);
      await gpu.write(buffer, 0, noise(most));
      return new NoisePool(gpu, buffer, staging);
    } catch (error) {
      buffer?.destroy();
      staging.destroy();
      throw error;
    }
  }

  /** Fills all buffers with the same noise before each variant, so that values which a variant fails to write show up. */
  begin(buffers: readonly GPUBuffer[]): GPUCommandEncoder {
    const encoder = this.gpu.device.createCommandEncoder({ label: 'tune' });
    for (const [i, b] of buffers.entries())
      encoder.copyBufferToBuffer(this.noise, i * NOISE_SHIFT * 4, b, 0, b.size);
    return encoder;
  }

  destroy(): void {
    this.noise.destroy();
    this.staging.destroy();
  }
}

/** Milliseconds per run: the least of up to three spans, each with enough repetitions to be long enough. Exported for its test. */
export async function timeProgram(gpu: Gpu, program: Program, best: number): Promise<number> {
  const since = (start: number) => Math.max(0, performance.now() - start - gpu.latency);
  const span = async (repeats: number) => {
    const encoder = gpu.device.createCommandEncoder({ label: 'tune' });
    computePass(encoder, 'tune', (pass) => {
      for (let i = 0; i < repeats; i++) program.encode(pass);
    });
    const load = program.load.times(repeats);
    const start = performance.now();
    await gpu.submit(encoder, load);
    // The latency may have been measured in a busy moment.
    return Math.max(since(start), load.milliseconds);
  };
  // Latency varies: the longer it is, the longer a span must be.
  const wanted = SPAN_MS + gpu.latency;
  // In parts if it is long.
  const start = performance.now();
  await gpu.run([program]);
  let took = since(start);
  if (took >= wanted) return took;
  let repeats = 1;
  while (took < wanted / 2 && repeats < MOST_REPEATS) {
    const enough = Math.ceil((repeats * wanted) / Math.max(took, wanted / 16));
    const safe = Math.max(1, Math.floor(MOST_SPAN_MS / gpu.pacer.predict(program.load)));
    repeats = Math.min(MOST_REPEATS, safe, enough);
    took = await span(repeats);
  }
  let least = took / repeats;
  for (let i = 0; i < 2 && least <= HOPELESS * best; i++)
    least = Math.min(least, (await span(repeats)) / repeats);
  return least;
}

/** Numbers in [-1, 1) from an integer hash: the same for every variant, and without special values. */
function noise(size: number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    let h = Math.imul(i + 1, 0x9e3779b1);
    h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
    values[i] = ((h ^ (h >>> 13)) >> 8) / 2 ** 23;
  }
  return values;
}
