/**
 * Chooses kernel variants by measuring them on this device: the fastest differs from GPU to GPU, by half and more. The tuner chooses a
 * variant only after its results agreed, on the GPU, with the plain variant's.
 */

import { EngineError } from '../base/errors';
import { hashText } from '../base/hash';
import { loaded } from '../base/load';
import { adapterName } from '../gpu/adapter';
import type { Gpu } from '../gpu/gpu';
import type { ConvShape } from '../plan/conv_shape';
import { type AdapterKind, type Kernel, type Op, op } from '../plan/op';
import type { Shader } from '../plan/shader';
import { tensor } from '../plan/tensor';
import { comparing } from '../trust/compare';
import type { AdapterMemory } from '../trust/memory';
import { UnusableKernel } from '../trust/unusable_kernel';
import type { Layer } from '../unet/config';
import {
  adapterKind,
  conditioningChoice,
  layersFor,
  possibleVariants,
  preferredVariant,
  type Rejected,
  rank,
  trusted,
  tunedFor,
  tunedShape,
  type Variants,
} from '../unet/variants';
import { type Fastest, fastest, type Job, NoisePool, type RejectedVariants } from './measure';

/** Limits on measuring. */
interface TuningEffort {
  /** Time for all layers together. Layers not measured by then follow the fixed order of preference. */
  readonly milliseconds: number;
  /** Most images that layers are measured with, a multiple of 4. */
  readonly images: number;
}

/** A software adapter takes a second to compile a shader at its first use, and computes 32 images as slowly as a GPU thousands. */
export const tuningEffort: Readonly<Record<AdapterKind, TuningEffort>> = {
  gpu: { milliseconds: 2000, images: Infinity },
  software: { milliseconds: 40_000, images: 32 },
};

/** Share of the time left that may go into compiling: see `compileAll`. */
const COMPILING = 0.5;
/** The op that compares results; measuring requires it. */
const { op: COMPARISON } = comparing('tune', tensor('result', 1), tensor('expected', 1));
/** Larger than any place in an order of preference. */
const LAST = 1000;

/** The measurement of a variant of a kernel in a layer. */
export interface Measured {
  /** The kernel, for instance `conv2d`. */
  readonly kernel: string;
  /** The first of the layers that have its shape. */
  readonly layer: string;
  /** The variant. */
  readonly variant: string;
  /** Milliseconds, or the reason why the variant was excluded. */
  readonly result: number | string;
}

export interface TuneOptions {
  /** False for a network that only predicts. */
  readonly training: boolean;
  readonly effort: TuningEffort;
  /** Are never chosen again. The tuner may add more. */
  readonly rejectedVariants: RejectedVariants;
  readonly memory: AdapterMemory;
  readonly signal?: AbortSignal;
  readonly onMeasured?: (measured: Measured) => void;
  /** Called for each variant that is left out because it was refused. */
  readonly onRefused?: (error: UnusableKernel) => void;
  /** Called with `kernel/layer`, and the reason for its variant. */
  readonly onChosen?: (place: string, why: string) => void;
  /** Shapes measured so far, and the total to measure. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** A kernel at one shape, and all variants that can compute it as ops on the same tensors; the plain variant first. */
interface TuningJob extends Job {
  readonly key: string;
  /** The variant chosen without measuring. */
  readonly usual: Op;
  /** Variants that are not expected to win. */
  readonly unlikely: ReadonlySet<Op>;
  /** The variants that are worth measuring by now. */
  readonly worth: () => readonly string[];
}

/** A kernel of a layer, and the key of its choice. */
interface TunedPlace {
  readonly kernel: Kernel<ConvShape>;
  readonly layer: Layer;
  readonly key: string;
  readonly possible: readonly string[];
}

/**
 * The variants of `kernel` among `possible` that are worth measuring on an adapter: the ones for its kind and the ones for any. On a GPU a
 * form with a twin that is made for GPUs cannot win, nor can a Winograd form whose tiles overhang the image where another's fit: each is
 * worth it only where the other is among the `rejected` `kernel.variant` names.
 */
export function worthMeasuring(
  kernel: Kernel<ConvShape>,
  possible: readonly string[],
  layer: Layer,
  adapter: AdapterKind,
  rejected: Rejected,
): readonly string[] {
  const { height, width } = layer;
  const suited = possible.filter((name) => (kernel.variants[name].for ?? adapter) === adapter);
  if (adapter === 'software') return suited;
  const fits = (name: string, tile = kernel.variants[name].tile) => tile && !(height % tile || width % tile);
  const good = suited.filter((name) => !rejected.has(`${kernel.name}.${name}`));
  const someFit = good.some((name) => fits(name));
  return suited.filter(
    (name) => !good.includes(`${name}_gpu`) && !(someFit && kernel.variants[name].tile && !fits(name)),
  );
}

interface Jobs {
  readonly places: readonly TunedPlace[];
  /** The jobs to measure, by key. */
  readonly jobs: ReadonlyMap<string, TuningJob>;
}

interface Chosen {
  readonly variant: string;
  readonly why: string;
}

/**
 * Chooses the fastest variant for each kernel and layer at a batch size (a multiple of 4). Measures layers of the same shape once, the
 * heaviest first. If `memory` has a choice for these shapes, uses it without measuring.
 */
export async function tune(
  gpu: Gpu,
  layers: readonly Layer[],
  batch: number,
  options: TuneOptions,
): Promise<Variants> {
  const { effort, rejectedVariants, onChosen } = options;
  const end = performance.now() + effort.milliseconds;
  /** The known choices, by key. */
  const chosen = new Map<string, Chosen>();
  const tried = new Set<string>();
  let places: readonly TunedPlace[];
  // Again where a variant was rejected that had kept others out: they make other jobs.
  for (;;) {
    const { jobs, ...listed } = await jobsOf(gpu, layers, batch, chosen, options);
    places = listed.places;
    const queue = [...jobs.values()].filter(({ key }) => !tried.has(key));
    if (queue.length === 0 || performance.now() >= end) break;
    for (const { key } of queue) tried.add(key);
    try {
      await measureAll(gpu, queue, chosen, end, options);
    } catch (error) {
      // Measuring may need more memory than the network itself.
      if (!(error instanceof EngineError) || error.code !== 'limit') throw error;
    }
  }
  const variants = places.map(({ kernel, layer, key, possible }) => {
    const adapter = adapterKind(gpu.adapter);
    const left = trusted(kernel, possible, rejectedVariants);
    // No variant that was not compiled because another was to win.
    const worth = worthMeasuring(kernel, left, layer, adapter, rejectedVariants);
    const { variant, why } = chosen.get(key) ?? {
      variant: preferredVariant(kernel, worth.length > 0 ? worth : left, layer, batch, adapter),
      why: 'order of preference',
    };
    const name = `${kernel.name}/${layer.name}`;
    onChosen?.(name, why);
    return [name, variant];
  });
  return {
    ...conditioningChoice(layers, adapterKind(gpu.adapter), rejectedVariants),
    ...Object.fromEntries(variants),
  };
}

/** Lists the jobs, and adds the choices that are known already to `chosen`. */
async function jobsOf(
  gpu: Gpu,
  layers: readonly Layer[],
  batch: number,
  chosen: Map<string, Chosen>,
  { training, effort, memory, rejectedVariants }: TuneOptions,
): Promise<Jobs> {
  const images = Math.min(batch, effort.images);
  const jobs = new Map<string, TuningJob>();
  const places: TunedPlace[] = [];
  for (const kernel of tunedFor(training)) {
    for (const layer of layersFor(kernel, layers)) {
      const possible = possibleVariants(kernel, layer, batch, gpu.device);
      const here = possibleVariants(kernel, layer, images, gpu.device).filter((v) => possible.includes(v));
      const worth = () => worthMeasuring(kernel, here, layer, adapterKind(gpu.adapter), rejectedVariants);
      const measurable = worth();
      const job = { ...jobOf(gpu, { kernel, layer }, images, measurable, rejectedVariants), worth };
      places.push({ kernel, layer, key: job.key, possible });
      if (chosen.has(job.key) || jobs.has(job.key)) continue;
      const known = await memory.get('choice', job.key);
      const isTrusted = !rejectedVariants.has(`${kernel.name}.${known?.value}`);
      if (known && measurable.includes(known.value) && isTrusted)
        chosen.set(job.key, {
          variant: known.value,
          why: `measured on ${new Date(known.date).toISOString()}`,
        });
      else if (measurable.length > 1) jobs.set(job.key, job);
    }
  }
  return { places, jobs };
}

/** Rejects the variants with a shader that the device refused, and reports each. */
async function leaveOut(
  gpu: Gpu,
  jobs: readonly Job[],
  refused: ReadonlyMap<Shader, unknown>,
  { rejectedVariants, onRefused }: TuneOptions,
): Promise<void> {
  for (const o of jobs.flatMap(({ ops }) => ops)) {
    const shader = o.calls.map(({ shader }) => shader).find((shader) => refused.has(shader));
    if (!shader) continue;
    const { unusable } = await loaded(import('../trust/faults'));
    const error = unusable(o, adapterName(gpu.adapter), refused.get(shader));
    // A lost device, or a text that did not load, says nothing about the variant.
    if (!(error instanceof UnusableKernel)) throw error;
    rejectedVariants.add(`${o.kernel}.${o.variant}`, error);
    onRefused?.(error);
  }
}

/** Measures `jobs`, the heaviest first, and adds the fastest variants to `chosen`, until `end`. */
async function measureAll(
  gpu: Gpu,
  jobs: readonly TuningJob[],
  chosen: Map<string, Chosen>,
  end: number,
  options: TuneOptions,
): Promise<void> {
  const { memory, signal, rejectedVariants, onMeasured, onRefused, onProgress } = options;
  const flops = ({ ops: [{ cost }] }: Job) => cost.flops;
  const queue = [...jobs].sort((a, b) => flops(b) - flops(a));
  /** Variants that were rejected before, by the self-check for instance. Those rejected while measuring are reported at each layer. */
  const names = queue.flatMap(({ ops }) => ops.map(({ kernel, variant }) => `${kernel}.${variant}`));
  const before = new Set(names.filter((name) => rejectedVariants.has(name)));
  const pool = await NoisePool.create(gpu, queue);
  try {
    const now = performance.now();
    const { compiled, refused } = await compileAll(gpu, queue, now + COMPILING * (end - now));
    const isReady = ({ calls }: Op) => calls.every(({ shader }) => compiled.has(shader));
    if (!isReady(COMPARISON)) return;
    await leaveOut(gpu, queue, refused, options);
    for (const [i, { key, ops, tensors, usual, worth }] of queue.entries()) {
      onProgress?.(i, queue.length);
      const { kernel, layer } = ops[0];
      // A variant was rejected meanwhile, so the ones that it kept out are measured with the others.
      const isOver = () => worth().length > ops.length;
      if (isOver()) continue;
      const ready = ops.filter(isReady);
      // Without the plain variant nothing can be checked. And if the usual variant has not compiled yet, the fastest of the others (maybe
      // the plain one alone) is no match for it, which is worth some seconds more.
      if (ready[0] !== ops[0] || !ready.includes(usual)) continue;
      const job = {
        ops: ready.filter((o) => o === ops[0] || !before.has(`${kernel}.${o.variant}`)),
        tensors,
      };
      const report = (variant: string, result: number | string) =>
        onMeasured?.({ kernel, layer, variant, result });
      let best: Fastest | undefined;
      try {
        best = await fastest(gpu, pool, job, { end, signal, rejectedVariants, onRefused, report });
      } catch (error) {
        signal?.throwIfAborted();
        gpu.checkAlive();
        // The plain variant, or the comparison, was refused or is wrong, or memory is short: the layer takes its usual variant.
        if (error instanceof UnusableKernel && error.why === 'refused-kernel') onRefused?.(error);
        report(ops[0].variant, (error as Error).message);
        continue;
      }
      if (best === undefined) return;
      const { variant, isLasting } = best;
      // The plain variant is measured even if it was rejected.
      if (before.has(`${kernel}.${variant}`) || isOver()) continue;
      chosen.set(key, { variant, why: 'measured now' });
      // Remember only complete results. Next time all may compile in time: browsers and drivers keep what they compiled.
      if (ready.length === ops.length && isLasting) await memory.set('choice', key, variant);
    }
    onProgress?.(queue.length, queue.length);
  } finally {
    pool.destroy();
  }
}

function jobOf(
  gpu: Gpu,
  { kernel, layer }: Pick<TunedPlace, 'kernel' | 'layer'>,
  batch: number,
  variants: readonly string[],
  rejectedVariants: Rejected,
): Omit<TuningJob, 'worth'> {
  const shape = tunedShape(layer, batch);
  const sizes = Object.entries<number>(kernel.sizes(shape));
  const named = Object.fromEntries(sizes.map(([name, size]) => [name, tensor(name, size)]));
  const ops = variants.map((variant) => op(kernel, layer.name, shape, named, variant));
  const unlikely = new Set(ops.filter(({ variant }) => kernel.variants[variant].wastesLanes?.(shape)));
  const left = trusted(kernel, variants, rejectedVariants);
  const name = preferredVariant(kernel, left, layer, batch, adapterKind(gpu.adapter));
  const usual = ops.find(({ variant }) => variant === name) ?? ops[0];
  return { key: candidateKey(ops, sizes), ops, usual, unlikely, tensors: Object.values(named) };
}

/**
 * The key of a choice covers, beside what AdapterMemory adds, kernel, sizes, and the dispatches of the variants including the texts of their
 * shaders, so that a choice becomes invalid when a shader changes or a variant is added.
 */
function candidateKey(ops: readonly Op[], sizes: readonly (readonly [string, number])[]): string {
  const dispatches = ops.map(({ variant, calls }) => [
    variant,
    calls.map(({ shader, params, groups }) => [shader.hash, params, groups]),
  ]);
  return JSON.stringify([ops[0].kernel, Object.fromEntries(sizes), hashText(JSON.stringify(dispatches))]);
}

/**
 * Compiles the shaders concurrently, and returns those that are done when all are, or at `end`: the tuner does not wait for a shader that
 * takes seconds, as long unrolled texts do with some drivers. Starts with the comparison and the plain variants, which all checks need; then
 * follow the order of preference, and last the variants that are not expected to win anywhere. A refused shader counts as done; the error is
 * reported when the variant is tried.
 */
async function compileAll(
  gpu: Gpu,
  jobs: readonly TuningJob[],
  end: number,
): Promise<{ compiled: ReadonlySet<Shader>; refused: ReadonlyMap<Shader, unknown> }> {
  const plain = new Set(jobs.map(({ ops }) => ops[0]));
  const unlikely = new Set(jobs.flatMap((job) => [...job.unlikely]));
  const place = (o: Op) =>
    plain.has(o) ? -1 : rank(o.variant, adapterKind(gpu.adapter)) + (unlikely.has(o) ? LAST : 0);
  const ops = jobs.flatMap((job) => job.ops).sort((a, b) => place(a) - place(b));
  const shaders = new Set([COMPARISON, ...ops].flatMap(({ calls }) => calls.map(({ shader }) => shader)));
  const done = new Set<Shader>();
  const refused = new Map<Shader, unknown>();
  const all = Promise.all(
    [...shaders].map((shader) =>
      gpu.compiler
        .pipeline(shader, false)
        .compiled.catch((error: unknown) => refused.set(shader, error))
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
