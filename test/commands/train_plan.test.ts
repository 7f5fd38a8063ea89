/** Which runs the command line plans, and with what. */
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { quoted } from '../../harness/cli/args';
import { encodePng } from '../../harness/cli/png';
import type { RunFolder } from '../../harness/cli/run_folder';
import { isPlannedBy, planRun, type TrainFlags } from '../../harness/cli/train_plan';
import { scheduleOf, trainerFor } from '../../harness/run/plan';
import { recipeAt, recipes } from '../../src/recipes';
import type { Checkpoint } from '../../src/weights/checkpoint';
import { temporaryFolder } from '../lib/system';

const folder = {} as RunFolder;
const order = (given: TrainFlags) => planRun(given, folder, new AbortController().signal, () => {});

test('runs on letters, on own files or with --minutes are planned, unless their length is given', () => {
  const planned: readonly TrainFlags[] = [
    { data: ['letters'] },
    { data: ['mine', 'yours'], recipe: 'digits', lr: 1e-3 },
    { minutes: 1 },
    { minutes: 1, data: ['mnist'], recipe: 'digits-3x3' },
  ];
  for (const given of planned) expect(isPlannedBy(given), JSON.stringify(given)).toBe(true);
  for (const given of [{}, { data: ['mnist'] }, { recipe: 'digits' }] as readonly TrainFlags[])
    expect(isPlannedBy(given), JSON.stringify(given)).toBe(false);
  const fixed: readonly TrainFlags[] = [
    { epochs: 1 },
    { 'max-steps': 9 },
    { batch: 8 },
    { schedule: { decay: 'none' } },
    { recipe: 'tutorial' },
    { resume: 'x' },
  ];
  for (const given of fixed) {
    expect(isPlannedBy({ data: ['letters'], ...given }), JSON.stringify(given)).toBe(false);
    const [flag] = Object.keys(given);
    expect(() => isPlannedBy({ minutes: 3, ...given })).toThrow(`--minutes cannot stand beside --${flag}`);
  }
  expect(() => isPlannedBy({ minutes: 3, epochs: 1, batch: 8 })).toThrow('beside --epochs, --batch: ');
});

test('a planned run that goes on has a plan as long as it has no end, and takes minutes until then', () => {
  const of = (settings: object, steps?: number) =>
    ({ settings, training: trainerFor(recipes.digits.trainer, { steps }) }) as unknown as Checkpoint;
  const open = of({});
  for (const given of [{}, { minutes: 1 }, { batch: 16, data: ['mine'] }] as readonly TrainFlags[])
    expect(isPlannedBy({ resume: 'x', ...given }, open), JSON.stringify(given)).toBe(true);
  expect(isPlannedBy({ resume: 'x', epochs: 9 }, open)).toBe(false);
  const unplanned = { settings: {}, training: recipes.digits.trainer } as unknown as Checkpoint;
  for (const ended of [of({ maxSteps: 300 }, 300), of({}, 300), of({ maxSteps: 9 }), unplanned]) {
    expect(isPlannedBy({ resume: 'x', data: ['mine'] }, ended)).toBe(false);
    expect(() => isPlannedBy({ resume: 'x', minutes: 1 }, ended)).toThrow('cannot stand beside --resume');
  }
});

test('a planned run on letters has the recipe digits, and small batches without an end on software', async () => {
  const { begin, config, notes } = await order({ data: ['letters'], lr: 2e-3, seed: 5 });
  expect(config).toMatchObject({ kernelSize: 5, conditioning: { noiseLevel: true, classes: 26 } });
  expect(notes.join()).not.toContain('tutorial');
  const small = begin(true);
  expect(small.planned).toMatchObject({
    recipe: 'digits',
    order: { minutes: 3 },
    plan: { steps: undefined },
  });
  const { settings } = small.run;
  expect(settings).toMatchObject({ batchSize: 16, learningRate: 2e-3, seed: 5, source: 'letters' });
  expect(settings.maxSteps).toBeUndefined();
  expect(small.run).toMatchObject({
    beginning: { trainer: trainerFor(recipeAt('digits', 16).trainer, { steps: undefined }) },
  });
  const usual = begin(false).run;
  expect(usual.settings).toMatchObject({ batchSize: 64, maxSteps: 840 });
  expect(usual.end).toBe(840);
  expect(usual).toMatchObject({
    beginning: { trainer: { schedule: scheduleOf(840), average: { most: 0.9999 } } },
  });
});

test('runs without a plan take batch, rate and length of their recipe', async () => {
  for (const given of [
    {},
    { recipe: 'digits' },
    { recipe: 'digits', data: ['letters'], epochs: 6 },
  ] as const) {
    const { run, planned } = (await order(given)).begin(true);
    const recipe = recipes['recipe' in given ? 'digits' : 'tutorial'];
    expect(planned).toBeUndefined();
    expect(run).toMatchObject({ beginning: { trainer: recipe.trainer } });
    expect(run.settings).toMatchObject({ batchSize: recipe.trainer.batchSize, ...recipe.fit });
    expect(run.settings.maxSteps).toBeUndefined();
  }
});

describe('a run of pictures in colour', () => {
  const folder = temporaryFolder(afterAll);
  beforeAll(() => {
    for (let i = 0; i < 4; i++) {
      const data = Uint8Array.from({ length: 20 * 20 * 3 }, (_, at) => (at % 3 ? 60 * i : 250));
      writeFileSync(join(folder, `${i}.png`), encodePng({ data, width: 20, height: 20, channels: 3 }));
    }
  });
  const orderOf = (given: TrainFlags) => order({ data: [folder], holdout: 0, ...given });

  test('goes on with the same images: their paths, and what --fit and --ink asked for', async () => {
    const spaced = join(temporaryFolder(), 'of mine');
    cpSync(folder, spaced, { recursive: true });
    const { imageFlags } = await order({ data: [folder, spaced], fit: 'fit', ink: 'dark', size: 16 });
    expect(imageFlags).toBe(` --data ${quoted(folder)} --data ${quoted(spaced)} --fit fit --ink dark`);
    expect((await order({})).imageFlags).toBe('');
  });

  test('with a plan begins with the pretrained network, at its size and rate', async () => {
    const { begin, begins, config } = await orderOf({});
    expect(begins).toBe('pictures');
    expect(config).toMatchObject({ height: 20, width: 20, channels: 3, convolutionsPerLevel: [2, 2, 3] });
    const { run } = begin(true);
    expect(run.settings.learningRate).toBe(0.002);
    const parameters = expect.any(Map);
    expect(run).toMatchObject({
      beginning: { network: { config, parameters } },
      sampling: { method: 'adams', steps: 8, polish: { noises: 4, level: 0.1 } },
    });
    expect((await orderOf({ lr: 1e-3 })).begin(true).run.settings.learningRate).toBe(1e-3);
  });

  test('begins with new weights where they are chosen, without a plan, and with another shape', async () => {
    const others: readonly TrainFlags[] = [
      { begin: 'new' },
      { epochs: 3, recipe: 'pictures' },
      { widths: [8, 8, 8] },
    ];
    for (const given of others) {
      const { begins, begin, config } = await orderOf(given);
      expect(begins).toBeUndefined();
      expect(begin(true).run).toMatchObject({ beginning: { network: config } });
      expect(begin(true).run.settings.learningRate).toBe(0.003);
    }
  });

  test('begins with the pretrained network by choice, also without a plan, or says why it cannot', async () => {
    const { begins, begin } = await orderOf({ begin: 'pretrained', recipe: 'pictures', epochs: 3 });
    expect(begins).toBe('pictures');
    expect(begin(true).run.settings).toMatchObject({ learningRate: 0.002, epochs: 3 });
    await expect(orderOf({ begin: 'pretrained', recipe: 'digits' })).rejects.toThrow(
      '--begin is pretrained. The pretrained network is for images of 28 x 28 x 1; these are 20 x 20 x 3',
    );
    const narrow = orderOf({ begin: 'pretrained', recipe: 'pictures', widths: [8] });
    await expect(narrow).rejects.toThrow('--begin is pretrained. The pretrained network has the widths');
    const digits = await order({ begin: 'pretrained', recipe: 'digits', epochs: 1 });
    expect(digits.begins).toBe('digits');
  });
});
