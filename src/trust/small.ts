/** Is a kernel right on a small case? Runs kernels and compares their results with the references. Loaded when there is something to check. */
import { references, smallCases } from 'virtual:references';
import { adapterName } from '../gpu/adapter';
import type { Gpu } from '../gpu/gpu';
import { firstVariant, type Op, op } from '../plan/op';
import type { Reference, Values } from '../plan/reference';
import { between, Random, type StartValues } from '../plan/small_case';
import { REPORT } from './faults';
import { runOnce } from './run_once';
import { UnusableKernel } from './unusable_kernel';

/**
 * Maximum difference from an expected value, as a share of the largest expected value in its tensor. Over the cases that `smallShape`
 * makes for all kernels, the least accurate form, Winograd's F(8x8, 5x5), has an error of 2e-4, F(7x7, 5x5) of 1e-4, and all forms other
 * than Winograd of 4e-6. The check detects an error of 0.4%.
 */
const TOLERANCE = 1e-3;
/** Tensors whose values are unrelated: each value is compared relative to itself. */
const APART = ['state', 'records'];
/** Smaller f32 values are denormal: an integer in a tensor of floats, or zero. */
const LEAST_NORMAL = 2 ** -126;

/** A SmallCase of any shape. */
interface AnySmallCase {
  readonly shape: (shape: never, sizes: never) => object;
  readonly values?: Readonly<Record<string, StartValues<never>>>;
}

const allReferences: Readonly<Record<string, Reference<never>>> = references;
const allCases: Readonly<Record<string, AnySmallCase>> = smallCases;

/**
 * Checks `ops` and returns the error of each that is wrong, undefined for each that is right. If they fail together, each is checked alone, so
 * that a refused one does not spoil the others' check.
 */
export async function checkOps(gpu: Gpu, ops: readonly Op[]): Promise<(UnusableKernel | undefined)[]> {
  try {
    const faults = await findFaults(gpu, ops);
    return await Promise.all(
      faults.map((fault, i) => (fault === undefined ? undefined : wrong(gpu, ops[i], fault))),
    );
  } catch (error) {
    gpu.checkAlive();
    if (ops.length === 1 && error instanceof UnusableKernel) return [error];
    if (ops.length === 1) throw error;
  }
  const found: (UnusableKernel | undefined)[] = [];
  for (const o of ops) found.push(...(await checkOps(gpu, [o])));
  return found;
}

/** The error of a wrong op, or of its kernel's plain form if that can be run and is also wrong. */
async function wrong(gpu: Gpu, o: Op, fault: string): Promise<UnusableKernel> {
  const { kernel } = o.origin;
  const plain = { ...o, variant: firstVariant(kernel) };
  // The first form of a fused kernel is not a plain one.
  const hasPlain = o.variant !== plain.variant && !kernel.unfused;
  const [ofPlain] = hasPlain ? await findFaults(gpu, [plain]).catch(() => []) : [];
  return new UnusableKernel('wrong-kernel', ofPlain ? plain : o, {
    adapter: adapterName(gpu.adapter),
    problem: `: in a small case ${ofPlain ?? fault}.`,
    advice: `${REPORT} createEngine({ selfCheck: false }) runs without the check.`,
  });
}

/** Describes, for a message, the fault of each of `ops`; undefined for a correct one. */
export async function findFaults(gpu: Gpu, ops: readonly Op[]): Promise<(string | undefined)[]> {
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
  const read = (await runOnce(gpu, run)).values();
  return cases.map(({ expected }) => {
    const faults = Object.entries(expected).map(([name, values]) =>
      findFault(name, valuesLike(values, read.next().value!), values),
    );
    return faults.find((fault) => fault !== undefined);
  });
}

/** A small op of the same variant, on its own tensors, with their contents before it runs and what it must compute. */
function caseOf({ kernel: name, variant, origin }: Op) {
  const { kernel, shape: given, sliced } = origin;
  const shape = smallShape(kernel, given);
  const sizes: Record<string, number> = { ...kernel.sizes(shape as never) };
  const { slices } = kernel.variants[variant];
  if (sliced && slices) sizes.gradient = slices(shape as never) * pitchOf(sizes.gradient);
  const before = startValues(name, shape, sizes);
  const tensors = Object.fromEntries(Object.entries(sizes).map(([label, size]) => [label, { label, size }]));
  const cached = sliced && slices ? tensors.gradient : undefined;
  return {
    op: op(kernel, 'self-check', shape as never, tensors, variant, cached),
    tensors,
    before,
    expected: allReferences[name](shape as never, before),
  };
}

/** A small shape of the same kind. */
export const smallShape = ({ name, sizes }: Pick<Op['origin']['kernel'], 'name' | 'sizes'>, shape: object) =>
  allCases[name].shape(shape as never, sizes as never);

const usual = between(-2, 2);

/** The contents of every tensor before a kernel runs, including tensors that it only writes, so that values which it fails to write show up. */
export function startValues(
  kernel: string,
  shape: object,
  sizes: Readonly<Record<string, number>>,
): Record<string, Values> {
  const random = new Random();
  const own = allCases[kernel].values ?? {};
  return Object.fromEntries(
    Object.entries(sizes).map(([name, size]) => [name, (own[name] ?? usual)(size, random, shape as never)]),
  );
}

/** Describes, for a message, the first wrong value that a kernel wrote to a tensor; undefined if there is none. */
export function findFault(name: string, got: Values, expected: Values): string | undefined {
  if (isConstant(got) && !isConstant(expected)) return `every number of ${name} is ${got[0]}`;
  const share = expected instanceof Uint32Array ? 0 : TOLERANCE;
  const apart = APART.includes(name);
  let largest = 0;
  for (const value of expected) largest = Math.max(largest, Math.abs(value));
  const isRight = (value: number, result: number) => {
    const size = Math.abs(value);
    if (size < LEAST_NORMAL && result !== value) return false;
    // No comparison with NaN is true.
    return Math.abs(result - value) <= share * (apart ? size : largest);
  };
  let wrong = 0;
  let first = 0;
  for (let i = 0; i < expected.length; i++) if (!isRight(expected[i], got[i]) && wrong++ === 0) first = i;
  if (wrong === 0) return undefined;
  return `${name}[${first}] is ${got[first]}, expected ${expected[first]}, and ${wrong} of ${expected.length} numbers are off`;
}

const isConstant = (values: Values) => values.length > 1 && values.every((value) => value === values[0]);

/** The contents of a buffer, of the type and size of `values`: slices are added up. */
function valuesLike(values: Values, buffer: ArrayBuffer): Values {
  const all = values instanceof Uint32Array ? new Uint32Array(buffer) : new Float32Array(buffer);
  if (all.length <= values.length) return all;
  const pitch = pitchOf(values.length);
  const sums = new Float64Array(values.length);
  for (let at = 0; at < all.length; at += pitch) for (let i = 0; i < sums.length; i++) sums[i] += all[at + i];
  return sums;
}

/** Stride between slices of a gradient: each slice consists of whole vec4s. */
const pitchOf = (size: number) => Math.ceil(size / 4) * 4;
