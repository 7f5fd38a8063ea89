/**
 * The command line plans: files of one's own, in minutes.
 *
 * @module-tag nightly
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { encodePng } from '../../harness/cli/png';
import { limitOf } from '../../harness/run/plan';
import { loadCheckpoint } from '../../src/weights/checkpoint';
import { TrainingRun } from '../../src/worker/run';
import { lossesIn, narrow, ownFolder, reportIn, runHere, succeed } from '../lib/command';
import { limit } from '../lib/lanes/limits';

vi.setConfig(limit('runsProcesses'));

/** The seconds that pass to the plan in one; at 0 it measures nothing. */
const clock = vi.hoisted(() => ({ rate: 10 }));

vi.mock('../../harness/run/plan', async (actual) => {
  const plan = await actual<typeof import('../../harness/run/plan')>();
  /** To it ten seconds pass in one, as a rule: it plans a tenth of the steps that fit. */
  class Spans extends plan.Spans {
    override after(...[step, now, of]: Parameters<typeof plan.Spans.prototype.after>) {
      return super.after(step, clock.rate * now, of);
    }
  }
  return { ...plan, Spans, limitOf: vi.fn(plan.limitOf) };
});

const root = ownFolder();
afterEach(() => {
  clock.rate = 10;
  vi.restoreAllMocks();
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
  expect(made).toContain('the first seconds show how many steps fit into 0.5 min');
  const report = () => reportIn(out);
  const { settings, steps, minutes } = report();
  const { scheduleChanges } = settings;
  expect(minutes).toBe(0.5);
  expect(steps).toBe(settings.maxSteps);
  expect(settings).toMatchObject({
    ...{ batchSize: 16, adam: { beta2: 0.99 }, clipNorm: 1, average: { most: 0.9999 } },
    schedule: { decay: 'linear', warmup: Math.round(steps / 10), steps, floor: 0.01 },
  });
  expect(scheduleChanges.length).toBeGreaterThanOrEqual(1);
  expect(scheduleChanges.every((step: number) => 2 * step <= steps)).toBe(true);
  expect(made).toContain(`Planned     after step ${scheduleChanges[0]}: `);
  const [, flags] = made.match(/The same length and schedule again: (.*)/)!;

  // Further steps, at a third of the rate.
  const perEpoch = report().stepsPerEpoch;
  const epochs = String(settings.epochs + 2);
  const resume = ['--resume', join(out, 'checkpoint.safetensors'), '--data', data];
  await succeed('train', ...resume, '--epochs', epochs);
  const more = (settings.epochs + 2) * perEpoch - steps;
  const warmup = steps + Math.round(more / 10);
  expect(report().settings).toMatchObject({
    ...{ learningRate: 1e-3, maxSteps: steps + more, scheduleChanges: [...scheduleChanges, steps] },
    schedule: { decay: 'linear', warmup, steps: steps + more, floor: 0.01 },
  });
  expect(report()).toMatchObject({ steps: steps + more, resumedAtStep: steps });

  await succeed('train', '--out', out, '--overwrite', ...own, ...flags.split(' '));
  expect(report().settings.schedule).toEqual(settings.schedule);
  expect(report().steps).toBe(steps);
});

test('a planned run stops in half as long again as its minutes, and resumes to its planned end', async () => {
  const out = join(root, 'my run');
  const data = ['--data', pictures({ colours: true, side: 24, width: 32 })];
  const colours = [...data, ...narrow, '--quality', '0', '--size', '16', '--fit', 'fit'];
  // As soon as there is a plan.
  vi.mocked(limitOf).mockImplementation(({ seconds }) => (Number.isNaN(seconds) ? 1e9 : 1));
  const made = await succeed('train', '--out', out, ...colours);
  expect(made).toContain('Recipe      pictures, for coloured images');
  const [, line] = made.match(/To its end: .* train.* (--resume .*)/)!;
  const [, at] = made.match(/half as long again, is up after step ([\d,]+) of/)!;
  const report = () => reportIn(out);
  expect(report().steps).toBe(Number(at.replace(',', '')));
  const { maxSteps, schedule } = report().settings;
  expect(maxSteps).toBeGreaterThanOrEqual(300);
  // The line has all that makes the same images again, but their size, which the checkpoint knows.
  expect(line).not.toContain('--size');
  const words = line.match(/'[^']*'|\S+/g)!.map((word) => word.replaceAll("'", ''));
  const resumed = await succeed('train', ...words);
  expect(resumed).not.toContain('Planned');
  expect(report()).toMatchObject({
    ...{ steps: maxSteps, settings: { maxSteps, schedule, learningRate: 3e-3 } },
    data: { height: 16, width: 16, channels: 3 },
  });
});

test('a planned run keeps the losses of steps that end long after its plan has changed', async () => {
  const { train } = TrainingRun.prototype;
  let unknown = 0;
  // A second after its abort, `fit` has no word of the steps that are still under way.
  vi.spyOn(TrainingRun.prototype, 'train').mockImplementation(async function* (this: TrainingRun, options) {
    for await (const event of train.call(this, options)) {
      if (options.signal?.aborted) unknown++;
      else yield event;
    }
  });
  // The plan changes once; soon after that its time is up.
  vi.mocked(limitOf).mockImplementation(({ seconds }) => (Number.isNaN(seconds) ? 1e9 : 1));
  const out = join(root, 'late');
  const own = ['--data', pictures(), ...narrow, '--quality', '0'];
  const made = await succeed('train', '--out', out, ...own);
  expect(made).toContain('Planned     after step');
  expect(unknown).toBeGreaterThan(0);
  const { losses, state } = loadCheckpoint(readFileSync(join(out, 'checkpoint.safetensors')));
  const [, ...rows] = lossesIn(out);
  expect(rows).toHaveLength(state.step);
  expect(rows.map((row) => Math.fround(Number(row.split(',')[2])))).toEqual([...losses]);
});

test('a planned run that is stopped before it has an end resumes to one, in its minutes', async () => {
  clock.rate = 0;
  // Ctrl-C after the first step.
  vi.mocked(limitOf).mockImplementationOnce(() => {
    process.emit('SIGINT', 'SIGINT');
    return 1e9;
  });
  const own = ['--data', pictures(), ...narrow, '--quality', '0'];
  const out = join(root, 'stopped');
  const stopped = await runHere('train', '--out', out, ...own, '--minutes', '0.2');
  expect(stopped.output).toContain('Stopped after step ');
  const [, line] = stopped.output.match(/Go on with: .* train.* (--resume .*)/)!;
  expect(line).toMatch(/ --minutes 0\.2$/);

  clock.rate = 10;
  vi.mocked(limitOf).mockImplementation(({ seconds }) => (Number.isNaN(seconds) ? 1e9 : 0));
  const resumed = await succeed('train', ...line.split(' '));
  expect(resumed).toContain('the first seconds show how many steps fit into 0.2 min');
  expect(resumed).toContain('Planned     after step ');
  const { settings, minutes } = reportIn(out);
  const { maxSteps } = settings;
  expect(minutes).toBe(0.2);
  expect(settings).toMatchObject({ maxSteps, schedule: { decay: 'linear', steps: maxSteps } });
});
