/** Lists what kernels compute in a network: each variant at each layer; checks and times single ones. */
import type { Engine } from '../../src/engine';
import { firstVariant, type Op } from '../../src/plan/op';
import type { Variants } from '../../src/unet/variants';
import { type CaseResult, checkCase, missingFeature, References } from '../run/check';
import { inputsOf } from '../specs/lib/check_kernel';
import { type AnySpec, specs } from '../specs/lib/registry';
import { type Arrays, elementCount } from '../specs/lib/spec';
import { opAt } from '../text/shape_text';
import { Timer, type Times, withOp } from './timer';
import { isConvolution, type Peak, type Work } from './work';

export interface Entry {
  readonly name: string;
  readonly spec: AnySpec;
  readonly variant: string;
  readonly layer: string;
  readonly shape: unknown;
  /** The same shape at small batches, for the check: the smallest first. None: it is checked on a case of its kernel's tests. */
  readonly small: readonly unknown[];
  /** As the network runs it, which may take over a neighbour's results. Default: by itself. */
  readonly op?: Op;
}

/** Without a layer's name and neighbours. */
function shapeOf({ origin }: Op): object {
  const { name, next, activation, ...shape } = origin.shape as Record<string, unknown>;
  return shape;
}

/** Batch sizes of the checks: the smallest that a variant supports. */
const SMALL = [4, 8, 16, 32, 64];

/**
 * The variants at one layer are adjacent. Kernels of a step have its shapes: `ops` gives its ops at a batch size. Kernels that it does not
 * use have the tutorial's. `isUsual`: it has images of the recipe's size, for which the errors that checks allow are known to hold.
 */
export function listEntries(batch: number, ops: (batch: number) => readonly Op[], isUsual = true): Entry[] {
  const shapesAt = (images: number) => {
    const step = ops(images);
    return (name: string, spec: AnySpec): Readonly<Record<string, unknown>> => {
      const usual = spec.bench(images);
      const used = step.filter(({ kernel }) => kernel === name);
      // What a step's shape leaves to the step state is as in the tutorial.
      const state = isConvolution(name) ? {} : Object.values(usual)[0];
      const shapes = used.map((op) => [op.layer, { ...(state as object), ...shapeOf(op) }]);
      return used.length > 0 ? Object.fromEntries(shapes) : usual;
    };
  };
  const [full, ...reduced] = [batch, ...(isUsual ? SMALL : [])].map(shapesAt);
  return [...specs].flatMap(([name, spec]) => {
    const small = reduced.map((shapes) => shapes(name, spec));
    return Object.entries(full(name, spec)).flatMap(([layer, shape]) =>
      variantsAt(spec, layer).map((variant) => ({
        ...{ name, spec, variant, layer, shape },
        small: small.map((shapes) => shapes[layer]),
      })),
    );
  });
}

/** The conditions go through linear layers, which have one variant. */
const variantsAt = ({ kernel }: AnySpec, layer: string) =>
  layer.startsWith('conditioning.') ? [firstVariant(kernel)] : Object.keys(kernel.variants);

/** An op of the network, which is checked as its kernel is at its layer, or else anywhere. */
export function entryOf(op: Op, entries: readonly Entry[]): Entry {
  const same = entries.filter(({ name, variant }) => name === op.kernel && variant === op.variant);
  const like = same.find(({ layer }) => layer === op.layer) ?? same[0];
  return { ...like, layer: op.layer, shape: { ...(like.shape as object), ...shapeOf(op) }, op };
}

export const workOf = ({ name, spec, shape, op }: Entry): Work => ({
  ...{ kernel: name, shape },
  cost: op?.cost ?? spec.kernel.cost(shape),
});

export const opOf = ({ spec, variant, layer, shape, op }: Entry): Op =>
  op ?? opAt(spec, shape, variant, layer);

/** Puts the variants that the network uses first, by decreasing work; the rest keeps its order. */
export function usedFirst(entries: readonly Entry[], used: Variants, peak: Peak): Entry[] {
  const isUsed = (entry: Entry) => used[`${entry.name}/${entry.layer}`] === entry.variant;
  /** Seconds that it takes at least. */
  const floor = ({ spec, shape }: Entry) => {
    const { flops, bytes } = spec.kernel.cost(shape);
    return Math.max(flops / peak.gflops, bytes / peak.gbps) / 1e9;
  };
  const first = entries.filter(isUsed).sort((a, b) => floor(b) - floor(a));
  return [...first, ...entries.filter((entry) => !isUsed(entry))];
}

/** References are plain loops, so a check is limited to this many numbers. */
const CHECK_ELEMENTS = 4e6;

/** The shape with which an entry is checked, a small version of the layer: the smallest batch that the variant supports. */
export function checkedShape({ spec, variant, small }: Entry): unknown {
  const candidates = [...small, ...Object.values(spec.cases).reverse()];
  const fits = (shape: unknown) =>
    shape !== undefined &&
    !spec.kernel.variants[variant].refuses?.(shape) &&
    elementCount(spec.kernel.sizes(shape)) <= CHECK_ELEMENTS;
  return candidates.find(fits);
}

/** The lowest share of the peak that a kernel is assumed to reach. */
const LEAST_OF_PEAK = 0.02;
/** Systems reset a GPU whose single task takes longer; Windows after two seconds. */
const MOST_AT_ONCE_SECONDS = 1.5;

/** Why an entry cannot be timed here, if so: a GPU might need dangerously long to run its dispatches uncut. */
export function refusalOf(engine: Engine, { spec, variant, shape }: Entry, peak: Peak): string | undefined {
  const known = missingFeature(engine, spec, variant) ?? spec.kernel.variants[variant].refuses?.(shape);
  const seconds = spec.kernel.cost(shape).flops / (LEAST_OF_PEAK * peak.gflops * 1e9);
  if (known || engine.adapter.software || seconds <= MOST_AT_ONCE_SECONDS) return known;
  return `at ${100 * LEAST_OF_PEAK}% of this GPU's peak it would take ${seconds.toFixed(1)} s at once, for which a system may reset the GPU: use a smaller --batch`;
}

/** Checks and times single kernels. The caller destroys it. */
export class Kernels {
  readonly engine: Engine;
  readonly timer: Timer;
  private readonly signal: AbortSignal | undefined;
  private readonly references = new References();
  private readonly checked = new Map<string, CaseResult>();
  /** The variants at a layer get the same. */
  private inputs: { readonly shape: unknown; readonly arrays: Arrays } | undefined;

  private constructor(engine: Engine, timer: Timer, signal?: AbortSignal) {
    this.engine = engine;
    this.timer = timer;
    this.signal = signal;
  }

  /** With the GPU's clock if it can be trusted, else the host's; for an engine that checks nothing itself. */
  static async create(engine: Engine, signal?: AbortSignal): Promise<Kernels> {
    const probe = opAt(specs.get('fma_peak')!, { invocations: 2 ** 14, iterations: 256 });
    const timer = await withOp(engine.gpu, probe, (encode) => Timer.create(engine.gpu, encode));
    return new Kernels(engine, timer, signal);
  }

  /** Compares it with its reference, on each shape once. */
  async check(entry: Entry): Promise<CaseResult> {
    this.signal?.throwIfAborted();
    const { name, spec, variant } = entry;
    const shape = checkedShape(entry);
    if (shape === undefined)
      return { pass: false, share: 0, failure: 'no case is small enough to be checked' };
    const key = `${name}.${variant} ${JSON.stringify(shape)}`;
    const found =
      this.checked.get(key) ?? (await checkCase(this.engine, spec, variant, shape, this.references));
    this.checked.set(key, found);
    return found;
  }

  /** On random numbers, from samples over about `seconds`. Throws `limit` if the device cannot hold the shape's tensors. */
  time(entry: Entry, seconds: number): Promise<Times> {
    const { engine, signal } = this;
    const { spec, shape } = entry;
    const timed = opOf(entry);
    const all = timed.calls.flatMap(({ tensors }) => Object.values(tensors));
    const held = new Set(all.map((one) => one.base ?? one));
    return withOp(engine.gpu, timed, (encode, program) => {
      if (this.inputs?.shape !== shape) this.inputs = { shape, arrays: inputsOf(spec, shape) };
      // Tensors that a kernel updates in place start random too, as do weights and activations.
      for (const [name, values] of Object.entries(this.inputs!.arrays)) {
        const to = timed.origin.tensors[name];
        if (!values || !held.has(to.base ?? to)) continue;
        const words = values instanceof Float64Array ? Float32Array.from(values) : values;
        engine.device.queue.writeBuffer(program.buffer(to), 4 * (to.offset ?? 0), words as BufferSource);
      }
      return this.timer.measure(encode, { seconds, signal });
    });
  }

  destroy(): void {
    this.timer.destroy();
  }
}
