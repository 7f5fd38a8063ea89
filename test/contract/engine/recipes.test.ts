/** Recipes are what the functions take that they are for. */
import { describe, expect, test } from 'vitest';
import { wrongArgument } from '../../../src/base/errors';
import { requirements } from '../../../src/gpu/request_device';
import {
  findRecipe,
  type RecipeName,
  recipeAt,
  recipeSampling,
  recipes,
  samplingFor,
} from '../../../src/recipes';
import { toTrainerConfig } from '../../../src/training/options';
import { checkConfig, presets } from '../../../src/unet/config';
import { checkSampling, countCalls } from '../../../src/unet/sampling';

test('each preset has a recipe', () => {
  expect(Object.keys(recipes)).toEqual(Object.keys(presets));
});

test.each(Object.entries(recipes))(
  'the recipe %s has a complete network, and legal settings of trainer and sampling',
  (_, { network, trainer, sampling }) => {
    expect(checkConfig(network)).toEqual(network);
    expect(toTrainerConfig(trainer).objective).toBe(trainer.objective);
    expect(checkSampling(sampling, wrongArgument)).toEqual(sampling);
  },
);

/** The paths of the objects that can be changed. */
const changeable = (value: unknown, path: string): string[] => {
  if (typeof value !== 'object' || value === null) return [];
  const inside = Object.entries(value).flatMap(([name, part]) => changeable(part, `${path}.${name}`));
  return Object.isFrozen(value) ? inside : [path, ...inside];
};

test.each(Object.entries({ recipes, presets, requirements }))(
  'no part of an app changes %s for the others',
  (name, value) => {
    expect(changeable(value, name)).toEqual([]);
  },
);

test('the recipe tutorial is the default network and the default trainer', () => {
  expect(recipes.tutorial.network).toEqual(checkConfig());
  expect(toTrainerConfig(recipes.tutorial.trainer)).toEqual(toTrainerConfig({}));
});

test('another batch changes nothing else of the recipe tutorial', () => {
  const { trainer, ...rest } = recipeAt('tutorial', 64);
  expect({ ...rest, trainer: { ...trainer, batchSize: 256 } }).toEqual(recipes.tutorial);
});

/** The settings that do not follow the batch. */
const fixed = {
  objective: 'flow',
  adam: { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0 },
  clipNorm: 1,
  classDropout: 0.05,
};

test.each(['digits', 'pictures'] as const)(
  '%s has batches of 64, and averages after 25,600 images',
  (name) => {
    expect(recipes[name]).toEqual(recipeAt(name, 64));
    expect(recipes[name].trainer).toMatchObject({ batchSize: 64, learningRate: 3e-3 });
    expect(recipes[name].fit).toEqual({
      epochs: name === 'digits' ? 6 : 12,
      binarize: false,
      dropLast: true,
    });
    expect(toTrainerConfig(recipes[name].trainer)).toEqual({
      ...fixed,
      adam: { ...fixed.adam, beta2: 0.997491 },
      schedule: { decay: 'none', warmup: 80 },
      average: { after: 400, span: 36, most: 0.99975 },
    });
  },
);

test('recipeAt(digits, 256) has the rate and warm-up of batches of 256, and the default average', () => {
  const { learningRate, batchSize, ...rest } = recipeAt('digits', 256).trainer;
  expect({ learningRate, batchSize }).toEqual({ learningRate: 3e-3, batchSize: 256 });
  expect(toTrainerConfig(rest)).toEqual({
    ...fixed,
    schedule: { decay: 'none', warmup: 20 },
    average: { after: 100 },
  });
});

test.each([1, 3, 100, 65536])(
  'recipeAt with batches of %i gives legal settings of a trainer for every recipe',
  (batch) => {
    for (const name of Object.keys(recipes) as RecipeName[]) {
      const { trainer } = recipeAt(name, batch);
      expect(trainer.batchSize).toBe(batch);
      toTrainerConfig(trainer);
    }
  },
);

test('recipeAt refuses unknown recipes and illegal batches', () => {
  expect(() => recipeAt('toString' as RecipeName, 64)).toThrow(
    'recipe is "toString"; it must be tutorial or digits or pictures.',
  );
  for (const batch of [0, 1.5, 65537, NaN, '64' as never]) {
    expect(() => recipeAt('digits', batch)).toThrow('it must be a whole number from 1 to 65536.');
  }
});

describe('the sampling of a network', () => {
  const { digits, tutorial } = recipes;
  const euler = { method: 'euler', steps: 20, guidance: 2 };

  const perLevel = {
    tutorial: 1,
    digits: 1,
    pictures: [2, 2, 3, 3],
  } as const;
  test.each(Object.keys(recipes) as RecipeName[])(
    'follows the recipe %s with its convolutions, for any size, widths and classes',
    (name) => {
      const { network, trainer } = recipes[name];
      const sampling = { ...recipes[name].sampling, ...(name === 'pictures' ? { guidance: 1.5 } : {}) };
      const classes = name === 'tutorial' ? {} : { conditioning: { noiseLevel: true, classes: 3 } };
      const config = checkConfig({
        ...network,
        ...classes,
        height: 32,
        width: 32,
        widths: [8, 16, 16, 32],
        convolutionsPerLevel: perLevel[name],
      });
      const model = { config, objective: trainer.objective };
      expect(findRecipe(model)).toBe(name);
      expect(samplingFor(model)).toEqual(sampling);
      expect(recipeSampling(name, config)).toEqual(sampling);
      // A network of one level has its recipe, too.
      const first = [perLevel[name]].flat()[0];
      const least = checkConfig({ ...network, widths: [8], convolutionsPerLevel: first });
      expect(findRecipe({ ...model, config: least })).toBe(name);
    },
  );

  test('of a grey network with the shape of pictures is Adams, too', () => {
    const grey = checkConfig({ ...recipes.pictures.network, channels: 1 });
    const model = { config: grey, objective: 'flow' } as const;
    expect(findRecipe(model)).toBe('pictures');
    expect(samplingFor(model)).toEqual({ method: 'adams', steps: 8 });
    const known = { ...grey, conditioning: { noiseLevel: true, classes: 10 } };
    const own = { method: 'adams', steps: 8, guidance: 1.5 };
    expect(samplingFor({ ...model, config: known })).toEqual(own);
    expect(recipeSampling('pictures', known)).toEqual(own);
    expect(recipeSampling('pictures', grey)).toEqual({ method: 'adams', steps: 8 });
    // The recipe has no sampling settings for other convolutions.
    expect(recipeSampling('pictures', { ...grey, kernelSize: 5 })).toBeUndefined();
  });

  test('is the one in its file, where there is one', () => {
    const sampling = { method: 'adams', steps: 4, guidance: 1.5 } as const;
    expect(samplingFor({ config: digits.network, objective: 'flow', sampling })).toBe(sampling);
  });

  test('is 20 steps of Euler with guidance 2 where no recipe has its convolutions', () => {
    for (const change of [
      { kernelSize: 7 },
      { residual: true, convolutionsPerLevel: 2 },
      { convolutionsPerLevel: [1, 2, 1] },
    ]) {
      const model = { config: { ...digits.network, ...change }, objective: 'flow' } as const;
      expect(findRecipe(model)).toBeUndefined();
      expect(samplingFor(model)).toEqual(euler);
    }
    expect(samplingFor({ config: { ...tutorial.network, kernelSize: 3 }, objective: 'tutorial' })).toEqual(
      tutorial.sampling,
    );
  });

  test('has no guidance where the network has no classes', () => {
    const config = { ...digits.network, conditioning: { noiseLevel: true, classes: 0 } };
    const { guidance: _, ...rest } = digits.sampling;
    expect(samplingFor({ config, objective: 'flow' })).toEqual(rest);
  });

  const polish = { noises: 4, level: 0.2 };
  test.each<[Parameters<typeof countCalls>[0], number]>([
    [digits.sampling, 8],
    [recipes.pictures.sampling, 8],
    [{ method: 'euler', steps: 20, guidance: 2 }, 40],
    [{ method: 'heun', steps: 10, guidance: 2 }, 38],
    [{ method: 'adams', steps: 4 }, 4],
    [{ method: 'euler', steps: 2, guidance: 1, calls: 2 }, 2],
    [{ method: 'adams', steps: 8, polish }, 12],
    [{ method: 'heun', steps: 8, guidance: 1.5, polish }, 38],
  ])('%j takes %i calls of the network', (sampling, calls) => {
    expect(countCalls(sampling)).toBe(calls);
  });
});
