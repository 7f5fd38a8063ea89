/** Compares the results of a network's convolutions, at their real size, with the plain kernels'. Loaded after the first step or run. */
import type { Gpu } from '../gpu/gpu';
import type { Load } from '../gpu/pacer';
import type { createTensorBuffers, Program } from '../gpu/program';
import type { Staging } from '../gpu/staging';
import type { UnusableKernel } from '../gpu/unusable_kernel';
import { difference, differencePairs } from '../kernels/difference';
import type { ConvShape } from '../plan/conv_shape';
import type { Op, op } from '../plan/op';
import type { Values } from '../plan/reference';
import { Random } from '../plan/small_case';
import type { Tensor } from '../plan/tensor';
import type { Tally } from './tally';

/**
 * Maximum error of a number, as a share of the result's root mean square. The least accurate correct form is Winograd's F(8x8, 5x5): see
 * AGREEMENT of the tuner.
 */
const TOLERANCE = 2e-2;
/** A layer's weight gradient that is smaller than this share of all is mostly rounding: its maximum error is the one of a gradient of that size. */
const SMALLEST = 1e-3;

/** A pass through a network, with its inputs. */
export interface Pass {
  readonly ops: readonly Op[];
  /** The tensors that the pass reads, and their contents. */
  readonly inputs: (random: Random) => readonly (readonly [Tensor, Values])[];
  /** The final tensors of weight gradients that ops leave in slices, by the tensor of the slices. */
  readonly sums?: ReadonlyMap<Tensor, Tensor>;
}

/** The parts of the engine needed here. Passed in, because a bundler would split imported ones out of the files that have them. */
interface Parts {
  readonly gpu: Gpu;
  readonly op: typeof op;
  readonly Program: typeof Program;
  readonly Staging: typeof Staging;
  readonly createTensorBuffers: typeof createTensorBuffers;
  readonly UnusableKernel: typeof UnusableKernel;
}

interface AtSize {
  readonly pass: Pass;
  /** The variants that can compute an op, the plain one first; only the plain one if there is no choice. */
  readonly variantsOf: (o: Op) => readonly string[];
  /** The buffers of the network. */
  readonly boundBuffers: ReadonlyMap<Tensor, GPUBuffer>;
  readonly signal?: AbortSignal | undefined;
  /** Maximum time of a submission. */
  readonly milliseconds?: number | undefined;
  readonly tally: Tally;
}

/** A wrong op, and the error of its worst number. */
interface WrongOp {
  readonly op: Op;
  readonly share: number;
}

/**
 * The ops whose variants compute wrongly, the worst first. Undefined without a standard of comparison: plain kernels cannot be used or are
 * wrong themselves, or their results are not finite.
 */
export async function wrongOps(parts: Parts, at: AtSize): Promise<readonly WrongOp[] | undefined> {
  const { pass, variantsOf } = at;
  const others = new Map<Op, string>();
  const seen = new Set<string>();
  for (const o of pass.ops) {
    const [plain, ...rest] = variantsOf(o);
    const work = workOf(o);
    if (rest.length > 0 && o.variant !== plain && !seen.has(work)) others.set(o, plain);
    seen.add(work);
  }
  if (others.size === 0) return [];
  const compare = (others: ReadonlyMap<Op, string>, options: { verify: boolean }) =>
    sharesApart(parts, at, others, options).catch((error) => {
      if (error instanceof parts.UnusableKernel) return undefined;
      throw error;
    });
  // The comparison itself checks the plain forms: their small cases would be compiled for nothing.
  const shares = await compare(others, { verify: false });
  if (!shares) return undefined;
  const off = [...shares].filter(([, share]) => !(share <= TOLERANCE)).map(([op, share]) => ({ op, share }));
  if (off.length === 0) return [];
  // A wrong plain form must not condemn another. A third form decides, of a technique that neither uses; without one, the plain form's
  // small case does.
  const thirds = new Map<Op, string>();
  const again = new Map<Op, string>();
  for (const { op } of off) {
    const [plain, ...rest] = variantsOf(op);
    const used = [plain, op.variant].map(techniqueOf);
    const third = rest.find((variant) => !used.includes(techniqueOf(variant)));
    if (third) thirds.set(op, third);
    again.set(op, third ?? plain);
  }
  const agree = await compare(again, { verify: true });
  if (!agree) return undefined;
  const wrong = off.filter(({ op }) => !thirds.has(op) || !(agree.get(op)! <= TOLERANCE));
  if (wrong.length === 0) return undefined;
  return wrong.sort((a, b) => b.share - a.share);
}

/** Equal for ops that differ in their tensors only: layers of the same size in the middle of a network. One of them is compared. */
function workOf({ kernel, variant, origin: { shape }, calls }: Op): string {
  const { height, width, inChannels, outChannels, kernelSize, batch } = shape as Partial<ConvShape>;
  const size = [height, width, inChannels, outChannels, kernelSize, batch];
  return [kernel, variant, ...size, ...calls.map(({ shader }) => shader.hash)].join();
}

/** `winograd`, `one`, `tile` or `direct`. */
const techniqueOf = (variant: string) => /^[a-z]+/.exec(variant)![0];

/** An op, another with the same results, and their difference. */
interface Compared {
  readonly op: Op;
  /** Numbers in the result. */
  readonly size: number;
  /** See `difference`. */
  readonly partials: Tensor;
}

/** The ops of a pass; after some of them another variant on the same inputs, and the difference of the results. */
function beside(
  { ops, sums }: Pass,
  variants: ReadonlyMap<Op, string>,
  op: Parts['op'],
): { readonly all: readonly Op[]; readonly compared: readonly Compared[] } {
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
    const written = Object.keys(tensors).filter((name) => isWritten(o, tensors[name]));
    for (const name of written)
      others[name] = { label: `${tensors[name].label}, ${variant}`, size: sizes[name] };
    const given = [o.layer, shape as never, others, variant] as const;
    all.push(...(kernel.unfused?.(...given) ?? [op(kernel, ...given)]));
    for (const name of written) {
      const [expected, size] = [others[name], sizes[name]];
      const partials = { label: `differences of ${expected.label}`, size: 2 * differencePairs({ size }) };
      const sum = sums?.get(tensors[name]);
      const given = { result: sum ?? tensors[name], expected, partials };
      compared.push({ op: o, size, partials });
      (sum ? atEnd : all).push(op(difference, 'comparison', { size }, given));
    }
  }
  return { all: [...all, ...atEnd], compared };
}

/**
 * Runs the pass once, and some of its ops also in other variants, on the same inputs. Returns the error of each, or undefined if results are
 * not finite, or a shader takes long to compile.
 */
async function sharesApart(
  { gpu, op, Program, Staging, createTensorBuffers }: Parts,
  { pass, boundBuffers, signal, milliseconds, tally }: AtSize,
  variants: ReadonlyMap<Op, string>,
  options: { readonly verify: boolean },
): Promise<ReadonlyMap<Op, number> | undefined> {
  const label = 'comparison';
  const { all, compared } = beside(pass, variants, op);
  if (!(await isCompiled(gpu, all))) return undefined;
  const inputs = pass.inputs(new Random());
  const partials = compared.map(({ partials }) => partials);
  const buffers = await createTensorBuffers(gpu, `${label} `, [...inputs.map(([t]) => t), ...partials]);
  let program: Program | undefined;
  let staging: Staging | undefined;
  try {
    program = await Program.compile(gpu, label, all, new Map([...boundBuffers, ...buffers]), options);
    // Faults that depend on the number of workgroups do not show in pieces of a dispatch.
    const each = all.map((_, i) => program!.section(i, i + 1));
    const sources = partials.map((t) => ({ buffer: buffers.get(t)!, bytes: 4 * t.size }));
    const bytes = sources.reduce((sum, { bytes }) => sum + bytes, 0);
    staging = await Staging.create(gpu, label, bytes);
    for (const [t, values] of inputs) gpu.writeSoon(buffers.get(t)!, 0, values as Float32Array<ArrayBuffer>);
    const read = (last: GPUCommandEncoder, load: Load) => staging!.read(last, sources, load);
    tally.expect(all.length);
    const running = { signal, milliseconds, whole: true, onRecorded: () => tally.count() };
    return sharesOf(compared, await gpu.runAnd(each, read, running));
  } finally {
    program?.destroy();
    staging?.destroy();
    for (const buffer of buffers.values()) buffer.destroy();
  }
}

/** Compiles the shaders of `ops`. False if one is late: training does not wait for a comparison. */
async function isCompiled({ compiler }: Gpu, ops: readonly Op[]): Promise<boolean> {
  const shaders = ops.flatMap(({ calls }) => calls.map(({ shader }) => shader));
  for (const compilation of shaders.map((shader) => compiler.pipeline(shader, false))) {
    await compilation.late;
    if (!compilation.ended) return false;
    await compilation.compiled;
  }
  return true;
}

const isWritten = ({ calls }: Op, t: Tensor): boolean =>
  calls.some(({ shader, tensors }) =>
    Object.entries(tensors).some(
      ([name, given]) => given === t && shader.bindings[name].access === 'read_write',
    ),
  );

/** The error of the worst number of each op, from the contents of the `partials`. Undefined if an expected value is not finite. */
function sharesOf(
  compared: readonly Compared[],
  contents: readonly ArrayBuffer[],
): Map<Op, number> | undefined {
  const results = compared.map(({ op, size }, i) => {
    let [largest, squares] = [0, 0];
    const pairs = new Float32Array(contents[i]);
    for (let at = 0; at < pairs.length; at += 2) {
      largest = Math.max(largest, pairs[at]);
      squares += pairs[at + 1];
    }
    return { op, size, largest, squares };
  });
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
