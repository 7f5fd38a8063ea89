/** Training that begins with the pretrained network. */
import { describe, expect, test } from 'vitest';
import {
  chosenBeginning,
  fineTuning,
  plannedRate,
  smallerRate,
  trainerOptions,
  whyNew,
} from '../../../harness/page/messages/fine_tune';
import type { Beginning, PageRecipe } from '../../../harness/page/messages/settings';
import { fitted, whyUnfit } from '../../../harness/run/beginning';
import { type RecipeName, recipeAt } from '../../../src/recipes';
import { toTrainerConfig } from '../../../src/training/options';
import { presets, type UNetConfig } from '../../../src/unet/config';

describe('fine-tuning', () => {
  test('takes 60 steps of up to 32 images, without an epoch’s small last batch, or one epoch', () => {
    expect(fineTuning(10)).toEqual({ batch: 10, epochs: 60, lr: 0.0005 });
    expect(fineTuning(100)).toEqual({ batch: 32, epochs: 20, lr: 0.0005 });
    expect(fineTuning(10_000)).toEqual({ batch: 32, epochs: 1, lr: 0.0005 });
  });

  test('has a warm-up of 20 steps at any batch, where the recipe has one', () => {
    const warmupOf = (recipe: PageRecipe, batch: number, begin: Beginning) =>
      toTrainerConfig(trainerOptions({ recipe, batch, begin })).schedule.warmup;
    expect(warmupOf('digits', 32, 'new')).toBe(160);
    expect(warmupOf('digits', 32, 'pretrained')).toBe(20);
    const { schedule: _, ...rest } = recipeAt('digits', 32).trainer;
    expect(trainerOptions({ recipe: 'digits', batch: 32, begin: 'pretrained' })).toMatchObject(rest);
  });

  const { conditioning } = presets.digits;
  test.each<[RecipeName, Partial<UNetConfig>, misfit?: string]>([
    ['tutorial', {}],
    ['digits', {}],
    ['digits', { widths: [8] }, 'has the widths 32, 64, 64, not 8'],
    [
      'digits',
      { kernelSize: 3 },
      'has the convolutions of the recipe digits. Leave them to the recipe, or begin with new weights',
    ],
    ['digits', { height: 8 }, '28 x 28 x 1; these are 8 x 28 x 1'],
    ['digits', { channels: 3 }, 'these are 28 x 28 x 3'],
    ['digits', { conditioning: { ...conditioning!, classes: 0 } }, 'these images have no labels'],
    ['digits', { conditioning: { ...conditioning!, classes: 12 } }, 'knows 10 classes; these images have 12'],
    // Of any size and any classes.
    ['pictures', { height: 40, width: 32, conditioning: { ...conditioning!, classes: 7 } }],
    ['pictures', { channels: 1 }, 'is for images in colour; these are grey'],
    ['pictures', { widths: [8] }, 'has the widths 32, 64, 64'],
  ])('of %s needs its network, and images that fit it, but for %j: %s', (recipe, changes, misfit) => {
    const found = whyUnfit(recipe, { ...presets[recipe], ...changes });
    expect(found).toEqual(misfit && expect.stringContaining(misfit));
  });

  test('takes size and classes of pictures in colour; the network of digits stays as it is', () => {
    const wanted = { ...presets.pictures, height: 40 };
    const trained = { config: presets.pictures, parameters: 1 };
    expect(fitted('pictures', trained, wanted)).toEqual({ config: wanted, parameters: 1 });
    expect(fitted('digits', trained, wanted)).toBe(trained);
  });

  test('is the usual beginning on coloured pictures of the user’s', () => {
    const icons = { builtIn: false, height: 24, width: 24, channels: 3, classes: 5 };
    const { widths } = presets.pictures;
    const begin = (more: Partial<Parameters<typeof chosenBeginning>[0]>, images?: typeof icons) =>
      chosenBeginning({ recipe: 'pictures', begin: 'auto', widths, ...more }, images);
    expect(begin({}, icons)).toBe('pretrained');
    expect(begin({ begin: 'new' }, icons)).toBe('new');
    for (const images of [undefined, { ...icons, channels: 1 }, { ...icons, builtIn: true }])
      expect(begin({}, images)).toBe('new');
    expect(begin({ recipe: 'digits' }, icons)).toBe('new');
    expect(begin({ widths: [8, 8] }, icons)).toBe('new');
    expect(begin({ recipe: 'digits', begin: 'pretrained' }, icons)).toBe('pretrained');
  });

  test('is planned at a smaller rate, unless the user has chosen one', () => {
    for (const [recipe, lr, begin, planned] of [
      ['pictures', 0.003, 'pretrained', 0.002],
      ['digits', 0.003, 'pretrained', 0.0005],
      ['digits', 0.004, 'pretrained', 0.004],
      ['digits', 0.003, 'new', 0.003],
    ] as const)
      expect(plannedRate({ recipe, lr }, begin), `${recipe} ${begin}`).toBe(planned);
    expect(smallerRate({ recipe: 'digits', lr: 0.003 }, 'pretrained')).toBe(0.0005);
    expect(smallerRate({ recipe: 'digits', lr: 0.0005 }, 'pretrained')).toBeUndefined();
  });

  test('on the page is refused by the images: their classes, or that there are none', () => {
    const images = { height: 28, width: 28, channels: 1 };
    const why = (classes: number | undefined, recipe: 'digits' | 'tutorial' = 'digits') =>
      whyNew({ recipe, widths: presets.digits.widths }, { ...images, classes });
    expect([why(10), why(undefined, 'tutorial')]).toEqual([undefined, undefined]);
    expect(why(12)).toContain('these images have 12');
    expect(why(undefined)).toContain('these images have no labels');
  });
});
