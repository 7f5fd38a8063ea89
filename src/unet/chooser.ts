/** Choosers decide which kernel variants a network uses. */

import { EngineError } from '../base/errors';
import { loaded } from '../base/load';
import type { Gpu } from '../gpu/gpu';
import type { Op } from '../plan/op';
import { UnusableKernel } from '../trust/unusable_kernel';
import type { Predicted, Predicting } from './prediction';
import { adapterKind, defaultVariants, type Place, type VariantChooser, type Variants } from './variants';

/** Chooses without measuring. */
export const defaultChooser = (gpu: Gpu): VariantChooser => ({
  async choose(place) {
    const { layers, batch, given } = place;
    const { device, adapter } = gpu;
    if (given !== undefined) return { variants: await checkedVariants(given, gpu, place), isFixed: true };
    const variants = defaultVariants(layers, batch, device, adapterKind(adapter));
    return { variants, isFixed: false };
  },
  replace: async () => undefined,
});

/** The variants that a caller fixed. Throws `argument` if they are not legal. */
export async function checkedVariants(
  given: Variants,
  { device }: Gpu,
  { layers, batch, training }: Place,
): Promise<Variants> {
  const { checkVariants } = await loaded(import('./check_variants'));
  checkVariants(given, layers, batch, device, training);
  return given;
}

/** Most images a pass for which nothing is measured unless the caller asks: measuring would take longer than it could ever win back. */
const UNMEASURED = 16;

/** Whether to measure for an object that predicts `count` images at a time. `tune`: the caller's option. */
export const measuresFor = (count: number, tune = count > UNMEASURED) => tune;

interface Choice extends Place {
  readonly gpu: Gpu;
  readonly chooser: VariantChooser;
  /** For objects with a batch: the error for a batch that is too large then names the largest that fits. */
  readonly sized?: {
    /** The option with the number of images. */
    readonly option: 'batchSize' | 'count';
    readonly images: number;
    /** The ops for another number of images. */
    readonly opsOf: (images: number, variants: Variants) => readonly Op[];
  };
}

/**
 * Calls `make` with given or chosen variants; if a chosen variant proves wrong, is refused or late, chooses again and retries. Waits for
 * a late variant without a replacement.
 */
export async function withVariants<T>(
  choice: Choice,
  make: (variants: Variants, isFixed: boolean) => Promise<T>,
): Promise<T> {
  const { gpu, chooser, sized } = choice;
  let { variants, isFixed } = await chooser.choose(choice);
  for (;;) {
    try {
      return await make(variants, isFixed);
    } catch (error) {
      if (sized && error instanceof EngineError && error.code === 'limit') {
        const { namingLargestBatch } = await loaded(import('./largest_batch'));
        const opsOf = (images: number) => sized.opsOf(images, variants);
        throw namingLargestBatch(error, gpu.device, { ...sized, opsOf });
      }
      const others = await chooser.replace(error, variants, choice);
      if (others) variants = others;
      else if (error instanceof UnusableKernel && error.pending) await error.pending.wait();
      else throw error;
    }
  }
}

/** Calls `make`, again with other variants while some compute wrongly at this size. */
export async function makeVerified<T extends Predicting>(
  predicted: Predicted,
  make: () => Promise<T>,
): Promise<T> {
  if (!predicted.gpu.trust?.checks) return make();
  const prediction = await loaded(import('./prediction'));
  return prediction.makeVerified(predicted, make);
}
