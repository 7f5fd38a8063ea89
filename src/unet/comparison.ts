/** Compares the variants of kernels with plain ones, at the real size of a network. Loaded with trainers, samplers and predictors. */

import { EngineError } from '../base/errors';
import { hashText } from '../base/hash';
import { loaded } from '../base/load';
import { adapterName } from '../gpu/adapter';
import type { Gpu } from '../gpu/gpu';
import { firstVariant, type Op } from '../plan/op';
import { padBatch } from '../plan/tensor';
import type { ComparedPass } from '../trust/at_size';
import type { Advice } from '../trust/faults';
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
  readonly pass: ComparedPass;
  readonly images: number;
}

/** Limits of a comparison. */
export interface ComparisonLimits {
  readonly signal?: AbortSignal | undefined;
  /** Maximum time of a submission. */
  readonly milliseconds?: number | undefined;
  /** Called once the shaders are requested. */
  readonly onRequested?: (() => void) | undefined;
}

/**
 * The errors for the wrong variants of a pass; empty if there are none, or if the comparison is impossible. Uses a remembered result of this
 * adapter. Throws the signal's reason.
 */
export async function findWrong(
  { gpu, network, pass, images }: Compared,
  advice: Advice,
  limits: ComparisonLimits = {},
): Promise<readonly UnusableKernel[]> {
  const ledger = await gpu.trust!.ledger();
  const batch = padBatch(images);
  const variantsOf = (o: Op) => variantsFor(o, network, batch, gpu.device);
  const check = checkOf(pass.ops.filter((o) => variantsOf(o).length > 0));
  if (await ledger.hasPassed(check, batch)) return [];
  const { disagreeingOps } = await loaded(import('../trust/at_size'));
  const at = { pass, variantsOf, boundBuffers: network.boundBuffers, ...limits };
  const wrong = await disagreeingOps(gpu, at).catch((error) => canGoOn(error, network, limits.signal));
  if (wrong?.length === 0) await ledger.passWith(check, batch);
  const errors = new Map<string, UnusableKernel>();
  for (const [op, share] of wrong ?? []) {
    const { variant, layer } = op;
    const kernel = tunedOf(op, network)?.name ?? op.kernel;
    const off = `up to ${(100 * share).toPrecision(2)}% off from the plain kernels' result`;
    const fault = `with ${images} images its result for the layer ${layer} is ${off}`;
    const { wrongAtSize } = await loaded(import('../trust/faults'));
    const error = wrongAtSize({ kernel, variant }, adapterName(gpu.adapter), fault, advice);
    if (!errors.has(`${kernel}.${variant}`)) errors.set(`${kernel}.${variant}`, error);
  }
  return [...errors.values()];
}

/** The kernel of an op, or the one that a fused kernel replaces, if it has variants to choose from. */
const tunedOf = ({ kernel, layer }: Op, { plan }: NetworkWeights) =>
  plan.layers.some(({ name }) => name === layer)
    ? TUNABLE_KERNELS.find(({ name }) => name === unfusedName(kernel))
    : undefined;

/** The variants that can compute an op, the plain one first; none if there is no choice. */
function variantsFor(o: Op, network: NetworkWeights, batch: number, device: GPUDevice): readonly string[] {
  const { kernel, variant, origin } = o;
  const tuned = tunedOf(o, network);
  if (tuned) return possibleVariants(tuned, origin.shape as Layer, batch, device);
  if (chosenFor(kernel, variant) !== FUSED_CONDITIONING) return [];
  // `sum_pixels` leaves the rows of the layers before as they are, which nothing has written here.
  const { first = 0 } = origin.shape as { readonly first?: number };
  return first > 0 ? [] : [origin.kernel.unfused ? 'unfused' : firstVariant(origin.kernel), variant];
}

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

/** Returns null for an error that makes only the check impossible: it takes memory, and kernels that are not needed otherwise. Throws other errors. */
function canGoOn(error: unknown, network: NetworkWeights, signal: AbortSignal | undefined): null {
  signal?.throwIfAborted();
  network.check();
  if (error instanceof EngineError) return null;
  throw error;
}

/** Identifies a check of any number of images: the ops, their shapes without seeds and the size of the data set, and the hashes of their shaders. */
function checkOf(ops: readonly Op[]): string {
  const described = ops.map(({ kernel, variant, origin: { shape, calls } }) => [
    kernel,
    variant,
    { ...shape, batch: undefined, seed: undefined, imageCount: undefined },
    calls.map(({ shader }) => shader.hash),
  ]);
  return hashText(JSON.stringify(described));
}
