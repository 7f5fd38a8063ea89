/** Who decides which kernel variants a network uses. */
import type { Gpu } from '../gpu/gpu';
import type { Layer } from '../unet/config';
import { adapterKind, checkVariants, defaultVariants, type Variants } from '../unet/variants';

/** Chooses the kernel variants of a network at a batch size (a multiple of 4). */
export interface VariantChooser {
  /** `training` is false for a network that only predicts. */
  choose(layers: readonly Layer[], batch: number, training: boolean): Promise<Variants>;
}

/** Chooses without measuring. */
export const defaultChooser = ({ device, adapter }: Gpu): VariantChooser => ({
  choose: async (layers, batch) => defaultVariants(layers, batch, device.features, adapterKind(adapter)),
});

/** The caller's `given` variants, which are checked, or else the chooser's. */
export async function givenOrChosen(
  given: Variants | undefined,
  gpu: Gpu,
  chooser: VariantChooser,
  layers: readonly Layer[],
  batch: number,
  training: boolean,
): Promise<Variants> {
  if (!given) return chooser.choose(layers, batch, training);
  checkVariants(given, layers, batch, gpu.device.features, training);
  return given;
}
