/** Whether variants compute rightly at the real size of a network. Loaded with what has such a size. */
import { EngineError } from '../errors';
import { ownName } from '../gpu/adapter';
import type { Gpu } from '../gpu/gpu';
import { createTensorBuffers, Program } from '../gpu/program';
import { Staging } from '../gpu/staging';
import { UnusableKernel } from '../gpu/unusable_kernel';
import { fnv1a } from '../hash';
import { conv2d } from '../kernels/conv2d';
import { firstVariant, type Op } from '../plan/op';
import type { VariantChooser } from '../tuning/chooser';
import type { NetworkWeights } from '../unet/network';
import type { Variants } from '../unet/variants';
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
  const at = { variants, plain: firstVariant(conv2d), passOf, boundBuffers: network.boundBuffers, ...limits };
  try {
    const wrong = await wrongVariants(parts, at);
    if (wrong?.length === 0) await gpu.passed.add(key);
    const adapter = ownName(gpu.adapter) || 'without a name';
    return (wrong ?? []).map(({ kernel, variant, layer, result, share }) => {
      const off = `${(100 * share).toPrecision(2)}% off from that of the plain kernels`;
      const text = `The kernel ${kernel}.${variant} computes wrongly on this adapter (${adapter}) at its real size: with ${images} images ${result} is ${off}, because of the layer ${layer}.`;
      return new UnusableKernel('wrong-kernel', { kernel, variant, ...report(text) }, { wasUsed: true });
    });
  } catch (error) {
    limits.signal?.throwIfAborted();
    network.check();
    // It takes memory, and kernels that are not needed otherwise: where it cannot be made, the work goes on without.
    if (error instanceof EngineError) return [];
    throw error;
  }
}

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

/** Identifies a comparison: the ops, their shapes and the hashes of their shaders. */
function keyOf(ops: readonly Op[]): string {
  const told = ops.map(({ kernel, variant, origin: { shape, calls } }) => [
    ...[kernel, variant, shape],
    calls.map(({ shader }) => shader.hash),
  ]);
  return fnv1a(new TextEncoder().encode(JSON.stringify(told)));
}

/** Outputs, [elements][batch], by image: a fault in a few pixels of some images would be lost in the whole. */
export function byImage(output: Float32Array, batch: number): Map<string, Float32Array> {
  const valuesOf = (image: number) =>
    Float32Array.from({ length: output.length / batch }, (_, i) => output[i * batch + image]);
  return new Map(Array.from({ length: batch }, (_, i) => [`the output for image ${i}`, valuesOf(i)]));
}
