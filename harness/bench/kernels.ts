/** Lists what kernels compute in a network: each variant at each layer. Pure. */
import type { Engine } from '../../src/engine';
import { firstVariant, type Op } from '../../src/plan/op';
import type { Variants } from '../../src/unet/variants';
import { missingFeature } from '../run/check';
import { variantsByLayer } from '../run/in_use';
import { type AnySpec, specs } from '../specs/lib/registry';
import { elementCount } from '../specs/lib/spec';
import { opAt } from '../text/shape_text';
import type { Peak } from './result';
import { type Entry, isConvolution } from './work';

/** Batch sizes of the checks: the smallest that a variant supports. */
const SMALL = [4, 8, 16, 32, 64];

/**
 * The variants at one layer are adjacent. Kernels of a step have its shapes: `ops` gives its ops at a batch size. Kernels that it does not
 * use have the tutorial's. `isUsual`: it has images of the recipe's size, for which the errors that checks allow are known to hold.
 */
export function listEntries(batch: number, ops: (batch: number) => readonly Op[], isUsual = true): Entry[] {
  const steps = [batch, ...(isUsual ? SMALL : [])].map((images) => ({ images, step: ops(images) }));
  return [...specs].flatMap(([kernel, spec]) => {
    const [full, ...small] = steps.map(({ images, step }) => shapesIn(step, kernel, spec.bench(images)));
    return Object.entries(full).flatMap(([layer, shape]) =>
      variantsAt(spec, layer).map((variant) => ({
        kernel,
        spec,
        variant,
        layer,
        shape,
        cost: spec.kernel.cost(shape),
        small: small.map((shapes) => shapes[layer]),
      })),
    );
  });
}

/** A kernel's shapes in a step by layer, or its usual ones where the step does not use it. */
function shapesIn(step: readonly Op[], kernel: string, usual: Readonly<Record<string, object>>) {
  const used = step.filter((op) => op.kernel === kernel);
  if (used.length === 0) return usual;
  // What a step's shape leaves to the step state is as in the tutorial.
  const state = isConvolution(kernel) ? {} : Object.values(usual)[0];
  return Object.fromEntries(used.map((op) => [op.layer, { ...state, ...shapeOf(op) }]));
}

/** Without a layer's name and neighbours. */
function shapeOf({ origin }: Op): object {
  const { name, next, activation, ...shape } = origin.shape as Record<string, unknown>;
  return shape;
}

/** The conditions go through linear layers, which have one variant. */
const variantsAt = ({ kernel }: AnySpec, layer: string) =>
  layer.startsWith('conditioning.') ? [firstVariant(kernel)] : Object.keys(kernel.variants);

/** An op of the network, which is checked as its kernel is at its layer, or else anywhere. */
export function findEntry(op: Op, entries: readonly Entry[]): Entry {
  const { layer, cost } = op;
  const same = entries.filter(({ kernel, variant }) => kernel === op.kernel && variant === op.variant);
  const like = same.find((entry) => entry.layer === layer) ?? same[0];
  return { ...like, layer, shape: { ...(like.shape as object), ...shapeOf(op) }, cost, op };
}

export const kernelName = ({ kernel, variant, layer }: Entry) => `${kernel}.${variant} ${layer}`;

export const makeOp = ({ spec, variant, layer, shape, op }: Entry): Op =>
  op ?? opAt(spec, shape, variant, layer);

/** The variants of the ops whose kernels have several. */
export const chosenIn = (ops: readonly Op[]): Variants =>
  variantsByLayer(ops.filter(({ kernel }) => Object.keys(specs.get(kernel)!.kernel.variants).length > 1));

/** Marks the variants that the network uses, and their rivals; puts the first ones first, by decreasing work. The rest keeps its order. */
export function usedFirst(entries: readonly Entry[], variants: Variants, peak: Peak): Entry[] {
  const marked = entries.map((entry) => {
    const chosen = variants[`${entry.kernel}/${entry.layer}`];
    return chosen === undefined ? entry : { ...entry, used: chosen === entry.variant };
  });
  /** It takes at least as long. */
  const floor = ({ cost: { flops, bytes } }: Entry) => Math.max(flops / peak.gflops, bytes / peak.gbps);
  const first = marked.filter(({ used }) => used).sort((a, b) => floor(b) - floor(a));
  return [...first, ...marked.filter(({ used }) => !used)];
}

/** References are plain loops, so a check is limited to this many numbers. */
const CHECK_ELEMENTS = 4e6;

/** The shape with which an entry is checked, a small version of the layer: the smallest batch that the variant supports. */
export function checkedShape({ spec: { kernel, cases }, variant, small }: Entry): unknown {
  const { refuses } = kernel.variants[variant];
  return [...small, ...Object.values(cases).reverse()].find(
    (shape) => shape && !refuses?.(shape) && elementCount(kernel.sizes(shape)) <= CHECK_ELEMENTS,
  );
}

/** The lowest share of the peak that a kernel is assumed to reach. */
const LEAST_OF_PEAK = 0.02;
/** Systems reset a GPU whose single task takes longer; Windows after two seconds. */
const MOST_AT_ONCE_SECONDS = 1.5;

/** Why an entry cannot be timed here, if so: a GPU might need dangerously long to run its dispatches uncut. */
export function whyNotTimed(engine: Engine, entry: Entry, peak: Peak): string | undefined {
  const { spec, variant, shape } = entry;
  const known = missingFeature(engine, spec, variant) ?? spec.kernel.variants[variant].refuses?.(shape);
  const seconds = entry.cost.flops / (LEAST_OF_PEAK * peak.gflops * 1e9);
  if (known || engine.adapter.software || seconds <= MOST_AT_ONCE_SECONDS) return known;
  return `at ${100 * LEAST_OF_PEAK}% of this GPU's peak it would take ${seconds.toFixed(1)} s at once, for which a system may reset the GPU: use a smaller --batch`;
}
