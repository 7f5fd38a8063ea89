/**
 * Chooses kernel variants by measuring them on the device at hand: which one is fastest differs from GPU to GPU, by half and more.
 * A variant is only ever chosen by measuring after its results agreed, on the GPU, with those of the kernel's plain variant.
 */

import { EngineError } from '../errors';
import type { Gpu } from '../gpu/gpu';
import { Program } from '../gpu/program';
import { Staging } from '../gpu/staging';
import { fnv1a } from '../hash';
import type { ConvShape } from '../kernels/conv2d';
import { difference, differencePairs } from '../kernels/difference';
import { type Kernel, type Op, op } from '../plan/op';
import type { Shader } from '../plan/shader';
import { type Tensor, tensor } from '../plan/tensor';
import type { Layer } from '../unet/config';
import {
  type AdapterKind,
  adapterKind,
  candidates,
  contenders,
  layersFor,
  preferred,
  rank,
  tunedFor,
  tunedShape,
  type Variants,
} from '../unet/variants';
import type { TuningCache } from './cache';

/** How much measuring is worth. */
export interface TuningEffort {
  /** For all layers together. Layers that are not measured by then take the fixed order of preference. */
  readonly milliseconds: number;
  /** Layers are measured with at most so many images, a multiple of 4. */
  readonly images: number;
}

/** A software adapter takes a second to compile a shader at its first use, and as long for 32 images as a GPU for thousands. */
export const tuningEffort: Readonly<Record<AdapterKind, TuningEffort>> = {
  gpu: { milliseconds: 2000, images: Number.POSITIVE_INFINITY },
  software: { milliseconds: 40_000, images: 32 },
};

/** A measurement lasts at least this long, so that the host's clock (1 ms in some browsers) and the cost of submitting do not decide. */
const SPAN_MS = 8;
const MOST_REPEATS = 128;
/** A variant that takes so many times as long as the best one is not measured again. */
const HOPELESS = 1.3;
/**
 * How far any number of a variant's results may be from the plain one's, as a share of their root mean square. In this network at
 * 64 images `winograd7` differs by up to 9e-4, `winograd` by 4e-5, all others by 1e-5, and `winograd8`, with images of 64x64, by
 * 2.1e-3, or by 4.5e-3 where 512 channels are summed up; a missing tap or border by more than 1e-2.
 */
const AGREEMENT = 6e-3;
/** The share of the time that may go into compiling: see `compileAll`. */
const COMPILING = 0.5;
/** Beyond all places in an order of preference. */
const LAST = 1000;
/** Tensors of one op start so far apart in the pool of noise. */
const NOISE_SHIFT = 1009;

export interface Measured {
  readonly kernel: string;
  readonly layer: string;
  readonly variant: string;
  /** Milliseconds, or why the variant is out. */
  readonly result: number | string;
}

export interface TuneOptions {
  /** False for a network that only predicts. */
  readonly training: boolean;
  readonly effort: TuningEffort;
  readonly cache?: TuningCache;
  readonly signal?: AbortSignal;
  readonly onMeasured?: (measured: Measured) => void;
  /** Shapes measured so far, of all that are to be. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** A kernel at one shape, and all variants that can do it as ops on the same tensors; the plain one first. */
interface Job {
  readonly key: string;
  readonly ops: readonly Op[];
  /** The one that is taken without measuring. */
  readonly usual: Op;
  /** Those that are not expected to win. */
  readonly unlikely: ReadonlySet<Op>;
  readonly tensors: readonly Tensor[];
}

/**
 * The fastest variant for each kernel and layer at a batch size (a multiple of 4). Layers of the same shape are measured once,
 * the heaviest first. A choice that `cache` knows for this adapter and these shaders is used without measuring.
 */
export async function tune(
  gpu: Gpu,
  layers: readonly Layer[],
  batch: number,
  options: TuneOptions,
): Promise<Variants> {
  const { training, effort, cache, signal, onMeasured, onProgress } = options;
  const start = performance.now();
  const end = start + effort.milliseconds;
  const { features } = gpu.device;
  const images = Math.min(batch, effort.images);
  const chosen = new Map<string, string>();
  const jobs = new Map<string, Job>();
  const places: { kernel: Kernel<ConvShape>; layer: Layer; key: string; possible: string[] }[] = [];
  for (const kernel of tunedFor(training)) {
    for (const layer of layersFor(kernel, layers)) {
      const possible = candidates(kernel, layer, batch, features);
      const here = candidates(kernel, layer, images, features).filter((v) => possible.includes(v));
      const measurable = contenders(here, adapterKind(gpu.adapter));
      const job = jobOf(gpu, kernel, layer, images, measurable);
      places.push({ kernel, layer, key: job.key, possible });
      if (chosen.has(job.key) || jobs.has(job.key)) continue;
      // A store that cannot be read is as good as an empty one.
      const known = await cache?.get(job.key).catch(() => undefined);
      if (known !== undefined && measurable.includes(known)) chosen.set(job.key, known);
      else if (measurable.length > 1) jobs.set(job.key, job);
    }
  }

  const { doubtful } = gpu;
  const measureAll = async () => {
    const flops = ({ ops: [{ cost }] }: Job) => cost.flops;
    const queue = [...jobs.values()].sort((a, b) => flops(b) - flops(a));
    const stage = await Stage.create(gpu, queue);
    try {
      const { compiled, refused } = await compileAll(gpu, queue, start + COMPILING * effort.milliseconds);
      const isReady = ({ calls }: Op) => calls.every(({ shader }) => compiled.has(shader));
      for (const { kernel, variant, calls } of queue.flatMap(({ ops }) => ops))
        if (calls.some(({ shader }) => refused.has(shader))) doubtful.add(`${kernel}.${variant}`);
      for (const [i, job] of queue.entries()) {
        const { key, ops, usual } = job;
        onProgress?.(i, queue.length);
        const { kernel, layer } = ops[0];
        const ready = ops.filter(isReady);
        // Without the plain variant nothing can be checked. And a winner among those that compile quickly, which may be the plain one alone, is
        // no match for the usual one, which is worth some seconds more.
        if (ready[0] !== ops[0] || !ready.includes(usual)) continue;
        const best = await fastest(gpu, stage, { ...job, ops: ready }, end, signal, (variant, result) => {
          onMeasured?.({ kernel, layer, variant, result });
        });
        if (best === undefined) return;
        chosen.set(key, best);
        // Next time all may be compiled in time: browsers and drivers keep what they compiled.
        if (ready.length === ops.length) await cache?.set(key, best).catch(() => {});
      }
      onProgress?.(queue.length, queue.length);
    } finally {
      stage.destroy();
    }
  };
  if (jobs.size > 0 && performance.now() < end) {
    try {
      await measureAll();
    } catch (error) {
      // Measuring may want more memory than what is measured for.
      if (!(error instanceof EngineError) || error.code !== 'limit') throw error;
    }
  }

  return Object.fromEntries(
    places.map(({ kernel, layer, key, possible }) => {
      const trusted = possible.filter((variant) => !doubtful.has(`${kernel.name}.${variant}`));
      const best =
        chosen.get(key) ??
        preferred(kernel, trusted.length > 0 ? trusted : possible, layer, batch, adapterKind(gpu.adapter));
      return [`${kernel.name}/${layer.name}`, best];
    }),
  );
}

function jobOf(
  gpu: Gpu,
  kernel: Kernel<ConvShape>,
  layer: Layer,
  batch: number,
  variants: readonly string[],
): Job {
  const shape = tunedShape(layer, batch);
  const sizes = Object.entries<number>(kernel.sizes(shape));
  const named = Object.fromEntries(sizes.map(([name, size]) => [name, tensor(name, size)]));
  const ops = variants.map((variant) => op(kernel, layer.name, shape, named, variant));
  const unlikely = new Set(ops.filter(({ variant }) => kernel.variants[variant].idles?.(shape)));
  const trusted = variants.filter((variant) => !gpu.doubtful.has(`${kernel.name}.${variant}`));
  const name = preferred(kernel, trusted, layer, batch, adapterKind(gpu.adapter));
  const usual = ops.find(({ variant }) => variant === name) ?? ops[0];
  return { key: keyOf(gpu, ops, sizes), ops, usual, unlikely, tensors: Object.values(named) };
}

/**
 * Everything that a choice depends on: adapter and driver, browser, kernel and sizes, and what the variants would dispatch, down
 * to the text of their shaders, so that a choice is forgotten when a shader changes or a variant is added.
 */
function keyOf({ device }: Gpu, ops: readonly Op[], sizes: readonly (readonly [string, number])[]): string {
  const {
    vendor,
    architecture,
    device: name,
    description,
  } = (device.adapterInfo ?? {}) as Partial<GPUAdapterInfo>;
  const runtime = (globalThis.navigator as Navigator | undefined)?.userAgent ?? '';
  const dispatches = ops.map(({ variant, calls }) => [
    variant,
    calls.map(({ shader, params, groups }) => [shader.code, params, groups]),
  ]);
  return JSON.stringify([
    [vendor, architecture, name, description, runtime],
    ops[0].kernel,
    Object.fromEntries(sizes),
    fnv1a(new TextEncoder().encode(JSON.stringify(dispatches))),
  ]);
}

/**
 * Has the shaders compiled side by side, and returns those that are done when all are, or at `end`: one that takes seconds, as long
 * unrolled texts do with some drivers, is not waited for. First those of the plain variants, without which nothing is checked, then
 * in the order of preference, and last what is not expected to win anywhere. One that is refused counts as done; it is told of when it is tried.
 */
async function compileAll(
  gpu: Gpu,
  jobs: readonly Job[],
  end: number,
): Promise<{ compiled: ReadonlySet<Shader>; refused: ReadonlySet<Shader> }> {
  const plain = new Set(jobs.map(({ ops }) => ops[0]));
  const unlikely = new Set(jobs.flatMap((job) => [...job.unlikely]));
  const place = (o: Op) =>
    plain.has(o) ? -1 : rank(o.variant, adapterKind(gpu.adapter)) + (unlikely.has(o) ? LAST : 0);
  const ops = jobs.flatMap((job) => job.ops).sort((a, b) => place(a) - place(b));
  const shaders = new Set(ops.flatMap(({ calls }) => calls.map(({ shader }) => shader)));
  const done = new Set<Shader>();
  const refused = new Set<Shader>();
  const all = Promise.all(
    [...shaders].map((shader) =>
      gpu
        .pipeline(shader)
        .catch(() => refused.add(shader))
        .then(() => done.add(shader)),
    ),
  );
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeUp = new Promise((resolve) => {
    timer = setTimeout(resolve, end - performance.now());
  });
  await Promise.race([all, timeUp]);
  clearTimeout(timer);
  return { compiled: new Set(done), refused };
}

/** Noise on the GPU from which the inputs of every job are copied, and the way back of what is found. */
class Stage {
  private readonly gpu: Gpu;
  private readonly noise: GPUBuffer;
  readonly staging: Staging;

  private constructor(gpu: Gpu, noise: GPUBuffer, staging: Staging) {
    this.gpu = gpu;
    this.noise = noise;
    this.staging = staging;
  }

  static async create(gpu: Gpu, jobs: readonly Job[]): Promise<Stage> {
    const most = Math.max(...jobs.flatMap(({ tensors }) => tensors.map((t, i) => t.size + i * NOISE_SHIFT)));
    const pairs = jobs.map(({ tensors }) => tensors.reduce((sum, t) => sum + differencePairs(t), 0));
    const staging = await Staging.create(gpu, 'tune differences', 8 * Math.max(...pairs));
    try {
      const [buffer] = await gpu.createBuffers([{ label: 'tune noise', bytes: most * 4 }]);
      gpu.device.queue.writeBuffer(buffer, 0, noise(most));
      return new Stage(gpu, buffer, staging);
    } catch (error) {
      staging.destroy();
      throw error;
    }
  }

  /** Begins with the same noise in all buffers as before any other variant: what one does not write is then seen to be missing. */
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

/** Runs every variant on the same inputs. The fastest that agrees with the first; undefined if the time is up before all are known. */
async function fastest(
  gpu: Gpu,
  stage: Stage,
  { ops, tensors }: Job,
  end: number,
  signal: AbortSignal | undefined,
  report: (variant: string, result: number | string) => void,
): Promise<string | undefined> {
  if (performance.now() >= end) return undefined;
  const results = tensors.filter((t) => ops.some((o) => o.calls.some((c) => writes(c, t))));
  const expected = results.map(({ label, size }) => tensor(`expected ${label}`, size));
  const partials = results.map((t) => tensor(`differences of ${t.label}`, 2 * differencePairs(t)));
  const all = [...tensors, ...expected, ...partials];
  const buffers = await gpu.createBuffers(all.map((t) => ({ label: `tune ${t.label}`, bytes: t.size * 4 })));
  const fixed = new Map(all.map((t, i): [Tensor, GPUBuffer] => [t, buffers[i]]));
  const programs: Program[] = [];
  const compile = async (o: Op) => {
    const program = await Program.compile(gpu, 'tune', [o], fixed);
    programs.push(program);
    return program;
  };
  try {
    const comparisons: Program[] = [];
    for (const [i, result] of results.entries()) {
      const names = { result, expected: expected[i], partials: partials[i] };
      comparisons.push(await compile(op(difference, 'tune', { size: result.size }, names)));
    }
    let best = { variant: ops[0].variant, milliseconds: Number.POSITIVE_INFINITY };
    for (const o of ops) {
      signal?.throwIfAborted();
      if (performance.now() >= end) return undefined;
      try {
        const program = await compile(o);
        // Some drivers compile only now.
        const encoder = stage.begin(buffers.slice(0, tensors.length));
        if (o === ops[0]) {
          const keep = (last: GPUCommandEncoder, work: number) => {
            for (const [i, t] of results.entries())
              last.copyBufferToBuffer(fixed.get(t)!, 0, fixed.get(expected[i])!, 0, t.size * 4);
            return gpu.submit(last, work);
          };
          await gpu.runAnd([program], keep, { encoder });
        } else {
          const sources = partials.map((t) => ({ buffer: fixed.get(t)!, bytes: t.size * 4 }));
          const read = (last: GPUCommandEncoder, work: number) => stage.staging.read(last, sources, work);
          const differences = await gpu.runAnd([program, ...comparisons], read, { encoder });
          const apart = Math.max(
            ...differences.map((pairs, i) => distance(new Float32Array(pairs), results[i].size)),
          );
          if (!(apart <= AGREEMENT)) {
            gpu.doubtful.add(`${o.kernel}.${o.variant}`);
            report(
              o.variant,
              `differs from ${ops[0].variant} by ${apart.toPrecision(2)} of the results' root mean square`,
            );
            continue;
          }
        }
        const milliseconds = await time(gpu, program, best.milliseconds);
        report(o.variant, milliseconds);
        if (milliseconds < best.milliseconds) best = { variant: o.variant, milliseconds };
      } catch (error) {
        // A driver may refuse a shader, or memory run short. Without the plain variant there is nothing to train with.
        const out = error instanceof EngineError && (error.code === 'shader' || error.code === 'limit');
        if (!out || o === ops[0]) throw error;
        if (error.code === 'shader') gpu.doubtful.add(`${o.kernel}.${o.variant}`);
        report(o.variant, error.message);
      }
    }
    return best.variant;
  } finally {
    for (const program of programs) program.destroy();
    for (const b of buffers) b.destroy();
  }
}

const writes = ({ shader, tensors }: Op['calls'][number], t: Tensor): boolean =>
  Object.entries(tensors).some(
    ([name, given]) => (given.base ?? given) === t && shader.bindings[name].access === 'read_write',
  );

/** The largest difference as a share of the root mean square of what is expected, from what `difference` writes. */
function distance(pairs: Float32Array, size: number): number {
  let largest = 0;
  let squares = 0;
  for (let i = 0; i < pairs.length; i += 2) {
    largest = Math.max(largest, pairs[i]);
    squares += pairs[i + 1];
  }
  return largest / Math.sqrt(squares / size);
}

/** Milliseconds of one run: the least of up to three spans of as many repetitions as make it long enough. */
async function time(gpu: Gpu, program: Program, best: number): Promise<number> {
  const timed = async (work: () => Promise<void>) => {
    const start = performance.now();
    await work();
    return Math.max(0, performance.now() - start - gpu.latency);
  };
  const span = (repeats: number) => {
    const encoder = gpu.device.createCommandEncoder({ label: 'tune' });
    const pass = encoder.beginComputePass({ label: 'tune' });
    for (let i = 0; i < repeats; i++) program.encode(pass);
    pass.end();
    return timed(() => gpu.submit(encoder));
  };
  // Latency varies, so where it is long a span must be, too.
  const wanted = SPAN_MS + gpu.latency;
  // In parts if it is long: a system resets a GPU that does not answer for seconds.
  let took = await timed(() => gpu.run([program]));
  if (took >= wanted) return took;
  let repeats = 1;
  while (took < wanted / 2 && repeats < MOST_REPEATS) {
    repeats = Math.min(MOST_REPEATS, Math.ceil((repeats * wanted) / Math.max(took, wanted / 16)));
    took = await span(repeats);
  }
  let least = took / repeats;
  for (let i = 0; i < 2 && least <= HOPELESS * best; i++)
    least = Math.min(least, (await span(repeats)) / repeats);
  return least;
}

/** Numbers in [-1, 1) from an integer hash: the same for every variant, and none of them special. */
function noise(size: number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    let h = Math.imul(i + 1, 0x9e3779b1);
    h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
    values[i] = ((h ^ (h >>> 13)) >> 8) / 2 ** 23;
  }
  return values;
}
