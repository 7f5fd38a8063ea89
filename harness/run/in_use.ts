/** Finds the kernels that a training step runs, so that they are checked and timed before all others. Pure, no GPU. */
import { EngineError } from '../../src/base/errors';
import type { Op } from '../../src/plan/op';
import { padBatch } from '../../src/plan/tensor';
import { recipeAt } from '../../src/recipes';
import { toTrainerConfig } from '../../src/training/options';
import { checkVariants } from '../../src/unet/check_variants';
import { listLayers } from '../../src/unet/config';
import { adapterKind, defaultVariants, type Variants } from '../../src/unet/variants';
import { planWeights } from '../../src/unet/weights';
import { type NetworkChoice, toConfig } from './network';
import { planWhole } from './step_list';

interface StepInUse {
  /** Default: the tutorial. */
  readonly network?: NetworkChoice | undefined;
  /** Pixels on a side. Default: the recipe's own. */
  readonly size?: number;
  readonly batch: number;
  readonly software: boolean;
  readonly features: ReadonlySet<string>;
  /** The variants of a run. Default, and for a run of another network: the usual variants of the adapter. */
  readonly variants?: Variants | undefined;
}

/** Images of the data set: the digits that come with the package. */
const IMAGES = 10_000;

/** The ops of the step, which draws its batch from a data set. */
export function stepOps({ network, size, batch, software, features, variants }: StepInUse): Op[] {
  const config = toConfig(network, size === undefined ? {} : { height: size, width: size });
  const layers = listLayers(config);
  const padded = padBatch(batch);
  const own = variants && passesCheck(() => checkVariants(variants, layers, padded, { features }, true));
  const usual = () => defaultVariants(layers, padded, { features }, adapterKind({ software }));
  const training = toTrainerConfig(recipeAt(network?.recipe ?? 'tutorial', batch).trainer);
  return planWhole(config, planWeights(config), batch, IMAGES, own ? variants : usual(), training).ops;
}

/** The variant of every op of the step, of those without a choice too: `kernel/layer` -> variant. */
export const variantsInUse = (step: StepInUse): Variants => variantsByLayer(stepOps(step));

export const variantsByLayer = (ops: readonly Op[]): Variants =>
  Object.fromEntries(ops.map(({ kernel, layer, variant }) => [`${kernel}/${layer}`, variant]));

/** The variants that the step runs anywhere: `kernel.variant`. */
export const namesInUse = (inUse: Variants): ReadonlySet<string> =>
  new Set(Object.entries(inUse).map(([entry, variant]) => `${entry.split('/')[0]}.${variant}`));

/** Whether a check of arguments passes. */
function passesCheck(check: () => void): boolean {
  try {
    check();
    return true;
  } catch (error) {
    if (error instanceof EngineError && error.code === 'argument') return false;
    throw error;
  }
}
