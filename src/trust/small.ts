/** Runs kernels on small cases and compares their results with the references. Loaded when there is something to check. */
import { references } from 'virtual:references';
import type { Checked, Op, op } from '../plan/op';
import type { Reference, Values } from '../plan/reference';
import type { Tensor } from '../plan/tensor';
import { faultOf } from './compare';
import { runOnce, type Tools } from './run_once';
import { smallShape, startValues } from './small_case';

/** A report of a wrong kernel. */
interface Finding {
  readonly kernel: string;
  readonly variant: string;
  readonly text: string;
  /** The remedy; follows the text. */
  readonly advice: string;
}

/** The small case of an op. */
interface Case {
  readonly op: Op;
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly before: Readonly<Record<string, Values>>;
  /** The results that the kernel must compute. */
  readonly expected: Readonly<Record<string, Values>>;
}

/**
 * Checks `ops` and returns a finding for each that is wrong, undefined for each that is right. If a variant is wrong, the kernel's plain
 * form is checked, too: if that can be run and is also wrong, the finding names it instead of the variant. `hasPlain`: whether a kernel has a plain form.
 */
export async function checkOps(
  ops: readonly Checked[],
  tools: Tools,
  adapter: string,
  hasPlain: (kernel: string) => boolean,
): Promise<(Finding | undefined)[]> {
  const faults = await faultsOf(ops, tools);
  return Promise.all(
    ops.map(async (o, i) => {
      const fault = faults[i];
      if (fault === undefined) return undefined;
      const plain = { ...o, variant: Object.keys(o.origin.kernel.variants)[0] };
      const isPlain = o.variant === plain.variant;
      const [ofPlain] = isPlain || !hasPlain(o.kernel) ? [] : await faultsOf([plain], tools).catch(() => []);
      return ofPlain ? findingOf(plain, ofPlain, adapter) : findingOf(o, fault, adapter);
    }),
  );
}

const findingOf = ({ kernel, variant }: Checked, fault: string, adapter: string): Finding => ({
  kernel,
  variant,
  text: `The kernel ${kernel}.${variant} computes wrongly on this adapter (${adapter || 'without a name'}): in a small case ${fault}.`,
  advice:
    'Update the browser and the graphics driver, or use another adapter. If that does not help, please report it with this message. createEngine({ selfCheck: false }) runs without the check.',
});

/** Describes, for a message, the fault of each of `ops`; undefined for a correct one. */
export async function faultsOf(ops: readonly Checked[], tools: Tools): Promise<(string | undefined)[]> {
  const cases = ops.map((o) => caseOf(o, tools.op));
  const before = new Map(
    cases.flatMap(({ tensors, before }) =>
      Object.keys(tensors).map((name) => [tensors[name], before[name]] as const),
    ),
  );
  const results = cases.flatMap(({ tensors, expected }) =>
    Object.keys(expected).map((name) => tensors[name]),
  );
  const read = await runOnce(
    tools,
    cases.map((c) => c.op),
    before,
    results,
  );
  const got = new Map(results.map((t, i) => [t, read[i]]));
  return cases.map((c) => caseFault(c, got));
}

const all: Readonly<Record<string, Reference<never>>> = references;

/** The reference of a kernel. */
export const referenceOf = (kernel: string) => all[kernel];

/** Makes a small op of the same variant, on its own tensors. */
function caseOf(o: Checked, make: typeof op): Case {
  const { kernel, shape: given } = o.origin;
  const shape = smallShape(kernel, given);
  const sizes = sizesOf(o, shape);
  const before = startValues(o.kernel, shape, sizes);
  const tensors = Object.fromEntries(Object.entries(sizes).map(([label, size]) => [label, { label, size }]));
  return {
    op: opWith(o, shape, tensors, make),
    tensors,
    before,
    expected: referenceOf(o.kernel)(shape as never, before),
  };
}

/** Sizes of the tensors of an op like `o` of another shape. */
export function sizesOf(
  { variant, origin: { kernel, sliced } }: Checked,
  shape: object,
): Record<string, number> {
  const sizes: Record<string, number> = { ...kernel.sizes(shape as never) };
  const slices = sliced && kernel.variants[variant].slices?.(shape as never);
  return slices ? { ...sizes, gradient: slices * pitchOf(sizes.gradient) } : sizes;
}

/** An op like `o` of another shape, on its own tensors. */
export function opWith(
  { variant, origin: { kernel, sliced } }: Checked,
  shape: object,
  tensors: Readonly<Record<string, Tensor>>,
  make: typeof op,
): Op {
  const slices = sliced && kernel.variants[variant].slices ? tensors.gradient : undefined;
  return make(kernel, 'self-check', shape as never, tensors, variant, slices);
}

function caseFault({ tensors, expected }: Case, got: ReadonlyMap<Tensor, ArrayBuffer>): string | undefined {
  for (const [name, values] of Object.entries(expected)) {
    const fault = faultOf(name, valuesLike(values, got.get(tensors[name])!), values);
    if (fault) return fault;
  }
  return undefined;
}

/** The contents of a buffer, of the type and size of `values`: slices are added up. */
export function valuesLike(values: Values, buffer: ArrayBuffer): Values {
  const all = values instanceof Uint32Array ? new Uint32Array(buffer) : new Float32Array(buffer);
  return all.length > values.length ? sumOfSlices(all, values.length) : all;
}

/** Stride between slices of a gradient: each slice consists of whole vec4s. */
const pitchOf = (size: number) => Math.ceil(size / 4) * 4;

function sumOfSlices(slices: Values, size: number): Float64Array {
  const pitch = pitchOf(size);
  const sums = new Float64Array(size);
  for (let at = 0; at < slices.length; at += pitch) for (let i = 0; i < size; i++) sums[i] += slices[at + i];
  return sums;
}
