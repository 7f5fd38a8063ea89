/** The command line plans: letters and files of one's own, in minutes. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { encodePng } from '../../harness/cli/png';
import { limitOf } from '../../harness/run/plan';
import { loadCheckpoint } from '../../src/index';
import { TrainingRun } from '../../src/worker/run';
import { takesLong } from '../lanes/limits';
import { runHere } from './command';

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

const cache = mkdtempSync(join(tmpdir(), 'cache-'));
vi.stubEnv('WEBGPU_DIFFUSION_CACHE', cache);
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(cache, { recursive: true });
});

/** Kernels of 3x3 compile in a third of the time. */
const narrow = '--widths 4 --kernel-size 3'.split(' ');

/** A folder of pictures, in grey or in colours. */
function picturesIn(
  folder: string,
  of: {
    readonly count?: number;
    readonly side?: number;
    readonly width?: number;
    readonly colours?: boolean;
  } = {},
): string {
  const { count = 60, side = 16, width = side, colours = false } = of;
  const data = join(folder, 'mine');
  mkdirSync(data);
  for (let i = 0; i < count; i++) {
    const pixels = new Uint8Array(width * side * 3).fill(255);
    for (let pixel = 0; pixel < width * side; pixel++)
      if (Math.floor(pixel / width) % 8 < 4 + (i % 4)) pixels.set([0, colours ? 90 : 0, 0], 3 * pixel);
    const file = encodePng({ data: pixels, width, height: side, channels: 3 });
    writeFileSync(join(data, `${i}.png`), file);
  }
  return data;
}

test(
  'a run on the user’s files is planned: warm-up, decay and end follow the speed, and flags repeat them',
  takesLong('runsProcesses'),
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'plan-'));
    try {
      const data = picturesIn(folder);
      const out = join(folder, 'run');
      const own = ['--data', data, ...narrow, '--quality', '0'];
      const made = await runHere('train', '--out', out, ...own, '--minutes', '0.5');
      expect(made.code, made.output).toBe(0);
      expect(made.output).toContain('Recipe      digits, for grey images');
      expect(made.output).toContain('the first seconds show how many steps fit into 0.5 min');
      const report = () => JSON.parse(readFileSync(join(out, 'run.json'), 'utf8'));
      const { settings, steps, minutes } = report();
      const { scheduleChanges } = settings;
      expect(minutes).toBe(0.5);
      expect(steps).toBe(settings.maxSteps);
      expect(settings).toMatchObject({
        ...{ batchSize: 16, adam: { beta2: 0.99 }, clipNorm: 1, averageWeights: true, averageMost: 0.9999 },
        schedule: { decay: 'linear', warmup: Math.round(steps / 10), steps, floor: 0.01 },
      });
      expect(scheduleChanges.length).toBeGreaterThanOrEqual(1);
      expect(scheduleChanges.every((step: number) => 2 * step <= steps)).toBe(true);
      expect(made.output).toContain(`Planned     after step ${scheduleChanges[0]}: `);
      const [, flags] = made.output.match(/The same length and schedule again: (.*)/)!;

      // Further steps, at a third of the rate.
      const perEpoch = report().stepsPerEpoch;
      const epochs = String(settings.epochs + 2);
      const resume = ['--resume', join(out, 'checkpoint.safetensors'), '--data', data];
      const further = await runHere('train', ...resume, '--epochs', epochs);
      expect(further.code, further.output).toBe(0);
      const more = (settings.epochs + 2) * perEpoch - steps;
      const warmup = steps + Math.round(more / 10);
      expect(report().settings).toMatchObject({
        ...{ learningRate: 1e-3, maxSteps: steps + more, scheduleChanges: [...scheduleChanges, steps] },
        schedule: { decay: 'linear', warmup, steps: steps + more, floor: 0.01 },
      });
      expect(report()).toMatchObject({ steps: steps + more, resumedAtStep: steps });

      const again = await runHere('train', '--out', out, '--overwrite', ...own, ...flags.split(' '));
      expect(again.code, again.output).toBe(0);
      expect(report().settings.schedule).toEqual(settings.schedule);
      expect(report().steps).toBe(steps);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);

test(
  'a planned run stops in half as long again as its minutes, and resumes to its planned end',
  takesLong('runsProcesses'),
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'plan-'));
    try {
      const out = join(folder, 'my run');
      const data = ['--data', picturesIn(folder, { colours: true, side: 24, width: 32 })];
      const colours = [...data, ...narrow, '--quality', '0', '--size', '16', '--fit', 'fit'];
      // As soon as there is a plan.
      vi.mocked(limitOf).mockImplementation(({ seconds }) => (Number.isNaN(seconds) ? 1e9 : 1));
      const made = await runHere('train', '--out', out, ...colours);
      expect(made.code, made.output).toBe(0);
      expect(made.output).toContain('Recipe      pictures, for coloured images');
      const [, line] = made.output.match(/To its end: .* train.* (--resume .*)/)!;
      const [, at] = made.output.match(/half as long again, is up after step ([\d,]+) of/)!;
      const report = () => JSON.parse(readFileSync(join(out, 'run.json'), 'utf8'));
      expect(report().steps).toBe(Number(at.replace(',', '')));
      expect(readdirSync(out)).toContain('model.safetensors');
      const { maxSteps, schedule } = report().settings;
      expect(maxSteps).toBeGreaterThanOrEqual(300);
      // The line has all that makes the same images again, but their size, which the checkpoint knows.
      expect(line).not.toContain('--size');
      const words = line.match(/'[^']*'|\S+/g)!.map((word) => word.replaceAll("'", ''));
      const resumed = await runHere('train', ...words);
      expect(resumed.code, resumed.output).toBe(0);
      expect(resumed.output).not.toContain('Planned');
      expect(report()).toMatchObject({
        ...{ steps: maxSteps, settings: { maxSteps, schedule, learningRate: 3e-3 } },
        data: { height: 16, width: 16, channels: 3 },
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);

test(
  'a planned run keeps the losses of steps that end long after its plan has changed',
  takesLong('runsProcesses'),
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'plan-'));
    const { train } = TrainingRun.prototype;
    let unknown = 0;
    // A second after its abort, `fit` has no word of the steps that are still under way.
    const spy = vi.spyOn(TrainingRun.prototype, 'train').mockImplementation(async function* (
      this: TrainingRun,
      options,
    ) {
      for await (const event of train.call(this, options)) {
        if (options.signal?.aborted) unknown++;
        else yield event;
      }
    });
    // The plan changes once; soon after that its time is up.
    vi.mocked(limitOf).mockImplementation(({ seconds }) => (Number.isNaN(seconds) ? 1e9 : 1));
    try {
      const out = join(folder, 'run');
      const own = ['--data', picturesIn(folder), ...narrow, '--quality', '0'];
      const made = await runHere('train', '--out', out, ...own);
      expect(made.code, made.output).toBe(0);
      expect(made.output).toContain('Planned     after step');
      expect(unknown).toBeGreaterThan(0);
      const { losses, state } = loadCheckpoint(readFileSync(join(out, 'checkpoint.safetensors')));
      const [, ...rows] = readFileSync(join(out, 'losses.csv'), 'utf8').trim().split('\n');
      expect(rows).toHaveLength(state.step);
      expect(rows.map((row) => Math.fround(Number(row.split(',')[2])))).toEqual([...losses]);
    } finally {
      spy.mockRestore();
      rmSync(folder, { recursive: true });
    }
  },
);

test(
  'a planned run that is stopped before it has an end resumes to one, in its minutes',
  takesLong('runsProcesses'),
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'plan-'));
    const { rate } = clock;
    clock.rate = 0;
    // Ctrl-C after the first step.
    vi.mocked(limitOf).mockImplementationOnce(() => {
      process.emit('SIGINT', 'SIGINT');
      return 1e9;
    });
    try {
      const own = ['--data', picturesIn(folder), ...narrow, '--quality', '0'];
      const out = join(folder, 'run');
      const stopped = await runHere('train', '--out', out, ...own, '--minutes', '0.2');
      expect(stopped.output).toContain('Stopped after step ');
      const [, line] = stopped.output.match(/Go on with: .* train.* (--resume .*)/)!;
      expect(line).toMatch(/ --minutes 0\.2$/);

      clock.rate = rate;
      vi.mocked(limitOf).mockImplementation(({ seconds }) => (Number.isNaN(seconds) ? 1e9 : 0));
      const resumed = await runHere('train', ...line.split(' '));
      expect(resumed.code, resumed.output).toBe(0);
      expect(resumed.output).toContain('the first seconds show how many steps fit into 0.2 min');
      expect(resumed.output).toContain('Planned     after step ');
      const { settings, minutes } = JSON.parse(readFileSync(join(out, 'run.json'), 'utf8'));
      const { maxSteps } = settings;
      expect(minutes).toBe(0.2);
      expect(settings).toMatchObject({ maxSteps, schedule: { decay: 'linear', steps: maxSteps } });
      // With its end it needs no minutes.
      const again = ['train', '--resume', join(out, 'checkpoint.safetensors'), '--minutes', '0.2'];
      expect(await runHere(...again)).toMatchObject({
        code: 2,
        output: expect.stringContaining('--minutes cannot stand beside --resume'),
      });
    } finally {
      clock.rate = rate;
      rmSync(folder, { recursive: true });
    }
  },
);
