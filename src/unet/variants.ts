/** Which variant of which kernel each layer uses. */

import type { Kernel } from '../kernel';
import { type ConvShape, conv2d } from '../kernels/conv2d';
import { conv2dGradInput } from '../kernels/conv2d_grad_input';
import { conv2dGradKernel } from '../kernels/conv2d_grad_kernel';
import type { Layer } from './config';
import type { Choose } from './forward';

/** `kernel/layer` -> variant, for instance `conv2d/down.1` -> `winograd`. What is not listed uses the kernel's first. */
export type Variants = Readonly<Record<string, string>>;

export const chooser =
  (variants: Variants): Choose =>
  (kernel, layer) =>
    variants[`${kernel}/${layer}`];

/** The kernels that have more than one variant; all take a convolution's shape. */
export const TUNED = [conv2d, conv2dGradInput, conv2dGradKernel] as readonly Kernel<ConvShape>[];

/** The layers that a kernel works for: the first one's input is data, whose gradient nobody asks for. */
export const layersFor = (kernel: { readonly name: string }, layers: readonly Layer[]) =>
  kernel.name === conv2dGradInput.name ? layers.slice(1) : layers;

/** What usually is fastest first. Names that a kernel does not have are passed over. */
const PREFERENCE = [
  'one_subgroups',
  'one',
  'winograd_subgroups',
  'winograd',
  'strip_subgroups',
  'strip',
  'direct',
];

/** Every variant of the tuned kernels that can do a layer on a device with `features`. */
export function candidates(
  kernel: Kernel<ConvShape>,
  layer: Layer,
  batch: number,
  features: GPUSupportedFeatures,
) {
  const shape = { ...layer, batch };
  return Object.entries(kernel.variants)
    .filter(([, v]) => (v.features ?? []).every((f) => features.has(f)) && !v.refuses?.(shape))
    .map(([name]) => name);
}

/** A choice without measuring. */
export function defaultVariants(
  layers: readonly Layer[],
  batch: number,
  features: GPUSupportedFeatures,
): Variants {
  const choice: Record<string, string> = {};
  for (const kernel of TUNED) {
    for (const layer of layersFor(kernel, layers)) {
      const possible = candidates(kernel, layer, batch, features);
      const preferred = PREFERENCE.filter((name) => possible.includes(name));
      const busy = preferred.find((name) => !kernel.variants[name].idles?.({ ...layer, batch }));
      choice[`${kernel.name}/${layer.name}`] = busy ?? preferred[0];
    }
  }
  return choice;
}
