/** Which kernels a training step runs, so that they are checked and timed before all others. Pure, no GPU. */
import { padBatch } from '../../src/plan/tensor';
import { type RecipeName, recipes } from '../../src/recipes';
import { settingsOf } from '../../src/training/options';
import { checkConfig, layersOf } from '../../src/unet/config';
import { adapterKind, defaultVariants, type Variants } from '../../src/unet/variants';
import { planWeights } from '../../src/unet/weights';
import { planWhole } from './whole_step';

export interface StepInUse {
  readonly recipe: RecipeName;
  readonly batch: number;
  readonly software: boolean;
  readonly features: ReadonlySet<string>;
  /** Those that a run has. Default: the usual ones of such an adapter. */
  readonly variants?: Variants;
}

/** The variant of every op of the step, of those without a choice too: `kernel/layer` -> variant. */
export function variantsInUse({ recipe, batch, software, features, variants }: StepInUse): Variants {
  const { network, trainer } = recipes[recipe];
  const config = checkConfig(network);
  const usual = () => defaultVariants(layersOf(config), padBatch(batch), features, adapterKind({ software }));
  const training = settingsOf(trainer);
  const { ops } = planWhole(config, planWeights(config), batch, batch, variants ?? usual(), training);
  return Object.fromEntries(ops.map(({ kernel, layer, variant }) => [`${kernel}/${layer}`, variant]));
}

/** The variants that the step runs anywhere: `kernel.variant`. */
export const namesInUse = (inUse: Variants): ReadonlySet<string> =>
  new Set(Object.entries(inUse).map(([entry, variant]) => `${entry.split('/')[0]}.${variant}`));
