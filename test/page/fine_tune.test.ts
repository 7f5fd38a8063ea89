/** Training that begins with the pretrained network. */
import { describe, expect, test } from 'vitest';
import { checkBeginning, fineTuning, trainingOf, whyNew } from '../../harness/page/shell/fine_tune';
import type { Beginning, PageRecipe } from '../../harness/page/shell/settings';
import { recipeAt } from '../../src/recipes';
import { trainerConfigOf } from '../../src/training/options';
import { presets } from '../../src/unet/config';

describe('fine-tuning', () => {
  test('takes 60 steps of up to 32 images', () => {
    expect(fineTuning(10)).toEqual({ batch: 10, epochs: 60, lr: 0.0005 });
    expect(fineTuning(100)).toEqual({ batch: 32, epochs: 15, lr: 0.0005 });
    expect(fineTuning(10_000)).toEqual({ batch: 32, epochs: 1, lr: 0.0005 });
  });

  test('has a warm-up of 20 steps at any batch, where the recipe has one', () => {
    const warmupOf = (recipe: PageRecipe, batch: number, begin: Beginning) =>
      trainerConfigOf(trainingOf({ recipe, batch, begin })).schedule.warmup;
    expect(warmupOf('digits', 32, 'new')).toBe(160);
    expect(warmupOf('digits', 32, 'pretrained')).toBe(20);
    expect(warmupOf('tutorial', 32, 'pretrained')).toBe(0);
    const { schedule: _, ...rest } = recipeAt('digits', 32).trainer;
    expect(trainingOf({ recipe: 'digits', batch: 32, begin: 'pretrained' })).toMatchObject(rest);
  });

  test('needs images and widths of the trained network', () => {
    const trained = presets.digits;
    const { conditioning } = trained;
    checkBeginning('digits', trained);
    checkBeginning('digits', { ...trained, conditioning: { ...conditioning!, classes: 3 } });
    expect(() => checkBeginning('digits', { ...trained, height: 32 })).toThrow(
      '28 x 28 x 1; these are 32 x 28 x 1',
    );
    expect(() => checkBeginning('digits', { ...trained, widths: [8] })).toThrow(
      'has the widths 32, 64, 64, not 8',
    );
    const many = { ...trained, conditioning: { ...conditioning!, classes: 12 } };
    expect(() => checkBeginning('digits', many)).toThrow('knows 10 classes; these images have 12');
    for (const recipe of ['digits-3x3', 'pictures'] as const)
      expect(() => checkBeginning(recipe, presets[recipe])).toThrow(
        `no pretrained network of the recipe ${recipe}. Begin with new weights, or choose the recipe digits.`,
      );
  });

  test('says why it cannot be', () => {
    const images = { height: 28, width: 28, channels: 1, classes: 10 };
    const { widths } = presets.digits;
    expect(whyNew({ recipe: 'digits', widths }, images)).toBeUndefined();
    expect(whyNew({ recipe: 'tutorial', widths }, { ...images, classes: 200 })).toBeUndefined();
    expect(whyNew({ recipe: 'digits', widths }, { ...images, classes: 12 })).toContain('knows 10 classes');
    expect(whyNew({ recipe: 'digits', widths }, { ...images, height: 8 })).toContain('these are 8 x 28 x 1');
    expect(whyNew({ recipe: 'digits', widths }, { ...images, channels: 3 })).toContain(
      'these are 28 x 28 x 3',
    );
    const { classes: _, ...unlabelled } = images;
    expect(whyNew({ recipe: 'digits', widths }, unlabelled)).toContain('these images have no labels');
    expect(whyNew({ recipe: 'tutorial', widths }, unlabelled)).toBeUndefined();
    expect(whyNew({ recipe: 'digits-3x3', widths }, images)).toContain('no pretrained network');
  });
});
