/** Runs kernels on small cases and compares their results with the references. Loaded when there is something to check. */
import { references } from 'virtual:references';
import { adapterName } from '../gpu/adapter';
import type { Gpu } from '../gpu/gpu';
import { firstVariant, type Op, op } from '../plan/op';
import type { Reference, Values } from '../plan/reference';
import type { Tensor } from '../plan/tensor';
import { faultOf, pitchOf, valuesLike } from './expected';
import { wrongInSmall } from './faults';
import { runOnce } from './run_once';
import { smallShape, startValues } from './small_case';
import type { UnusableKernel } from './unusable_kernel';

/** The small case of an op. */
interface Case {
  readonly op: Op;
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly before: Readonly<Record<string, Values>>;
  /** The results that the kernel must compute. */
  readonly expected: Readonly<Record<string, Values>>;
}

/**
 * Checks `ops` and returns the error of each that is wrong, undefined for each that is right. If a variant is wrong, the kernel's plain form
 * is checked, too: if that can be run and is also wrong, the error names it instead of the variant.
 */
export async function checkOps(gpu: Gpu, ops: readonly Op[]): Promise<(UnusableKernel | undefined)[]> {
  const adapter = adapterName(gpu.adapter);
  const faults = await faultsOf(gpu, ops);
  return Promise.all(
    ops.map(async (o, i) => {
      const fault = faults[i];
      if (fault === undefined) return undefined;
      const { kernel } = o.origin;
      const plain = { ...o, variant: firstVariant(kernel) };
      // The first form of a fused kernel is not a plain one.
      const hasPlain = o.variant !== plain.variant && !kernel.unfused;
      const [ofPlain] = hasPlain ? await faultsOf(gpu, [plain]).catch(() => []) : [];
      return ofPlain ? wrongInSmall(plain, adapter, ofPlain) : wrongInSmall(o, adapter, fault);
    }),
  );
}

/** Describes, for a message, the fault of each of `ops`; undefined for a correct one. */
export async function faultsOf(gpu: Gpu, ops: readonly Op[]): Promise<(string | undefined)[]> {
  const cases = ops.map(caseOf);
  const before = new Map(
    cases.flatMap(({ tensors, before }) =>
      Object.keys(tensors).map((name) => [tensors[name], before[name]] as const),
    ),
  );
  const results = cases.flatMap(({ tensors, expected }) =>
    Object.keys(expected).map((name) => tensors[name]),
  );
  const run = { label: 'self-check', ops: cases.map((c) => c.op), before, results };
  const read = await runOnce(gpu, run);
  const got = new Map(results.map((t, i) => [t, read[i]]));
  return cases.map((c) => caseFault(c, got));
}

const all: Readonly<Record<string, Reference<never>>> = references;

/** Makes a small op of the same variant, on its own tensors. */
function caseOf(o: Op): Case {
  const { kernel, shape: given } = o.origin;
  const shape = smallShape(kernel, given);
  const sizes = sizesOf(o, shape);
  const before = startValues(o.kernel, shape, sizes);
  const tensors = Object.fromEntries(Object.entries(sizes).map(([label, size]) => [label, { label, size }]));
  return {
    op: opWith(o, shape, tensors),
    tensors,
    before,
    expected: all[o.kernel](shape as never, before),
  };
}

/** Sizes of the tensors of an op like `o` of another shape. */
function sizesOf({ variant, origin: { kernel, sliced } }: Op, shape: object): Record<string, number> {
  const sizes: Record<string, number> = { ...kernel.sizes(shape as never) };
  const slices = sliced && kernel.variants[variant].slices?.(shape as never);
  return slices ? { ...sizes, gradient: slices * pitchOf(sizes.gradient) } : sizes;
}

/** An op like `o` of another shape, on its own tensors. */
function opWith(
  { variant, origin: { kernel, sliced } }: Op,
  shape: object,
  tensors: Readonly<Record<string, Tensor>>,
): Op {
  const slices = sliced && kernel.variants[variant].slices ? tensors.gradient : undefined;
  return op(kernel, 'self-check', shape as never, tensors, variant, slices);
}

function caseFault({ tensors, expected }: Case, got: ReadonlyMap<Tensor, ArrayBuffer>): string | undefined {
  for (const [name, values] of Object.entries(expected)) {
    const fault = faultOf(name, valuesLike(values, got.get(tensors[name])!), values);
    if (fault) return fault;
  }
  return undefined;
}
