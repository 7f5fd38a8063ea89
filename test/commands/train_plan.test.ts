/** Which runs the command line plans, and with what. */
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { quoted } from '../../harness/cli/args';
import { encodePng } from '../../harness/cli/png';
import type { RunFolder } from '../../harness/cli/run_folder';
import { isPlannedBy, planRun, type TrainFlags } from '../../harness/cli/train_plan';
import { OWN_SIZE } from '../../harness/pictures/small_pictures';
import { trainerFor } from '../../harness/run/plan';
import { recipeAt, recipes } from '../../src/recipes';
import type { Checkpoint } from '../../src/weights/checkpoint';
import { idxFile, temporaryFolder } from '../lib/system';

const folder = {} as RunFolder;
const order = (given: TrainFlags) => planRun(given, folder, new AbortController().signal, () => {});

const fixed: readonly TrainFlags[] = [
  { epochs: 1 },
  { 'max-steps': 9 },
  { batch: 8 },
  { schedule: { decay: 'none' } },
  { recipe: 'tutorial' },
  { resume: 'x' },
];
const of = (settings: object, steps?: number) =>
  ({ settings, training: trainerFor(recipes.digits.trainer, steps) }) as unknown as Checkpoint;
const open = of({});
const unplanned = { settings: {}, training: recipes.digits.trainer } as unknown as Checkpoint;
const ended = [of({ maxSteps: 300 }, 300), of({}, 300), of({ maxSteps: 9 }), unplanned];

test.each<[TrainFlags, boolean | string, Checkpoint?]>([
  [{ data: ['mine', 'yours'], recipe: 'digits', lr: 1e-3 }, true],
  [{ minutes: 1 }, true],
  [{}, false],
  ...fixed.flatMap((given): [TrainFlags, boolean | string][] => [
    [{ data: ['mine'], ...given }, false],
    [{ minutes: 3, ...given }, `--minutes cannot stand beside --${Object.keys(given)[0]}`],
  ]),
  [{ minutes: 3, epochs: 1, batch: 8 }, 'beside --epochs, --batch: '],
  // What goes on has a plan as long as it has no end, and takes minutes until then.
  [{ resume: 'x' }, true, open],
  [{ resume: 'x', minutes: 1 }, true, open],
  [{ resume: 'x', epochs: 9 }, false, open],
  ...ended.flatMap((checkpoint): [TrainFlags, boolean | string, Checkpoint][] => [
    [{ resume: 'x', data: ['mine'] }, false, checkpoint],
    [{ resume: 'x', minutes: 1 }, 'cannot stand beside --resume', checkpoint],
  ]),
])('whether %j is planned: %s', (given, planned, checkpoint) => {
  if (typeof planned === 'string') expect(() => isPlannedBy(given, checkpoint)).toThrow(planned);
  else expect(isPlannedBy(given, checkpoint)).toBe(planned);
});

/** 1,000 grey images of 26 classes. */
const grey = temporaryFolder(afterAll);
beforeAll(() => {
  writeFileSync(
    join(grey, 'mine-images-idx3-ubyte'),
    idxFile([1000, 16, 16], new Uint8Array(256_000).fill(9)),
  );
  const labels = new Uint8Array(1000).map((_, i) => i % 26);
  writeFileSync(join(grey, 'mine-labels-idx1-ubyte'), idxFile([1000], labels));
});

test('a planned run on grey images has the recipe digits, and small batches without an end on software', async () => {
  const { begin, config, notes } = await order({ data: [grey], lr: 2e-3, seed: 5 });
  expect(config).toMatchObject({ kernelSize: 5, conditioning: { noiseLevel: true, classes: 26 } });
  expect(notes.join()).not.toContain('tutorial');
  const small = begin(true);
  expect(small.planned).toMatchObject({ recipe: 'digits', order: { minutes: 3 } });
  const { settings } = small.run;
  expect(settings).toMatchObject({ batchSize: 16, learningRate: 2e-3, seed: 5, source: grey });
  expect(settings.maxSteps).toBeUndefined();
  expect(small.run).toMatchObject({
    beginning: { trainer: trainerFor(recipeAt('digits', 16).trainer) },
  });
  expect(begin(false).run.settings).toMatchObject({ batchSize: 64 });
});

test('runs without a plan take batch, rate and length of their recipe', async () => {
  for (const given of [{}, { recipe: 'digits' }, { recipe: 'digits', data: [grey], epochs: 6 }] as const) {
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

  test.each<[TrainFlags, string | undefined]>([
    [{}, 'pixels'],
    [{ size: 16 }, 'smooth'],
    [{ enlarge: 'smooth' }, 'smooth'],
    [{ epochs: 3, recipe: 'pictures' }, 'pixels'],
    [{ epochs: 3, recipe: 'pictures', size: 36 }, undefined],
    [{ recipe: 'digits' }, undefined],
  ])('by %j keeps how its finished images are shown: %s', async (given, enlarge) => {
    expect((await orderOf(given)).begin(true).run.settings.enlarge).toBe(enlarge);
    if (enlarge) return;
    await expect(orderOf({ ...given, enlarge: 'smooth' })).rejects.toThrow('--enlarge is smooth, but only');
    await expect(orderOf({ ...given, enlarge: 'pixels' })).resolves.toBeDefined();
  });

  test('takes sides above 32 only without a plan, and says so', async () => {
    const large = temporaryFolder();
    for (const i of [0, 1]) {
      const data = new Uint8Array(64 * 48 * 3).map((_, at) => at * (i + 1));
      writeFileSync(join(large, `${i}.png`), encodePng({ data, width: 64, height: 48, channels: 3 }));
    }
    const own = { data: [large], size: OWN_SIZE, recipe: 'pictures' } as const;
    for (const [given, sides] of [
      [{ size: 36, data: ['nowhere'] }, '36 x 36'],
      [own, '64 x 48'],
    ] as const)
      await expect(orderOf(given)).rejects.toThrow(
        `at most 32 pixels a side; these are ${sides}. Make pictures smaller (--size), or give --epochs N`,
      );
    const { config } = await orderOf({ ...own, epochs: 3 });
    expect(config).toMatchObject({ height: 48, width: 64 });
  });

  const shape = { height: 20, width: 20, channels: 3 };
  const polished = { method: 'adams', steps: 8, shift: 1.5, polish: { noises: 4, level: 0.1 } };
  test.each<[TrainFlags, begins: string | undefined, learningRate: number, more?: object]>([
    [{}, 'pictures', 0.002, { sampling: polished }],
    [{ lr: 1e-3 }, 'pictures', 1e-3],
    [{ begin: 'pretrained', recipe: 'pictures', epochs: 3 }, 'pictures', 0.002, { settings: { epochs: 3 } }],
    [{ begin: 'new' }, undefined, 0.003],
    [{ epochs: 3, recipe: 'pictures' }, undefined, 0.003],
    [{ widths: [8, 8, 8] }, undefined, 0.003],
  ])(
    'by %j begins with the pretrained network at its rate, or with new weights',
    async (given, begins, learningRate, more = {}) => {
      const { begin, config, ...made } = await orderOf(given);
      expect(made.begins).toBe(begins);
      expect(config).toMatchObject(shape);
      const { run } = begin(true);
      expect(run.settings.learningRate).toBe(learningRate);
      const network = begins ? { config, parameters: expect.any(Map) } : config;
      expect(run).toMatchObject({ beginning: { network }, ...more });
    },
  );
});
