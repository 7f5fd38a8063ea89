/** Is a kernel right at the size of a network? Compares the results of forms with the plain kernels'. Loaded with the first comparison. */
import type { Gpu } from '../gpu/gpu';
import { NO_BIASES } from '../plan/conv_shape';
import { type Op, op } from '../plan/op';
import type { Values } from '../plan/reference';
import { Random } from '../plan/small_case';
import type { Tensor } from '../plan/tensor';
import { type Comparison, comparing, differenceIn, writes } from './compare';
import { runOnce } from './run_once';
import { UnusableKernel } from './unusable_kernel';

/**
 * Maximum error of a number, as a share of the result's root mean square. The least accurate correct form is Winograd's F(8x8, 5x5): see
 * AGREEMENT of the tuner.
 */
const TOLERANCE = 2e-2;
/** A layer's weight gradient that is smaller than this share of all is mostly rounding: its maximum error is the one of a gradient of that size. */
const SMALLEST = 1e-3;

/** A pass through a network, with its inputs. */
export interface ComparedPass {
  readonly ops: readonly Op[];
  /** The tensors that the pass reads, and their contents. */
  readonly inputs: (random: Random) => readonly (readonly [Tensor, Values])[];
  /** The final tensors of weight gradients that ops leave in slices, by the tensor of the slices. */
  readonly sums?: ReadonlyMap<Tensor, Tensor>;
}

interface AtSize {
  readonly pass: ComparedPass;
  /** The variants that can compute an op, the plain one first; only the plain one if there is no choice. */
  readonly variantsOf: (o: Op) => readonly string[];
  /** The buffers of the network. */
  readonly boundBuffers: ReadonlyMap<Tensor, GPUBuffer>;
  readonly signal?: AbortSignal | undefined;
  /** Maximum time of a submission. */
  readonly milliseconds?: number | undefined;
  /** Called once the shaders are requested. */
  readonly onRequested?: (() => void) | undefined;
}

/** Counts kernels that have run, and that are to run. */
type Count = (ran: number, more?: number) => void;
/** Variants to compare ops with. */
type Others = ReadonlyMap<Op, string>;

/**
 * The ops whose variants compute wrongly, each with the error of its worst number, the worst first. Undefined without a standard of
 * comparison: plain kernels cannot be used or are wrong themselves, or their results are not finite.
 */
export async function disagreeingOps(
  gpu: Gpu,
  at: AtSize,
): Promise<readonly (readonly [Op, number])[] | undefined> {
  const { pass, variantsOf } = at;
  const alike = new Map<string, Op[]>();
  for (const o of pass.ops) {
    const work = dispatchKey(o);
    alike.set(work, [...(alike.get(work) ?? []), o]);
  }
  const plain = new Map<Op, string>();
  for (const [o] of alike.values()) {
    const [first, ...rest] = variantsOf(o);
    if (rest.length > 0 && o.variant !== first) plain.set(o, first);
  }
  if (plain.size === 0) return [];
  let done = 0;
  let total = 0;
  const count: Count = (ran, more = 0) => {
    done += ran;
    total += more;
    if (!gpu.compiler.isCompiling) gpu.onProgress?.({ task: 'comparing', done, total });
  };
  const compare = (others: Others, check: boolean) =>
    relativeErrors(gpu, at, others, check, count).catch((error) => {
      if (error instanceof UnusableKernel || error === LATE) return undefined;
      throw error;
    });
  try {
    // The comparison itself checks the plain forms: their small cases would be compiled for nothing.
    const shares = await compare(plain, false);
    if (!shares) return undefined;
    const off = [...shares].filter(([_, share]) => !(share <= TOLERANCE));
    if (off.length === 0) return [];
    // A wrong plain form must not reject another. A third form decides, of a technique that neither uses; without one, the plain form's
    // small case does.
    const again = new Map(off.map(([op]) => [op, thirdOf(op, variantsOf(op))]));
    const agree = await compare(again, true);
    if (!agree) return undefined;
    const wrong = off.filter(([op]) => again.get(op) === plain.get(op) || !(agree.get(op)! <= TOLERANCE));
    if (wrong.length === 0) return undefined;
    const worst = wrong.sort((one, other) => other[1] - one[1]);
    return worst.flatMap(([o, share]) => alike.get(dispatchKey(o))!.map((each) => [each, share] as const));
  } finally {
    if (done < total) count(total - done);
  }
}

/** The variant of a third technique, else the plain one. */
function thirdOf(o: Op, [plain, ...rest]: readonly string[]): string {
  const used = [plain, o.variant].map(techniqueOf);
  return rest.find((variant) => !used.includes(techniqueOf(variant))) ?? plain;
}

/**
 * Equal for ops that differ in their tensors and biases only: layers of the same size in the middle of a network, and a convolution and the
 * input gradient of its mirror image. The first is compared, for all.
 */
function dispatchKey({ calls }: Op): string {
  const dispatches = calls.map(({ shader, params, groups }) => [
    shader.hash,
    { ...params, ...NO_BIASES },
    groups,
  ]);
  return JSON.stringify(dispatches);
}

/** `winograd`, `one`, `tile` or `direct`. */
const techniqueOf = (variant: string) => /^[a-z]+/.exec(variant)![0];

/** An op, and its comparison with another variant. */
type Compared = readonly [Op, Comparison];

/** The ops of a pass; after some of them another variant on the same inputs, and the difference of the results. */
function withAlternatives({ ops, sums }: ComparedPass, variants: Others) {
  const compared: Compared[] = [];
  const all: Op[] = [];
  const atEnd: Op[] = [];
  for (const o of ops) {
    all.push(o);
    const variant = variants.get(o);
    if (variant === undefined) continue;
    const { kernel, shape, tensors } = o.origin;
    const sizes: Readonly<Record<string, number>> = kernel.sizes(shape as never);
    const others: Record<string, Tensor> = { ...tensors };
    const written = Object.keys(tensors).filter((name) => writes(o, tensors[name]));
    for (const name of written)
      others[name] = { label: `${tensors[name].label}, ${variant}`, size: sizes[name] };
    const given = [o.layer, shape as never, others, variant] as const;
    all.push(...(kernel.unfused?.(...given) ?? [op(kernel, ...given)]));
    for (const name of written) {
      const sum = sums?.get(tensors[name]);
      const comparison = comparing('comparison', sum ?? tensors[name], others[name]);
      compared.push([o, comparison]);
      (sum ? atEnd : all).push(comparison.op);
    }
  }
  return { all: [...all, ...atEnd], compared };
}

/**
 * Runs the pass once, and some of its ops also in other variants, on the same inputs. Returns the error of each, or undefined if results are
 * not finite, or a shader takes long to compile.
 */
async function relativeErrors(
  gpu: Gpu,
  { pass, boundBuffers: bound, signal, milliseconds, onRequested }: AtSize,
  others: Others,
  check: boolean,
  count: Count,
): Promise<ReadonlyMap<Op, number> | undefined> {
  const { all: ops, compared } = withAlternatives(pass, others);
  const before = new Map(pass.inputs(new Random()));
  const results = compared.map(([_, { partials }]) => partials);
  count(0, ops.length);
  const limits = { signal, milliseconds, onRecorded: () => count(1) };
  const run = { label: 'comparison', ops, before, results, bound, check, limits };
  const isReady = (o: Op) => isCompiled(gpu, o);
  const contents = runOnce(gpu, { ...run, isReady, onRequested });
  return sharesOf(compared, await contents);
}

/** Training does not wait for a comparison whose shaders are late. */
const LATE = Symbol('late');

/** Compiles the shaders of an op. Throws `LATE` if one is late. */
async function isCompiled({ compiler }: Gpu, { calls }: Op): Promise<void> {
  for (const compilation of calls.map(({ shader }) => compiler.pipeline(shader))) {
    await compilation.late;
    if (compilation.ended) await compilation.compiled;
    else {
      compiler.count(compilation);
      throw LATE;
    }
  }
}

/** The error of the worst number of each op, from the contents of the `partials`. Undefined if an expected value is not finite. */
function sharesOf(
  compared: readonly Compared[],
  contents: readonly ArrayBuffer[],
): Map<Op, number> | undefined {
  const results = compared.map(([op, { size }], i) => ({ op, size, ...differenceIn(contents[i]) }));
  const gradients = results.filter(({ op }) => isGradient(op));
  const sum = (of: 'squares' | 'size') => gradients.reduce((all, result) => all + result[of], 0);
  const least = SMALLEST * Math.sqrt(sum('squares') / sum('size'));
  const shares = new Map<Op, number>();
  for (const { op, size, largest, squares } of results) {
    if (!Number.isFinite(squares)) return undefined;
    const scale = Math.max(Math.sqrt(squares / size), isGradient(op) ? least : 0);
    shares.set(op, Math.max(shares.get(op) ?? 0, largest === 0 ? 0 : largest / scale));
  }
  return shares;
}

const isGradient = ({ origin }: Op) => 'gradient' in origin.tensors;
