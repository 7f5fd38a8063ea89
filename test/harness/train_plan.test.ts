/** Which runs the command line plans, and with what. */
import { expect, test } from 'vitest';
import type { RunFolder } from '../../harness/cli/run_folder';
import { isPlannedBy, planRun, type TrainFlags } from '../../harness/cli/train_plan';
import { scheduleOf, trainerFor } from '../../harness/run/plan';
import { recipeAt, recipes } from '../../src/recipes';

const folder = {} as RunFolder;
const order = (given: TrainFlags) => planRun(given, folder, new AbortController().signal, () => {});

test('letters and files of one’s own are, and what has minutes, unless its length is given', () => {
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

test('a plan begins as the adapter lets it, with a recipe for grey images', async () => {
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
  expect(usual).toMatchObject({ beginning: { trainer: { schedule: scheduleOf(840), averageMost: 0.9999 } } });
});

test('other runs are as they were', async () => {
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
