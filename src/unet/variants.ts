/** The choice of kernel variants by layer. */

import { conv2d } from '../kernels/conv2d';
import { conv2dGradInput } from '../kernels/conv2d_grad_input';
import { conv2dGradKernel } from '../kernels/conv2d_grad_kernel';
import type { ConvShape } from '../plan/conv_shape';
import type { AdapterKind, Kernel } from '../plan/op';
import { winogradForms } from '../winograd/forms';
import type { Layer } from './config';
import type { Choose } from './forward';

/**
 * `kernel/layer` -> variant, for instance `conv2d/down.1` -> `winograd7`. A kernel that is not listed uses its first variant. `conditioning` ->
 * `gpu` fuses the conditioning's kernels.
 */
export type Variants = Readonly<Record<string, string>>;

/** What variants are chosen for. */
export interface Place {
  readonly layers: readonly Layer[];
  /** A multiple of 4. */
  readonly batch: number;
  /** False for a network that only predicts. */
  readonly training: boolean;
  /** The variants that the caller fixed for this alone. */
  readonly given?: Variants | undefined;
  /** False where measuring would take longer than it could ever win back. */
  readonly measures?: boolean;
}

export interface Chosen {
  readonly variants: Variants;
  /** Whether the caller fixed them, for this alone or for all. */
  readonly isFixed: boolean;
}

export interface VariantChooser {
  /** The caller's variants, checked, or chosen ones. */
  choose(place: Place): Promise<Chosen>;
  /**
   * Chooses again without the variant that `error` reports, which is one of `used`. Resolves to undefined if the caller fixed them, if there
   * is no replacement, or if `error` is about something else.
   */
  replace(error: unknown, used: Variants, place: Place): Promise<Variants | undefined>;
}

export const chooser =
  (variants: Variants): Choose =>
  (kernel, layer) =>
    variants[layer === kernel ? kernel : `${kernel}/${layer}`];

export type TunedKernel = Kernel<ConvShape>;

/** The kernels that have more than one variant to choose from; all take a convolution's shape. */
export const TUNABLE_KERNELS = [conv2d, conv2dGradInput, conv2dGradKernel] as readonly TunedKernel[];

/** The kernel of the conditioning, by name: the kernel itself is not loaded with the engine. */
export const CONDITIONING = 'conditioning';

/** Fused kernels, each with the kernel that it replaces if that kernel's variant allows it: both use the same choice. */
const FUSED: Readonly<Record<string, string>> = {
  conv2d_pool: conv2d.name,
  conv2d_grad_pool: conv2dGradInput.name,
  conv2d_grad_upsample: conv2dGradInput.name,
  conditioning_grad: CONDITIONING,
  sum_pixels: CONDITIONING,
};

export const isFused = (kernel: string) => Object.hasOwn(FUSED, kernel);

/** The kernel that a fused one replaces, or the same. */
export const unfusedName = (kernel: string) => FUSED[kernel] ?? kernel;

/** The `kernel.variant` that was chosen where `variant` of `kernel`, fused or not, is used. */
export const chosenFor = (kernel: string, variant: string) => `${unfusedName(kernel)}.${variant}`;

/** The `kernel.variant` names in a choice. */
export const variantsIn = (variants: Variants): ReadonlySet<string> =>
  new Set(Object.entries(variants).map(([place, variant]) => `${place.split('/', 1)[0]}.${variant}`));

/** The `kernel.variant` names that are left out where there is another variant. */
export type Rejected = Pick<ReadonlySet<string>, 'has'>;

/** The variants of `possible` that were not rejected; all if all were, so that the error names one. */
export function trusted(
  kernel: TunedKernel,
  possible: readonly string[],
  rejected: Rejected,
): readonly string[] {
  const left = possible.filter((variant) => !rejected.has(`${kernel.name}.${variant}`));
  return left.length > 0 ? left : possible;
}

/** The variants of the conditioning: without fused kernels, and with them. */
export const CONDITIONING_VARIANTS = ['unfused', 'gpu'];

/** The conditioning's variant for GPUs. */
export const FUSED_CONDITIONING = `${CONDITIONING}.gpu`;

export const isConditioned = (layers: readonly Layer[]) =>
  layers.some(({ imageBias }) => imageBias !== undefined);

/** The choice for the conditioning, if there is one, on an adapter; `rejected` as for `defaultVariants`. */
export const conditioningChoice = (
  layers: readonly Layer[],
  adapter: AdapterKind,
  rejected: Rejected,
): Variants =>
  adapter === 'gpu' && isConditioned(layers) && !rejected.has(FUSED_CONDITIONING)
    ? { [CONDITIONING]: 'gpu' }
    : {};

/** The tuned kernels that a forward pass needs, or a training step. */
export const tunedFor = (training: boolean) => (training ? TUNABLE_KERNELS : TUNABLE_KERNELS.slice(0, 1));

/** The layers that need a kernel: the first layer's input is data, whose gradient is not needed. */
export const layersFor = (kernel: { readonly name: string }, layers: readonly Layer[]) =>
  kernel.name === conv2dGradInput.name ? layers.slice(1) : layers;

/** The shape to tune for: the place of a layer's biases per image does not affect its speed. */
export const tunedShape = (layer: Layer, batch: number): ConvShape => ({
  ...layer,
  batch,
  ...(layer.imageBias === undefined ? {} : { imageBias: 0 }),
});

export const adapterKind = ({ software }: { readonly software: boolean }): AdapterKind =>
  software ? 'software' : 'gpu';

/** For each size of kernel the larger tiles first. */
const WINOGRAD = winogradForms.map(({ name }) => name).reverse();

/**
 * The fastest forms first. For software adapters the order was measured; for GPUs it follows from arithmetic and from the code that their
 * compilers generate, and serves where the tuner could not measure. Names that a kernel does not have are ignored.
 */
const PREFERENCE: Readonly<Record<AdapterKind, readonly string[]>> = {
  software: [
    'one_input_subgroups',
    'one_input',
    'one_output_subgroups',
    'one_output',
    'one_channel',
    ...WINOGRAD.flatMap((name) => [`${name}_subgroups`, name]),
    'direct',
  ],
  gpu: [
    'one_input_gpu',
    'one_input',
    'one_output_gpu',
    'one_output',
    'one_channel_gpu',
    'one_channel',
    ...WINOGRAD.map((name) => `${name}_gpu`),
    'tile',
    'direct',
  ],
};

/** A variant's place in the order of preference. */
export function rank(variant: string, adapter: AdapterKind): number {
  const at = PREFERENCE[adapter].indexOf(variant);
  return at < 0 ? PREFERENCE[adapter].length : at;
}

/** The variant of a kernel to use among `possible`, chosen without measuring. */
export function preferredVariant(
  kernel: TunedKernel,
  possible: readonly string[],
  layer: Layer,
  batch: number,
  adapter: AdapterKind,
): string {
  const known = PREFERENCE[adapter].filter((name) => possible.includes(name));
  const busy = known.find((name) => !kernel.variants[name].wastesLanes?.(tunedShape(layer, batch)));
  return busy ?? known[0] ?? possible[0];
}

/** Device capabilities that variants depend on. */
export interface Capabilities {
  readonly features: ReadonlySet<string>;
  readonly limits?: Pick<GPUSupportedLimits, 'maxBufferSize' | 'maxStorageBufferBindingSize'>;
}

/** The reason why a variant cannot compute a layer on a device; undefined if it can. */
export function obstacle(
  kernel: TunedKernel,
  variant: string,
  layer: Layer,
  batch: number,
  { features, limits }: Capabilities,
): string | undefined {
  const { features: needed = [], refuses, scratch } = kernel.variants[variant];
  const shape = tunedShape(layer, batch);
  const missing = needed.find((f) => !features.has(f));
  const refused = missing ? `the device has no ${missing}` : refuses?.(shape);
  if (refused || !limits) return refused;
  const sizes = Object.values(scratch?.(shape) ?? {});
  const legal = Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize);
  return sizes.some((size) => 4 * size > legal)
    ? 'the device allows no buffer as large as its scratch memory'
    : undefined;
}

/** All variants of a tuned kernel that can compute a layer on a device. */
export const possibleVariants = (kernel: TunedKernel, layer: Layer, batch: number, device: Capabilities) =>
  Object.keys(kernel.variants).filter((variant) => !obstacle(kernel, variant, layer, batch, device));

/** Chooses without measuring, and without the `kernel.variant` names in `rejected`. */
export function defaultVariants(
  layers: readonly Layer[],
  batch: number,
  device: Capabilities,
  adapter: AdapterKind,
  rejected: Rejected = new Set(),
): Variants {
  const choice: Record<string, string> = { ...conditioningChoice(layers, adapter, rejected) };
  for (const kernel of TUNABLE_KERNELS) {
    for (const layer of layersFor(kernel, layers)) {
      const possible = possibleVariants(kernel, layer, batch, device);
      choice[`${kernel.name}/${layer.name}`] = preferredVariant(
        kernel,
        trusted(kernel, possible, rejected),
        layer,
        batch,
        adapter,
      );
    }
  }
  return choice;
}
