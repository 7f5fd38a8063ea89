/** Checks variants and kernels with one form at the real size of a network. Loaded with trainers, samplers and predictors. */

import { EngineError } from '../base/errors';
import { loaded } from '../base/load';
import { adapterName } from '../gpu/adapter';
import type { Gpu } from '../gpu/gpu';
import { createTensorBuffers, Program } from '../gpu/program';
import { Staging } from '../gpu/staging';
import { UnusableKernel } from '../gpu/unusable_kernel';
import { type Op, op } from '../plan/op';
import { padBatch } from '../plan/tensor';
import type { VariantChooser } from '../unet/chooser';
import type { Layer } from '../unet/config';
import type { NetworkWeights } from '../unet/network';
import {
  chosenFor,
  FUSED_CONDITIONING,
  possibleVariants,
  TUNABLE_KERNELS,
  unfusedName,
  type Variants,
} from '../unet/variants';
import type { Pass } from './at_size';
import { Tally } from './tally';

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

/** The remedy for a kernel without another form. */
export const UPDATE =
  'Update the browser and the graphics driver, or use another adapter. If that does not help, please report it with this message.';

/** Makes the error for a wrong variant from a description of the fault. */
type Report = (text: string) => { readonly text: string; readonly advice: string };

/**
 * Finds the wrong kernels of a pass and of `ops`, which may be more. Throws the signal's reason. `reports`: for kernels with one form, and
 * for variants.
 */
export async function findWrong(
  compared: Compared,
  ops: readonly Op[],
  reports: { readonly form: Report; readonly variant: Report },
  limits: ComparisonLimits = {},
): Promise<{ form: UnusableKernel | undefined; variants: readonly UnusableKernel[] }> {
  // References compute while the GPU computes.
  const tally = new Tally(compared.gpu.onProgress);
  const both = [
    findWrongForm(compared, ops, reports, tally, limits.signal),
    findWrongVariants(compared, reports.variant, tally, limits),
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
  report: Report,
  tally: Tally,
  limits: ComparisonLimits,
): Promise<readonly UnusableKernel[]> {
  if (!gpu.passed) return [];
  const key = keyOf(pass.ops);
  if ((await gpu.passed.missing([key])).length === 0) return [];
  const { wrongOps } = await loaded(import('./at_size'));
  const parts = { gpu, op, Program, Staging, createTensorBuffers, UnusableKernel };
  const variantsOf = (o: Op) => {
    const tuned = tunedOf(o, network);
    return tuned
      ? possibleVariants(tuned, o.origin.shape as Layer, padBatch(images), gpu.device.features)
      : [];
  };
  const at = { pass, variantsOf, boundBuffers: network.boundBuffers, tally, ...limits };
  const wrong = await wrongOps(parts, at).catch((error) => canGoOn(error, network, limits.signal));
  if (wrong?.length === 0) await gpu.passed.add([key]);
  const errors = new Map<string, UnusableKernel>();
  for (const { op, share } of wrong ?? []) {
    const { variant, layer } = op;
    const kernel = tunedOf(op, network)!.name;
    if (errors.has(`${kernel}.${variant}`)) continue;
    const off = `up to ${(100 * share).toPrecision(2)}% off from the plain kernels' result`;
    const text = `${wrongly(gpu, kernel, variant)}: with ${images} images its result for the layer ${layer} is ${off}.`;
    const parts = { kernel, variant, ...report(text) };
    errors.set(`${kernel}.${variant}`, new UnusableKernel('wrong-kernel', parts, { wasUsed: true }));
  }
  return [...errors.values()];
}

/** The kernel of an op, or the one that a fused kernel replaces, if it has variants to choose from. */
const tunedOf = ({ kernel, layer }: Op, { plan }: NetworkWeights) =>
  plan.layers.some(({ name }) => name === layer)
    ? TUNABLE_KERNELS.find(({ name }) => name === unfusedName(kernel))
    : undefined;

const wrongly = ({ adapter }: Gpu, kernel: string, variant: string) =>
  `The kernel ${kernel}.${variant} computes wrongly on this adapter (${adapterName(adapter) || 'without a name'}) at its real size`;

/** Excludes the variants of `errors` from later choices. Returns true if others replace the ones in `variants`. */
export async function replaceWrong(
  errors: readonly UnusableKernel[],
  { layers }: NetworkWeights['plan'],
  variants: Variants,
  place: { chooser: VariantChooser; fixed: boolean; batch: number; training: boolean },
): Promise<boolean> {
  const { chooser, fixed, batch, training } = place;
  let replaced = !fixed;
  for (const error of errors) {
    chooser.condemn?.(error);
    replaced &&= (await chooser.replace(error, variants, layers, batch, training)) !== undefined;
  }
  return replaced;
}

/**
 * Checks the ops of a network whose kernels have one form, at their real size, unless that was done before. Resolves to the error for the
 * first wrong one, undefined if there is none, or if the check is impossible. Throws the signal's reason.
 */
async function findWrongForm(
  { gpu, network }: Compared,
  ops: readonly Op[],
  reports: { readonly form: Report; readonly variant: Report },
  tally: Tally,
  signal?: AbortSignal,
): Promise<UnusableKernel | undefined> {
  if (!gpu.passed) return undefined;
  const all = new Map(ops.filter((o) => !tunedOf(o, network)).map((o) => [keyOf([o]), o]));
  const unknown = await gpu.passed.missing([...all.keys()]);
  if (unknown.length === 0) return undefined;
  const { wrongForm } = await loaded(import('./forms'));
  const found = await wrongForm(
    unknown.map((key) => all.get(key)!),
    { label: 'self-check at size', gpu, op, Program, Staging, createTensorBuffers },
    tally,
    signal,
  ).catch((error) => canGoOn(error, network, signal));
  if (found === undefined) await gpu.passed.add(unknown);
  if (!found) return undefined;
  const { kernel, variant } = found.op;
  const text = `${wrongly(gpu, kernel, variant)}: ${found.fault}.`;
  // Of kernels that are compared with their references, the conditioning's for GPUs are chosen.
  const wasUsed = chosenFor(kernel, variant) === FUSED_CONDITIONING;
  const parts = { kernel, variant, ...reports[wasUsed ? 'variant' : 'form'](text) };
  return new UnusableKernel('wrong-kernel', parts, { wasUsed });
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
  return JSON.stringify(described);
}
