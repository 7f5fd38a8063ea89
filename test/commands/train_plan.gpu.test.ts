/**
 * The command line plans: files of one's own, in minutes.
 *
 * @module-tag nightly
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { encodePng } from '../../harness/cli/png';
import { openPlan, type Plan, planLimit, trainerFor } from '../../harness/run/plan';
import { rehearse } from '../../harness/run/rehearsal';
import { createEngine } from '../../src/engine';
import { type Recipe, recipes } from '../../src/recipes';
import { Trainer } from '../../src/training/trainer';
import { checkConfig } from '../../src/unet/config';
import { loadCheckpoint } from '../../src/weights/checkpoint';
import { TrainingRun } from '../../src/worker/run';
import { lossesIn, narrow, ownFolder, reportIn, runHere, succeed } from '../lib/command';
import { testGpu } from '../lib/gpu';
import { limit } from '../lib/lanes/limits';
import { conditionedNetwork, images, network } from '../lib/small_trainer';

vi.setConfig(limit('runsProcesses'));

vi.mock('../../harness/run/plan', async (actual) => {
  const plan = await actual<typeof import('../../harness/run/plan')>();
  return { ...plan, planLimit: vi.fn(plan.planLimit) };
});

const { source } = await testGpu();
const root = ownFolder();
afterEach(() => {
  vi.restoreAllMocks();
  vi.mocked(planLimit).mockReset();
});

/** A folder of pictures, in grey or in colours. */
function pictures({ side = 16, width = 16, colours = false } = {}): string {
  const data = join(root, colours ? 'colours' : 'grey');
  mkdirSync(data, { recursive: true });
  for (let i = 0; i < 60; i++) {
    const pixels = new Uint8Array(width * side * 3).fill(255);
    for (let pixel = 0; pixel < width * side; pixel++)
      if (Math.floor(pixel / width) % 8 < 4 + (i % 4)) pixels.set([0, colours ? 90 : 0, 0], 3 * pixel);
    const file = encodePng({ data: pixels, width, height: side, channels: 3 });
    writeFileSync(join(data, `${i}.png`), file);
  }
  return data;
}

test('a run on the user’s files is planned: warm-up, decay and end follow the speed, and flags repeat them', async () => {
  const data = pictures();
  const out = join(root, 'planned');
  const own = ['--data', data, ...narrow, '--quality', '0'];
  const made = await succeed('train', '--out', out, ...own, '--minutes', '0.5');
  expect(made).toContain('Recipe      digits, for grey images');
  expect(made).toContain('Plan        steps of 16 images, as many as fit into 0.5 min');
  const report = () => reportIn(out);
  const { settings, steps, minutes } = report();
  expect(minutes).toBe(0.5);
  expect(steps).toBe(settings.maxSteps);
  expect(settings).toMatchObject({
    batchSize: 16,
    adam: { beta2: 0.99 },
    clipNorm: 1,
    average: { most: 0.9999 },
    schedule: { decay: 'linear', warmup: Math.round(steps / 10), steps, floor: 0.01 },
  });
  expect(settings.scheduleChanges).toBeUndefined();
  const again = made.match(/The same length and schedule again: .* train (.*)/)![1];

  // Further steps, at a third of the rate.
  const perEpoch = report().stepsPerEpoch;
  const epochs = String(settings.epochs + 2);
  const resume = ['--resume', join(out, 'checkpoint.safetensors'), '--data', data];
  await succeed('train', ...resume, '--epochs', epochs);
  const more = (settings.epochs + 2) * perEpoch - steps;
  const warmup = steps + Math.round(more / 10);
  expect(report().settings).toMatchObject({
    learningRate: 1e-3,
    maxSteps: steps + more,
    scheduleChanges: [steps],
    schedule: { decay: 'linear', warmup, steps: steps + more, floor: 0.01 },
  });
  expect(report()).toMatchObject({ steps: steps + more, resumedAtStep: steps });

  await succeed('train', ...again.replace('-- ', '').split(' '));
  const repeated = reportIn(`${out}-again`);
  expect(repeated.settings.schedule).toEqual(settings.schedule);
  expect(repeated.steps).toBe(steps);
});

test('a planned run stops in half as long again as its minutes, and resumes to its planned end', async () => {
  const out = join(root, 'my run');
  const data = ['--data', pictures({ colours: true, side: 24, width: 32 })];
  const colours = [...data, ...narrow, '--quality', '0', '--size', '16', '--fit', 'fit'];
  vi.mocked(planLimit).mockReturnValue(0);
  const made = await succeed('train', '--out', out, ...colours);
  expect(made).toContain('Recipe      pictures, for coloured images');
  const line = made.match(/To its end: .* train.* (--resume .*)/)![1];
  const at = made.match(/half as long again, is up after step ([\d,]+) of/)![1];
  const report = () => reportIn(out);
  expect(report().steps).toBe(Number(at.replace(',', '')));
  const { maxSteps, schedule } = report().settings;
  expect(maxSteps).toBeGreaterThanOrEqual(300);
  // The line has all that makes the same images again, but their size, which the checkpoint knows.
  expect(line).not.toContain('--size');
  const words = line.match(/'[^']*'|\S+/g)!.map((word) => word.replaceAll("'", ''));
  const resumed = await succeed('train', ...words);
  expect(resumed).not.toContain('as many as fit');
  expect(report()).toMatchObject({
    steps: maxSteps,
    settings: { maxSteps, schedule, learningRate: 3e-3 },
    data: { height: 16, width: 16, channels: 3 },
  });
});

test('a planned run keeps the losses of steps that end long after its time is up', async () => {
  const { train } = TrainingRun.prototype;
  let unknown = 0;
  // A second after its abort, `fit` has no word of the steps that are still under way.
  vi.spyOn(TrainingRun.prototype, 'train').mockImplementation(async function* (this: TrainingRun, options) {
    for await (const event of train.call(this, options)) {
      if (options.signal?.aborted) unknown++;
      else yield event;
    }
  });
  vi.mocked(planLimit).mockReturnValue(0);
  const out = join(root, 'late');
  const own = ['--data', pictures(), ...narrow, '--quality', '0'];
  await succeed('train', '--out', out, ...own);
  expect(unknown).toBeGreaterThan(0);
  const { losses, state } = loadCheckpoint(readFileSync(join(out, 'checkpoint.safetensors')));
  const [_, ...rows] = lossesIn(out);
  expect(rows).toHaveLength(state.step);
  expect(rows.map((row) => Math.fround(Number(row.split(',')[2])))).toEqual([...losses]);
});

test('a planned run that is stopped before it has an end resumes to one, in its minutes', async () => {
  // Ctrl-C in its rehearsal.
  vi.spyOn(Trainer.prototype, 'prepare').mockImplementationOnce(async () => {
    process.emit('SIGINT', 'SIGINT');
  });
  const own = ['--data', pictures(), ...narrow, '--quality', '0'];
  const out = join(root, 'stopped');
  const stopped = await runHere('train', '--out', out, ...own, '--minutes', '0.2');
  expect(stopped.output).toContain('Stopped after step 0.');
  const line = stopped.output.match(/Go on with: .* train.* (--resume .*)/)![1];
  expect(line).toMatch(/ --minutes 0\.2$/);

  vi.mocked(planLimit).mockReturnValue(0);
  const resumed = await succeed('train', ...line.split(' '));
  expect(resumed).toContain('as many as fit into 0.2 min');
  const { settings, minutes } = reportIn(out);
  const { maxSteps } = settings;
  expect(minutes).toBe(0.2);
  expect(settings).toMatchObject({ maxSteps, schedule: { decay: 'linear', steps: maxSteps } });
});

test.each(['digits', 'tutorial'] as const)(
  'a planned run of %s has the bits of one that is begun with its plan, and rehearses again after an abort',
  async (recipe) => {
    const engine = await createEngine({ gpu: source, selfCheck: false, tune: false });
    const config = checkConfig(recipe === 'digits' ? conditionedNetwork : network);
    const order = { count: images.count, minutes: 0.01, software: true };
    const open = openPlan(order);
    const { trainer } = recipes[recipe] as Recipe;
    const begin = async ({ batch, steps, epochs }: Plan) => {
      const settings = { seed: 3, batchSize: batch, learningRate: 1e-3, epochs, maxSteps: steps };
      const run = TrainingRun.begin({
        network: config,
        trainer: trainerFor(trainer, steps),
        images,
        settings,
      });
      await run.build(engine);
      return run;
    };
    const end = async (run: TrainingRun) => {
      for await (const { loss } of run.train({ steps: 3 })) run.add(loss);
      await run.takeCheckpoint();
      run.free();
      return loadCheckpoint(run.checkpoint!);
    };
    const run = await begin(open);
    const aborted = new AbortController();
    const stopped = rehearse(run, { order, share: 1, signal: aborted.signal });
    aborted.abort(new Error('enough'));
    await expect(stopped).rejects.toThrow('enough');
    const plan = await rehearse(run, { order, share: 1, signal: new AbortController().signal });
    expect(plan.steps).toBeGreaterThanOrEqual(300);
    expect(await end(run)).toEqual(await end(await begin(plan)));
    engine.destroy();
  },
);
