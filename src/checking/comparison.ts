/** Whether variants compute rightly at the real size of a network. Loaded with what has such a size. */
import { EngineError } from '../errors';
import { ownName } from '../gpu/adapter';
import type { Gpu } from '../gpu/gpu';
import { createTensorBuffers, Program } from '../gpu/program';
import { Staging } from '../gpu/staging';
import { UnusableKernel } from '../gpu/unusable_kernel';
import { conv2d } from '../kernels/conv2d';
import { firstVariant, type Op, op } from '../plan/op';
import { padBatch } from '../plan/tensor';
import type { VariantChooser } from '../tuning/chooser';
import type { NetworkWeights } from '../unet/network';
import { candidates, isFused, TUNED, type Variants } from '../unet/variants';
import type { AtSize } from './at_size';

export interface Compared {
  readonly gpu: Gpu;
  readonly network: NetworkWeights;
  /** The variants in use. */
  readonly variants: Variants;
  /** A pass of so many images with these or other variants. */
  readonly images: number;
  readonly passOf: AtSize['passOf'];
}

/** How a comparison may work. */
export interface ComparisonLimits {
  readonly signal?: AbortSignal | undefined;
  /** How long a submission may take. */
  readonly milliseconds?: number | undefined;
}

/** What to do about a kernel without another form. */
export const UPDATE =
  'Update the browser and the graphics driver, or use another adapter. If that does not help, please report it with this message.';

/** What makes the error for a variant that is wrong, of what is wrong. */
type Report = (text: string) => { readonly text: string; readonly advice: string };

/**
 * The errors for the variants that are wrong. None if there are none, or if that cannot be found out. On this adapter it may have been found
 * out long ago. Throws the signal's reason.
 */
export async function findWrong(
  { gpu, network, variants, images, passOf }: Compared,
  report: Report,
  limits: ComparisonLimits = {},
): Promise<readonly UnusableKernel[]> {
  if (!gpu.passed) return [];
  const key = keyOf(passOf(variants).ops);
  if (await gpu.passed.has(key)) return [];
  const { wrongVariants } = await import('./at_size');
  const parts = { gpu, Program, Staging, createTensorBuffers, UnusableKernel };
  const candidatesOf = (kernel: string, name: string) => {
    const layer = network.plan.layers.find((layer) => layer.name === name)!;
    const tuned = TUNED.find((each) => each.name === kernel)!;
    return candidates(tuned, layer, padBatch(images), gpu.device.features);
  };
  const { boundBuffers } = network;
  const plain = firstVariant(conv2d);
  const at = { variants, plain, candidates: candidatesOf, passOf, boundBuffers, ...limits };
  const wrong = await wrongVariants(parts, at).catch((error) => canGoOn(error, network, limits.signal));
  if (wrong?.length === 0) await gpu.passed.add(key);
  return (wrong ?? []).map(({ kernel, variant, layer, result, share }) => {
    const off = `${(100 * share).toPrecision(2)}% off from that of the plain kernels`;
    const text = `${wrongly(gpu, kernel, variant)}: with ${images} images ${result} is ${off}, because of the layer ${layer}.`;
    return new UnusableKernel('wrong-kernel', { kernel, variant, ...report(text) }, { wasUsed: true });
  });
}

const wrongly = ({ adapter }: Gpu, kernel: string, variant: string) =>
  `The kernel ${kernel}.${variant} computes wrongly on this adapter (${ownName(adapter) || 'without a name'}) at its real size`;

/** Never chooses the variants of `errors` again. Whether others take their place. */
export async function replaceWrong(
  errors: readonly UnusableKernel[],
  { network, variants }: Pick<Compared, 'network' | 'variants'>,
  place: { chooser: VariantChooser; fixed: boolean; batch: number; training: boolean },
): Promise<boolean> {
  const { chooser, fixed, batch, training } = place;
  let replaced = !fixed;
  for (const error of errors) {
    chooser.condemn?.(error);
    const { layers } = network.plan;
    replaced &&= (await chooser.replace(error, variants, layers, batch, training)) !== undefined;
  }
  return replaced;
}

/**
 * Checks the ops of a network whose kernels have one form, at their own size, unless that was done. Resolves to the error for the first that
 * is wrong, undefined if none is, or if that cannot be found out. Throws the signal's reason.
 */
export async function findWrongForm(
  { gpu, network }: Pick<Compared, 'gpu' | 'network'>,
  ops: readonly Op[],
  report: Report,
  signal?: AbortSignal,
): Promise<UnusableKernel | undefined> {
  if (!gpu.passed) return undefined;
  const convolutions = new Set(network.plan.layers.map(({ name }) => name));
  const unknown = new Map<string, Op>();
  for (const o of ops) {
    const hasForms =
      isFused(o.kernel) || (convolutions.has(o.layer) && TUNED.some(({ name }) => name === o.kernel));
    const key = keyOf([o]);
    if (!hasForms && !(await gpu.passed.has(key))) unknown.set(key, o);
  }
  if (unknown.size === 0) return undefined;
  const { wrongForm } = await import('./one_form');
  const found = await wrongForm(
    [...unknown.values()],
    { gpu, op, Program, Staging, createTensorBuffers },
    signal,
  ).catch((error) => canGoOn(error, network, signal));
  if (found === undefined) await gpu.passed.add(...unknown.keys());
  if (!found) return undefined;
  const { kernel, variant } = found.op;
  const text = `${wrongly(gpu, kernel, variant)}: ${found.fault}.`;
  return new UnusableKernel('wrong-kernel', { kernel, variant, ...report(text) });
}

/** Null where a check cannot be made: it takes memory, and kernels that are not needed otherwise. Throws what ends more than that. */
function canGoOn(error: unknown, network: NetworkWeights, signal: AbortSignal | undefined): null {
  signal?.throwIfAborted();
  network.check();
  if (error instanceof EngineError) return null;
  throw error;
}

/** Identifies what is checked: the ops, their shapes, but for seeds and the size of the data set, and the hashes of their shaders. */
function keyOf(ops: readonly Op[]): string {
  const told = ops.map(({ kernel, variant, origin: { shape, calls } }) => [
    ...[kernel, variant, { ...shape, seed: undefined, imageCount: undefined }],
    calls.map(({ shader }) => shader.hash),
  ]);
  return JSON.stringify(told);
}

/** Outputs, [elements][batch], by image: a fault in a few pixels of some images would be lost in the whole. */
export function byImage(output: Float32Array, batch: number): Map<string, Float32Array> {
  const valuesOf = (image: number) =>
    Float32Array.from({ length: output.length / batch }, (_, i) => output[i * batch + image]);
  return new Map(Array.from({ length: batch }, (_, i) => [`the output for image ${i}`, valuesOf(i)]));
}
