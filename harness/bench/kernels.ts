/** Lists what kernels compute in a network: each variant at each layer. Pure. */
import type { Engine } from '../../src/engine';
import { firstVariant, type Op } from '../../src/plan/op';
import type { Variants } from '../../src/unet/variants';
import { missingFeature } from '../run/check';
import { type AnySpec, specs } from '../specs/lib/registry';
import { elementCount } from '../specs/lib/spec';
import { opAt } from '../text/shape_text';
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

export const nameOf = ({ name, variant, layer }: Entry) => `${name}.${variant} ${layer}`;

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
