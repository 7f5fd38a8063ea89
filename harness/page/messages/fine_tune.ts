/** What a run begins with, and training that begins with a pretrained network: with which settings, and on which images that is possible. Pure. */
import { type Recipe, recipeAt, recipes } from '../../../src/recipes';
import { stepsPerEpoch } from '../../../src/training/epoch';
import { RATE_OF_PICTURES, whyUnfit } from '../../run/beginning';
import { networkFor } from '../../run/network';
import type { DataDescription } from './messages';
import { type Beginning, type ImageSize, initialFor, type Settings } from './settings';

/** Few steps, at a sixth of the recipe's rate, so that the network does not forget the digits. */
const STEPS = 60;
const MOST_BATCH = 32;
const RATE = 0.0005;

/** `count`: the images that it trains on. */
export function fineTuning(count: number): {
  readonly batch: number;
  readonly epochs: number;
  readonly lr: number;
} {
  const batch = Math.min(MOST_BATCH, count);
  const { dropLast } = recipes.digits.fit;
  const perEpoch = stepsPerEpoch({ imageCount: count, batchSize: batch, dropLast });
  return { batch, epochs: Math.ceil(STEPS / perEpoch), lr: RATE };
}

/** Adam soon knows the gradients of trained weights. The recipe's own warm-up, at so small a batch, would be longer than the training. */
const WARMUP = 20;

/** The images, as far as the beginning depends on them. */
type Images = Pick<DataDescription, 'classes' | 'builtIn'> & ImageSize;

/** What a run with these settings begins with: where the user leaves it open, coloured pictures of their own with the network `pictures`. */
export function chosenBeginning(
  settings: Pick<Settings, 'recipe' | 'begin' | 'widths'>,
  images: Images | undefined,
): Beginning {
  const { recipe, begin } = settings;
  if (begin !== 'auto') return begin;
  const isTheirs = recipe === 'pictures' && images && !images.builtIn;
  return isTheirs && whyNew(settings, images) === undefined ? 'pretrained' : 'new';
}

/** The learning rate of a planned run: the one that the user has chosen, or one that suits its beginning. */
export const plannedRate = (settings: Pick<Settings, 'recipe' | 'lr'>, begin: Beginning): number =>
  (settings.lr === initialFor(settings.recipe).lr && smallerRate(settings, begin)) || settings.lr;

/** A smaller learning rate that suits a run better; undefined if none is known. */
export function smallerRate({ recipe, lr }: Pick<Settings, 'recipe' | 'lr'>, begin: Beginning) {
  const rate = recipe === 'pictures' ? RATE_OF_PICTURES : RATE;
  return begin === 'pretrained' && lr > rate ? rate : undefined;
}

/** The trainer's options for a run with these settings. */
export function trainerOptions({
  recipe,
  batch,
  begin,
}: Pick<Settings, 'recipe' | 'batch'> & { readonly begin: Beginning }): Recipe['trainer'] {
  const { trainer } = recipeAt(recipe, batch);
  return begin === 'pretrained' && trainer.schedule ? { ...trainer, schedule: { warmup: WARMUP } } : trainer;
}

/** The reason that a run on these images cannot begin with the recipe's pretrained network; undefined if it can. */
export const whyNew = (
  { recipe, widths }: Pick<Settings, 'recipe' | 'widths'>,
  { classes = 0, ...images }: Pick<Images, 'classes'> & ImageSize,
): string | undefined => whyUnfit(recipe, networkFor({ recipe, widths }, { ...images, classes }));
