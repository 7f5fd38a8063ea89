/** Training that begins with the pretrained network. */
import { describe, expect, test } from 'vitest';
import {
  beginningOf,
  fineTuning,
  plannedRate,
  smallerRate,
  trainingOf,
  whyNew,
} from '../../../harness/page/messages/fine_tune';
import type { Beginning, PageRecipe } from '../../../harness/page/messages/settings';
import { checkBeginning, fitted } from '../../../harness/run/beginning';
import { recipeAt } from '../../../src/recipes';
import { trainerConfigOf } from '../../../src/training/options';
import { presets } from '../../../src/unet/config';

describe('fine-tuning', () => {
  test('takes 60 steps of up to 32 images, without an epoch’s small last batch, or one epoch', () => {
    expect(fineTuning(10)).toEqual({ batch: 10, epochs: 60, lr: 0.0005 });
    expect(fineTuning(100)).toEqual({ batch: 32, epochs: 20, lr: 0.0005 });
    expect(fineTuning(10_000)).toEqual({ batch: 32, epochs: 1, lr: 0.0005 });
  });

  test('has a warm-up of 20 steps at any batch, where the recipe has one', () => {
    const warmupOf = (recipe: PageRecipe, batch: number, begin: Beginning) =>
      trainerConfigOf(trainingOf({ recipe, batch, begin })).schedule.warmup;
    expect(warmupOf('digits', 32, 'new')).toBe(160);
    expect(warmupOf('digits', 32, 'pretrained')).toBe(20);
    const { schedule: _, ...rest } = recipeAt('digits', 32).trainer;
    expect(trainingOf({ recipe: 'digits', batch: 32, begin: 'pretrained' })).toMatchObject(rest);
  });

  const trained = presets.digits;
  test.each<['digits', Parameters<typeof checkBeginning>[1], string]>([
    ['digits', { ...trained, widths: [8] }, 'has the widths 32, 64, 64, not 8'],
    [
      'digits',
      { ...trained, kernelSize: 3 },
      'has the convolutions of the recipe digits. Leave them to the recipe, or begin with new weights',
    ],
  ])('needs, of the recipe %s, the network of its recipe: row %#', (recipe, config, words) => {
    expect(() => checkBeginning(recipe, config)).toThrow(words);
  });

  test('on pictures in colour takes any size and any classes', () => {
    const { conditioning, ...pictures } = presets.pictures;
    const wanted = { ...pictures, height: 40, width: 32, conditioning: { ...conditioning, classes: 7 } };
    expect(checkBeginning('pictures', wanted)).toBe('pictures');
    expect(() => checkBeginning('pictures', { ...wanted, channels: 1 })).toThrow(
      'is for images in colour; these are grey',
    );
    expect(() => checkBeginning('pictures', { ...wanted, widths: [8] })).toThrow('has the widths 32, 64, 64');
    const trained = { config: presets.pictures, parameters: 1 };
    expect(fitted('pictures', trained, wanted)).toEqual({ config: wanted, parameters: 1 });
    expect(fitted('digits', trained, wanted)).toBe(trained);
  });

  test('is the usual beginning on coloured pictures of the user’s', () => {
    const icons = { builtIn: false, height: 24, width: 24, channels: 3, classes: 5 };
    const { widths } = presets.pictures;
    const begin = (more: Partial<Parameters<typeof beginningOf>[0]>, images?: typeof icons) =>
      beginningOf({ recipe: 'pictures', begin: 'auto', widths, ...more }, images);
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

  test('is refused with a reason where images or widths do not fit', () => {
    const fits = { height: 28, width: 28, channels: 1, classes: 10 as number | undefined };
    const { widths } = presets.digits;
    for (const [recipe, images, words] of [
      ['digits', {}, undefined],
      ['digits', { classes: 12 }, 'knows 10 classes; these images have 12'],
      ['digits', { height: 8 }, '28 x 28 x 1; these are 8 x 28 x 1'],
      ['digits', { channels: 3 }, 'these are 28 x 28 x 3'],
      ['digits', { classes: undefined }, 'these images have no labels'],
      ['tutorial', { classes: undefined }, undefined],
    ] as const)
      expect(whyNew({ recipe, widths }, { ...fits, ...images }), JSON.stringify(images)).toEqual(
        words && expect.stringContaining(words),
      );
  });
});
