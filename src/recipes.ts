/** Recipes: a network, its training options and its sampling options. Each part goes to the function that its comment names. */
import type { Sampling } from './sampling/sampling';
import type { FitOptions, TrainerOptions } from './training/options';
import { presets, type UNetConfig } from './unet/config';
import type { Model } from './weights/model';

/** Settings that belong together. */
export interface Recipe {
  /** For `createUNet`. */
  readonly network: UNetConfig;
  /** For `createTrainer`. */
  readonly trainer: Pick<
    TrainerOptions,
    | 'batchSize'
    | 'learningRate'
    | 'beta1'
    | 'beta2'
    | 'epsilon'
    | 'weightDecay'
    | 'objective'
    | 'schedule'
    | 'clipNorm'
    | 'averageWeights'
    | 'averageAfter'
    | 'averageSpan'
    | 'averageMost'
    | 'classDropout'
  >;
  /** For `fit`; epochs of the 10,000 digits that come with the package. */
  readonly fit: Pick<FitOptions, 'epochs' | 'binarize' | 'dropLast'>;
  /** For `createUNet`, or for `sample`, except labels. */
  readonly sampling: Sampling;
}

/** Training and sampling of networks conditioned on noise level and class. */
const toOrder = {
  trainer: {
    batchSize: 256,
    learningRate: 3e-3,
    beta2: 0.99,
    epsilon: 1e-8,
    objective: 'flow',
    schedule: { warmup: 20 },
    clipNorm: 1,
    averageWeights: true,
    averageAfter: 200,
    classDropout: 0.05,
  },
  // Averaging begins at step 200, so five epochs of 36 steps would end before it.
  fit: { epochs: 12, binarize: false },
  sampling: { steps: 20, method: 'euler', guidance: 2 },
} as const satisfies Omit<Recipe, 'network'>;

/**
 * `tutorial`: the tutorial unchanged. `digits`: its network conditioned on noise level and class, trained with Gaussian noise to predict
 * the velocity; it makes requested digits (docs/recipe.md). `digits-3x3`: the same with a richer network.
 */
export const recipes = {
  tutorial: {
    network: presets.tutorial,
    trainer: { batchSize: 256, learningRate: 1e-3, objective: 'tutorial' },
    fit: { epochs: 5, binarize: true },
    sampling: { steps: 50, method: 'mix' },
  },
  digits: { network: presets.digits, ...toOrder },
  // A small last batch costs it a point of accepted digits, and it takes a little more guidance (docs/recipe.md).
  'digits-3x3': {
    ...toOrder,
    network: presets['digits-3x3'],
    fit: { ...toOrder.fit, dropLast: true },
    sampling: { ...toOrder.sampling, guidance: 2.25 },
  },
} as const satisfies Record<string, Recipe>;

/** The recipes there are. */
export type RecipeName = keyof typeof recipes;

/** The recipe of a network: with its objective and its convolutions, of any size and widths. Undefined where it is none's. */
export function recipeOf({ config, objective }: Pick<Model, 'config' | 'objective'>): RecipeName | undefined {
  const { kernelSize, residual = false, widths } = config;
  /** Levels below a recipe's have as many convolutions as its last. */
  const perLevel = ({ convolutionsPerLevel: n = 1 }: UNetConfig) =>
    widths.map((_, level) => (typeof n === 'number' ? n : (n[level] ?? n[n.length - 1])));
  return (Object.keys(recipes) as RecipeName[]).find((name) => {
    const { network, trainer }: Recipe = recipes[name];
    if (trainer.objective !== objective || network.kernelSize !== kernelSize) return false;
    return (network.residual ?? false) === residual && String(perLevel(network)) === String(perLevel(config));
  });
}

/** How a network is sampled: as its file says, else as its recipe does, else in 20 steps of Euler at guidance 2, or in the tutorial's 50. */
export function samplingFor({
  config,
  objective,
  sampling,
}: Pick<Model, 'config' | 'objective' | 'sampling'>): Sampling {
  if (sampling) return sampling;
  const recipe = recipeOf({ config, objective }) ?? (objective === 'flow' ? undefined : 'tutorial');
  const usual: Sampling = recipe ? recipes[recipe].sampling : { method: 'euler', steps: 20, guidance: 2 };
  return config.conditioning?.classes ? usual : { ...usual, guidance: undefined, guidanceRange: undefined };
}
