/** Choosers decide which kernel variants a network uses. */

import { EngineError } from '../base/errors';
import { loaded } from '../base/load';
import type { Gpu } from '../gpu/gpu';
import { UnusableKernel } from '../gpu/unusable_kernel';
import type { Op } from '../plan/op';
import type { Layer } from './config';
import type { NetworkWeights } from './network';
import { adapterKind, defaultVariants, type Variants } from './variants';

/** An object that predicts, and can be made again. */
export interface Predicting {
  readonly variants: Variants;
  /** The ops that it runs. */
  readonly ops: readonly Op[];
  destroy(): void;
}

export interface Predicted {
  readonly network: NetworkWeights;
  /** Images per forward pass. */
  readonly count: number;
  /** Whether the caller fixed the variants for this alone. */
  readonly given?: boolean;
}

/** Chooses the kernel variants of a network at a batch size (a multiple of 4). */
export interface VariantChooser {
  /** `training` is false for a network that only predicts. */
  choose(layers: readonly Layer[], batch: number, training: boolean): Promise<Variants>;
  /** Whether the caller fixed the variants for all objects. */
  readonly isFixed?: boolean;
  /** A chooser that does not measure, if this one does. */
  readonly untuned?: VariantChooser;
  /**
   * Chooses again without the variant that `error` reports, which is one of `used`. Resolves to undefined if there is no replacement, or
   * if `error` is about something else.
   */
  replace(
    error: unknown,
    used: Variants,
    layers: readonly Layer[],
    batch: number,
    training: boolean,
  ): Promise<Variants | undefined>;
  /** Remembers a variant that was wrong at its real size: from now on it is refused if the caller fixes it. */
  condemn?(error: UnusableKernel): void;
  /** Throws if a condemned variant is among `variants`. */
  checkCondemned?(variants: Variants): void;
  /** Calls `make`, again with other variants if some compute wrongly at this size: see trust/prediction.ts. */
  rightOf?<T extends Predicting>(make: () => Promise<T>, predicted: Predicted): Promise<T>;
}

/** Chooses without measuring, and without the `kernel.variant` names in `rejected`. */
export const defaultChooser = ({ device, adapter }: Gpu, rejected?: ReadonlySet<string>): VariantChooser => ({
  choose: async (layers, batch) =>
    defaultVariants(layers, batch, device.features, adapterKind(adapter), rejected),
  replace: async () => undefined,
});

/** Most images a pass for which nothing is measured unless the caller asks: measuring would take longer than it could ever win back. */
const UNMEASURED = 16;

/** The chooser of an object that predicts `count` images at a time. `tune`: the caller's option. */
export const predictingChooser = (chooser: VariantChooser, count: number, tune = count > UNMEASURED) =>
  tune ? chooser : (chooser.untuned ?? chooser);

interface Choice {
  /** The variants that the caller fixed. */
  readonly given: Variants | undefined;
  readonly gpu: Gpu;
  readonly chooser: VariantChooser;
  readonly layers: readonly Layer[];
  readonly batch: number;
  readonly training: boolean;
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
export async function withVariants<T>(choice: Choice, make: (variants: Variants) => Promise<T>): Promise<T> {
  const { given, gpu, chooser, layers, batch, training, sized } = choice;
  let variants = await givenOrChosen(given, gpu, chooser, layers, batch, training);
  for (;;) {
    try {
      const made = await make(variants);
      const fixed = given !== undefined || chooser.isFixed === true;
      gpu.inUse.set(`${training ? 'training' : 'predicting'} ${batch} images`, { variants, fixed });
      return made;
    } catch (error) {
      if (sized && error instanceof EngineError && error.code === 'limit') {
        const { namingLargestBatch } = await loaded(import('./largest_batch'));
        const opsOf = (images: number) => sized.opsOf(images, variants);
        throw namingLargestBatch(error, gpu.device, { ...sized, opsOf });
      }
      const others = given ? undefined : await chooser.replace(error, variants, layers, batch, training);
      if (others) variants = others;
      else if (error instanceof UnusableKernel && error.pending) await error.pending.wait();
      else throw error;
    }
  }
}

/** The caller's `given` variants, checked, or else the chooser's. */
export async function givenOrChosen(
  given: Variants | undefined,
  gpu: Gpu,
  chooser: VariantChooser,
  layers: readonly Layer[],
  batch: number,
  training: boolean,
): Promise<Variants> {
  if (given === undefined) return chooser.choose(layers, batch, training);
  const { checkVariants } = await loaded(import('./check_variants'));
  checkVariants(given, layers, batch, gpu.device.features, training);
  chooser.checkCondemned?.(given);
  return given;
}
