/** Training that begins with the pretrained network: with which settings, and on which images that is possible. Pure. */
import { EngineError } from '../../../src/base/errors';
import { type Recipe, recipeAt, recipes } from '../../../src/recipes';
import type { UNetConfig } from '../../../src/unet/config';
import type { DataDescription } from '../worker/messages';
import { pretrainedOf } from './pretrained';
import type { PageRecipe, Settings } from './settings';

/** Few steps, at a sixth of the recipe's rate, so that the network does not forget the digits. */
const STEPS = 60;
const MOST_BATCH = 32;
export const RATE = 0.0005;

export function fineTuning(count: number): {
  readonly batch: number;
  readonly epochs: number;
  readonly lr: number;
} {
  const batch = Math.min(MOST_BATCH, count);
  return { batch, epochs: Math.ceil(STEPS / Math.ceil(count / batch)), lr: RATE };
}

/** Adam soon knows the gradients of trained weights. The recipe's own warm-up, at so small a batch, would be longer than the training. */
const WARMUP = 20;

/** The trainer's options for a run with these settings. */
export function trainingOf({
  recipe,
  batch,
  begin,
}: Pick<Settings, 'recipe' | 'batch' | 'begin'>): Recipe['trainer'] {
  const { trainer } = recipeAt(recipe, batch);
  return begin === 'pretrained' && trainer.schedule ? { ...trainer, schedule: { warmup: WARMUP } } : trainer;
}

/** The reason that a run on these images cannot begin with the recipe's pretrained network; undefined if it can. */
export function whyNew(
  { recipe, widths }: Pick<Settings, 'recipe' | 'widths'>,
  { height, width, channels, classes }: Pick<DataDescription, 'height' | 'width' | 'channels' | 'classes'>,
): string | undefined {
  const { conditioning, ...network }: UNetConfig = recipes[recipe].network;
  const conditioned = conditioning && { conditioning: { ...conditioning, classes: classes ?? 0 } };
  try {
    checkBeginning(recipe, { ...network, ...conditioned, height, width, channels, widths });
    return undefined;
  } catch (error) {
    return (error as EngineError).message;
  }
}

/** Throws unless a recipe's pretrained network fits the network that the settings and the images ask for. */
export function checkBeginning(recipe: PageRecipe, wanted: UNetConfig): void {
  if (pretrainedOf(recipe) !== recipe)
    throw new EngineError(
      'data',
      `There is no pretrained network of the recipe ${recipe}. Begin with new weights, or choose the recipe ${pretrainedOf(recipe)}.`,
    );
  const trained: UNetConfig = recipes[recipe].network;
  const refuse = (what: string, remedy: string) => {
    throw new EngineError('data', `The pretrained network ${what}. ${remedy}, or begin with new weights.`);
  };
  const { height, width, channels, widths } = wanted;
  if (height !== trained.height || width !== trained.width || channels !== trained.channels) {
    refuse(
      `is for images of ${trained.height} x ${trained.width} x ${trained.channels}; these are ${height} x ${width} x ${channels}`,
      'Choose images of that size',
    );
  }
  const [classes, known] = [wanted, trained].map(({ conditioning }) => conditioning?.classes ?? 0);
  if (known > 0 && classes === 0)
    refuse('is conditioned on classes, and these images have no labels', 'Give images with labels');
  if (classes > known) refuse(`knows ${known} classes; these images have ${classes}`, 'Use fewer classes');
  if (widths.join() !== trained.widths.join()) {
    refuse(`has the widths ${trained.widths.join(', ')}, not ${widths.join(', ')}`, 'Set these widths');
  }
}
