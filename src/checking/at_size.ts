/** Compares what a network computes at its real size with what it computes with plain kernels. Loaded after the first step or run. */
import type { Gpu } from '../gpu/gpu';
import type { Load } from '../gpu/pacer';
import type { createTensorBuffers, Program } from '../gpu/program';
import type { Staging } from '../gpu/staging';
import type { UnusableKernel } from '../gpu/unusable_kernel';
import type { Op } from '../plan/op';
import type { Values } from '../plan/reference';
import type { Tensor } from '../plan/tensor';
import type { Variants } from '../unet/variants';
import { Random } from './small_case';

/** How far a tensor may be off: the root mean square of the difference, as a share of that of the expected tensor. */
const TOLERANCE = 1e-2;
/** A tensor that is smaller than this share of its group is mostly rounding: it may be off by as much as one of that size. */
const SMALLEST = 1e-3;

/** What is compared, by name, in groups of one scale. */
type Results = readonly ReadonlyMap<string, Float32Array>[];

/** A pass through a network, on inputs of its own. */
export interface Pass {
  readonly ops: readonly Op[];
  /** Tensors that are read, and what is in them. */
  readonly inputs: (random: Random) => readonly (readonly [Tensor, Values])[];
  /** Tensors that are written, or parts of such, whose contents are compared. */
  readonly outputs: readonly Tensor[];
  /** The results, of the contents of `outputs`. */
  readonly resultsOf: (contents: readonly ArrayBuffer[]) => Results;
}

/** The parts of the engine needed here. Passed in, because a bundler would split imported ones out of the files that have them. */
export interface Parts {
  readonly gpu: Gpu;
  readonly Program: typeof Program;
  readonly Staging: typeof Staging;
  readonly createTensorBuffers: typeof createTensorBuffers;
  readonly UnusableKernel: typeof UnusableKernel;
}

export interface AtSize {
  /** The variants in use. */
  readonly variants: Variants;
  /** The name of the plain variant, with which all are compared. */
  readonly plain: string;
  /** All variants that can compute a kernel of a layer. */
  readonly candidates: (kernel: string, layer: string) => readonly string[];
  readonly passOf: (variants: Variants) => Pass;
  /** The buffers of the network. */
  readonly boundBuffers: ReadonlyMap<Tensor, GPUBuffer>;
  readonly signal?: AbortSignal | undefined;
  /** How long a submission may take. */
  readonly milliseconds?: number | undefined;
}

/** A variant that is wrong, as it shows in one layer. */
export interface WrongVariant {
  readonly kernel: string;
  readonly variant: string;
  readonly layer: string;
  /** The result that is off. */
  readonly result: string;
  /** How far, as a share of its size. */
  readonly share: number;
}

/**
 * The variants that compute wrongly. Undefined if there is nothing to compare with: plain kernels cannot be used or are wrong themselves, or
 * their results are not finite.
 */
export async function wrongVariants(parts: Parts, at: AtSize): Promise<readonly WrongVariant[] | undefined> {
  let used = Object.entries(at.variants).filter(([, variant]) => variant !== at.plain);
  if (used.length === 0) return [];
  const expected = await run(parts, at, {}).catch((error) => {
    if (error instanceof parts.UnusableKernel) return undefined;
    throw error;
  });
  if (!expected?.every((group) => Number.isFinite(rms(group.values())))) return undefined;
  const resultsWith = (places: typeof used) => run(parts, at, Object.fromEntries(places));
  const faultWith = async (places: typeof used) => worst(await resultsWith(places), expected);
  const wrong: WrongVariant[] = [];
  for (;;) {
    let fault = await faultWith(used);
    if (!fault || used.length === 0) return wrong;
    // With `right` of them nothing is wrong yet, with `bad` something is: in the end they differ by one.
    let [right, bad] = [0, used.length];
    while (bad - right > 1) {
      const middle = (right + bad) >> 1;
      const found = await faultWith(used.slice(0, middle));
      if (found) [bad, fault] = [middle, found];
      else right = middle;
    }
    const [place, variant] = used[right];
    const [kernel, layer] = place.split('/');
    // A plain form that is wrong must not condemn another. A third one decides, of a technique that neither uses.
    for (const third of at.candidates(kernel, layer)) {
      if ([variant, at.plain].map(techniqueOf).includes(techniqueOf(third))) continue;
      const before = used.slice(0, right);
      const results = await resultsWith([...before, [place, third]]);
      if (!worst(results, expected)) break;
      if (!worst(results, await resultsWith([...before, [place, variant]]))) return undefined;
    }
    wrong.push({ kernel, variant, layer, ...fault });
    used = used.filter(([place, other]) => !(place.startsWith(`${kernel}/`) && other === variant));
  }
}

/** `winograd`, `one`, `tile` or `direct`. */
const techniqueOf = (variant: string) => /^[a-z]+/.exec(variant)![0];

/** Runs a pass once, and frees all that it takes. */
async function run(
  { gpu, Program, Staging, createTensorBuffers }: Parts,
  { passOf, boundBuffers, signal, milliseconds }: AtSize,
  variants: Variants,
): Promise<Results> {
  const label = 'comparison';
  const { ops, outputs, resultsOf, ...pass } = passOf(variants);
  const inputs = pass.inputs(new Random());
  const written = new Set(outputs.map((t) => t.base ?? t));
  const buffers = await createTensorBuffers(gpu, `${label} `, [...inputs.map(([t]) => t), ...written]);
  let program: Program | undefined;
  let staging: Staging | undefined;
  try {
    program = await Program.compile(gpu, label, ops, new Map([...boundBuffers, ...buffers]));
    const sources = outputs.map(({ base, offset = 0, size }, i) => ({
      buffer: buffers.get(base ?? outputs[i])!,
      offset: offset * 4,
      bytes: size * 4,
    }));
    const bytes = outputs.reduce((sum, t) => sum + t.size * 4, 0);
    staging = await Staging.create(gpu, label, bytes);
    for (const [t, values] of inputs) gpu.writeSoon(buffers.get(t)!, 0, values as Float32Array<ArrayBuffer>);
    const read = (last: GPUCommandEncoder, load: Load) => staging!.read(last, sources, load);
    return resultsOf(await gpu.runAnd([program], read, { signal, milliseconds }));
  } finally {
    program?.destroy();
    staging?.destroy();
    for (const buffer of buffers.values()) buffer.destroy();
  }
}

/** The result that is furthest off, if that is too far. */
function worst(got: Results, expected: Results): Pick<WrongVariant, 'result' | 'share'> | undefined {
  let found: Pick<WrongVariant, 'result' | 'share'> | undefined;
  for (const [i, group] of expected.entries()) {
    const least = SMALLEST * rms(group.values());
    for (const [result, values] of group) {
      const others = got[i].get(result)!;
      const apart = rms([values.map((value, k) => others[k] - value)]);
      const share = apart === 0 ? 0 : apart / Math.max(rms([values]), least);
      // Written so that NaN is too far, too.
      if (!(share <= Math.max(TOLERANCE, found?.share ?? 0))) found = { result, share };
    }
  }
  return found;
}

/** The root mean square of all numbers. */
function rms(all: Iterable<Float32Array>): number {
  let [sum, count] = [0, 0];
  for (const values of all) {
    for (const value of values) sum += value * value;
    count += values.length;
  }
  return Math.sqrt(sum / count);
}
