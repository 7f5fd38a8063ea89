/** Recipes: a network, its training options and its sampling options. Each part goes to the function that its comment names. */
import { checkInteger, wrongArgument } from './base/errors';
import { frozen } from './base/frozen';
import type { FitOptions, TrainerOptions } from './training/options';
import { countedInImages, type Objective } from './training/step_config';
import { presets, type UNetConfig } from './unet/config';
import type { Sampling } from './unet/sampling';
import type { Model } from './weights/model';

/** Settings that belong together. */
export interface Recipe {
  /** For `createUNet`. */
  readonly network: UNetConfig;
  /** For `createTrainer`. */
  readonly trainer: Pick<
    TrainerOptions,
    'beta1' | 'beta2' | 'epsilon' | 'weightDecay' | 'schedule' | 'clipNorm' | 'average' | 'classDropout'
  > & { readonly batchSize: number; readonly learningRate: number; readonly objective: Objective };
  /** For `fit`; epochs of the 10,000 digits that come with the package. */
  readonly fit: Pick<FitOptions, 'epochs' | 'binarize' | 'dropLast'>;
  /** For `createUNet`, or for `sample`, except labels. */
  readonly sampling: Sampling;
}

/** The parts of the recipes that do not depend on the batch. */
const parts = {
  tutorial: {
    network: presets.tutorial,
    fit: { epochs: 5, binarize: true },
    sampling: { steps: 50, method: 'mix' },
  },
  digits: {
    network: presets.digits,
    // Without the smaller batch at an epoch's end, which costs accepted digits (docs/recipe.md).
    fit: { epochs: 6, binarize: false, dropLast: true },
    // As good as 20 steps of Euler, in 8 network calls in place of 40 (docs/recipe.md).
    sampling: { method: 'adams', steps: 4, guidance: 2 },
  },
  pictures: {
    network: presets.pictures,
    fit: { epochs: 12, binarize: false, dropLast: true },
    sampling: { method: 'adams', steps: 8 },
  },
} as const satisfies Record<string, Omit<Recipe, 'trainer'>>;

/** The names of the recipes. */
export type RecipeName = keyof typeof parts;

/**
 * A recipe with another batch. `tutorial` changes in nothing else. In the others, warm-up, the memory of Adam's second moment, the start of
 * the average and its span stay the same number of images, and so change in steps; learning rate, clipping and epochs stay
 * (docs/recipe.md).
 *
 * @param batchSize images of a step, a whole number from 1 to 65536
 * @throws EngineError `argument` for another name or batch
 */
export function recipeAt(name: RecipeName, batchSize: number): Recipe {
  if (!Object.hasOwn(parts, name)) {
    throw wrongArgument('recipe', name, Object.keys(parts).join(' or '));
  }
  checkInteger('batchSize', batchSize, 1, 65536);
  return { ...parts[name], trainer: name === 'tutorial' ? asTutorial(batchSize) : toOrder(batchSize) };
}

const asTutorial = (batchSize: number): Recipe['trainer'] => ({
  batchSize,
  learningRate: 1e-3,
  objective: 'tutorial',
});

/** Training options of networks conditioned on noise level and class. */
function toOrder(batchSize: number): Recipe['trainer'] {
  const { average, ...counted } = countedInImages(batchSize);
  return {
    ...counted,
    batchSize,
    learningRate: 3e-3,
    epsilon: 1e-8,
    objective: 'flow',
    clipNorm: 1,
    average: { after: Math.round(25_600 / batchSize), ...average },
    classDropout: 0.05,
  };
}

/**
 * `tutorial`: the tutorial unchanged. `digits`: its network conditioned on noise level and class, trained with Gaussian noise to predict
 * the velocity; it makes requested digits (docs/recipe.md). `pictures`: for pictures in colour, of 16 to 64 pixels
 * a side; its network has no classes, and any number where `conditioning.classes` says so (`samplingFor` then adds guidance).
 * All frozen: `{ ...recipes.digits.trainer, batchSize: 16 }` is a copy.
 */
export const recipes: Readonly<Record<RecipeName, Recipe>> = /* @__PURE__ */ frozen({
  tutorial: /* @__PURE__ */ recipeAt('tutorial', 256),
  digits: /* @__PURE__ */ recipeAt('digits', 64),
  pictures: /* @__PURE__ */ recipeAt('pictures', 64),
});

/** The recipe with the objective and the convolutions of a network, of any size and widths; undefined if there is none. */
export function findRecipe({
  config,
  objective,
}: Pick<Model, 'config' | 'objective'>): RecipeName | undefined {
  const { kernelSize, widths } = config;
  /** Levels below a recipe's have as many convolutions as its last. */
  const perLevel = ({ convolutionsPerLevel: n = 1 }: UNetConfig) =>
    widths.map((_, level) => (typeof n === 'number' ? n : (n[level] ?? n[n.length - 1])));
  /** With one convolution per level, no layer is residual. */
  const kind = (of: UNetConfig) =>
    JSON.stringify([perLevel(of), perLevel(of).some((n) => n > 1) && (of.residual ?? false)]);
  return (Object.keys(recipes) as RecipeName[]).find((name) => {
    const { network, trainer } = recipes[name];
    if (trainer.objective !== objective || network.kernelSize !== kernelSize) return false;
    return kind(network) === kind(config);
  });
}

/** The sampling of a network: its file's, else its recipe's, else 20 steps of Euler at guidance 2, or the tutorial's 50. */
export function samplingFor({
  config,
  objective,
  sampling,
}: Pick<Model, 'config' | 'objective' | 'sampling'>): Sampling {
  if (sampling) return sampling;
  const recipe = findRecipe({ config, objective }) ?? (objective === 'flow' ? undefined : 'tutorial');
  return recipe ? fitting(recipe, config) : guided({ method: 'euler', steps: 20, guidance: 2 }, config);
}

/** The sampling of a new network that a recipe makes, of any channels; undefined for one with other convolutions than the recipe's. */
export function recipeSampling(name: RecipeName, config: UNetConfig): Sampling | undefined {
  const { trainer } = recipes[name];
  return findRecipe({ config, objective: trainer.objective }) === name ? fitting(name, config) : undefined;
}

/** Guidance of a recipe's network with classes. For pictures 2 costs variety. */
export const recipeGuidance = (name: RecipeName): number | undefined =>
  name === 'pictures' ? 1.5 : recipes[name].sampling.guidance;

/** A recipe's sampling, for a network with classes or without. */
const fitting = (name: RecipeName, config: UNetConfig): Sampling =>
  guided({ ...recipes[name].sampling, guidance: recipeGuidance(name) }, config);

/** Without classes there is no guidance. */
const guided = (sampling: Sampling, { conditioning }: UNetConfig): Sampling =>
  conditioning?.classes ? sampling : { ...sampling, guidance: undefined, guidanceRange: undefined };
