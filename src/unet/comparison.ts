/** Checks variants and kernels with one form at the real size of a network. Loaded with trainers, samplers and predictors. */

import { EngineError } from '../base/errors';
import { hashOf } from '../base/hash';
import { loaded } from '../base/load';
import { createMutex } from '../base/mutex';
import { adapterName } from '../gpu/adapter';
import type { Gpu } from '../gpu/gpu';
import type { Op } from '../plan/op';
import { padBatch } from '../plan/tensor';
import type { Pass } from '../trust/at_size';
import type { Advice } from '../trust/faults';
import { Tally } from '../trust/tally';
import type { UnusableKernel } from '../trust/unusable_kernel';
import type { Layer } from './config';
import type { NetworkWeights } from './network';
import {
  chosenFor,
  FUSED_CONDITIONING,
  type Place,
  possibleVariants,
  TUNABLE_KERNELS,
  unfusedName,
  type VariantChooser,
  type Variants,
} from './variants';

interface Compared {
  readonly gpu: Gpu;
  readonly network: NetworkWeights;
  /** A pass through the network with the variants in use, and its number of images. */
  readonly pass: Pass;
  readonly images: number;
}

/** Limits of a comparison. */
export interface ComparisonLimits {
  readonly signal?: AbortSignal | undefined;
  /** Maximum time of a submission. */
  readonly milliseconds?: number | undefined;
}

type InTurn = ReturnType<typeof createMutex>;

/** Finds the wrong kernels of a pass and of `ops`, which may be more, where kernels are checked. Throws the signal's reason. */
export async function findWrong(
  compared: Compared,
  ops: readonly Op[],
  advice: Advice,
  limits: ComparisonLimits = {},
): Promise<{ form: UnusableKernel | undefined; variants: readonly UnusableKernel[] }> {
  // References compute while the GPU computes.
  const tally = new Tally(compared.gpu.onProgress);
  // Jest 30 cannot load two parts at once that share a third.
  const inTurn = createMutex();
  const both = [
    findWrongForm(compared, ops, advice, tally, inTurn, limits.signal),
    findWrongVariants(compared, advice, tally, inTurn, limits),
  ] as const;
  // When this function has ended, neither check goes on.
  await Promise.allSettled(both);
  tally.end();
  const [form, variants] = await Promise.all(both);
  // Others take its place.
  if (form?.wasUsed) return { form: undefined, variants: [form, ...variants] };
  // A kernel that both sides of a comparison use makes no variant wrong.
  return { form, variants: form ? [] : variants };
}

/**
 * The errors for the wrong variants; empty if there are none, or if the comparison is impossible. Uses a remembered result of this adapter.
 * Throws the signal's reason.
 */
async function findWrongVariants(
  { gpu, network, pass, images }: Compared,
  advice: Advice,
  tally: Tally,
  inTurn: InTurn,
  limits: ComparisonLimits,
): Promise<readonly UnusableKernel[]> {
  const ledger = await gpu.trust!.ledger();
  const key = keyOf(pass.ops);
  if ((await ledger.unknown([key])).length === 0) return [];
  const { disagreeingOps } = await inTurn(() => loaded(import('../trust/at_size')));
  const variantsOf = (o: Op) => {
    const tuned = tunedOf(o, network);
    return tuned ? possibleVariants(tuned, o.origin.shape as Layer, padBatch(images), gpu.device) : [];
  };
  const at = { pass, variantsOf, boundBuffers: network.boundBuffers, tally, ...limits };
  const wrong = await disagreeingOps(gpu, at).catch((error) => canGoOn(error, network, limits.signal));
  if (wrong?.length === 0) await ledger.pass([key]);
  const errors = new Map<string, UnusableKernel>();
  for (const { op, share } of wrong ?? []) {
    const { variant, layer } = op;
    const kernel = tunedOf(op, network)!.name;
    const off = `up to ${(100 * share).toPrecision(2)}% off from the plain kernels' result`;
    const fault = `with ${images} images its result for the layer ${layer} is ${off}`;
    const { wrongAtSize } = await loaded(import('../trust/faults'));
    const error = wrongAtSize({ kernel, variant }, adapterName(gpu.adapter), fault, true, advice);
    if (!errors.has(`${kernel}.${variant}`)) errors.set(`${kernel}.${variant}`, error);
  }
  return [...errors.values()];
}

/** The kernel of an op, or the one that a fused kernel replaces, if it has variants to choose from. */
const tunedOf = ({ kernel, layer }: Op, { plan }: NetworkWeights) =>
  plan.layers.some(({ name }) => name === layer)
    ? TUNABLE_KERNELS.find(({ name }) => name === unfusedName(kernel))
    : undefined;

/** Excludes the variants of `errors` from later choices. Returns true if others replace the ones in `variants`. */
export async function replaceWrong(
  errors: readonly UnusableKernel[],
  chooser: VariantChooser,
  variants: Variants,
  place: Place,
): Promise<boolean> {
  let replaced = true;
  for (const error of errors) if (!(await chooser.replace(error, variants, place))) replaced = false;
  return replaced;
}

/**
 * Checks the ops of a network whose kernels have one form, at their real size, unless that was done before. Resolves to the error for the
 * first wrong one, undefined if there is none, or if the check is impossible. Throws the signal's reason.
 */
async function findWrongForm(
  { gpu, network }: Compared,
  ops: readonly Op[],
  advice: Advice,
  tally: Tally,
  inTurn: InTurn,
  signal?: AbortSignal,
): Promise<UnusableKernel | undefined> {
  const ledger = await gpu.trust!.ledger();
  const all = new Map(ops.filter((o) => !tunedOf(o, network)).map((o) => [keyOf([o]), o]));
  const unknown = await ledger.unknown([...all.keys()]);
  if (unknown.length === 0) return undefined;
  const { wrongForm } = await inTurn(() => loaded(import('../trust/forms')));
  const found = await wrongForm(
    gpu,
    unknown.map((key) => all.get(key)!),
    tally,
    signal,
  ).catch((error) => canGoOn(error, network, signal));
  if (found === undefined) await ledger.pass(unknown);
  if (!found) return undefined;
  const { kernel, variant } = found.op;
  // Of kernels that are compared with their references, the conditioning's for GPUs are chosen.
  const wasUsed = chosenFor(kernel, variant) === FUSED_CONDITIONING;
  const { consequence } = advice;
  const { wrongAtSize } = await loaded(import('../trust/faults'));
  const texts = wasUsed ? advice : { consequence };
  return wrongAtSize(found.op, adapterName(gpu.adapter), found.fault, wasUsed, texts);
}

/** Returns null for an error that makes only the check impossible: it takes memory, and kernels that are not needed otherwise. Throws other errors. */
function canGoOn(error: unknown, network: NetworkWeights, signal: AbortSignal | undefined): null {
  signal?.throwIfAborted();
  network.check();
  if (error instanceof EngineError) return null;
  throw error;
}

/** Identifies a check: the ops, their shapes without seeds and the size of the data set, and the hashes of their shaders. */
function keyOf(ops: readonly Op[]): string {
  const described = ops.map(({ kernel, variant, origin: { shape, calls } }) => [
    ...[kernel, variant, { ...shape, seed: undefined, imageCount: undefined }],
    calls.map(({ shader }) => shader.hash),
  ]);
  return hashOf(JSON.stringify(described));
}
