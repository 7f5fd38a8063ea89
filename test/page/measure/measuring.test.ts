/** What Check, Bench and the measurement of a step say in words, what they keep from going on beside them, and the rows of Bench. No GPU. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { rowsToJson } from '../../../harness/bench/read';
import { addEvent, type BenchResult, SCHEMA } from '../../../harness/bench/result';
import { BenchView } from '../../../harness/page/measure/bench_view';
import { type GpuFacts, gpuReport, type Measured } from '../../../harness/page/measure/gpu_facts';
import { GpuPanel } from '../../../harness/page/measure/gpu_panel';
import {
  budgetLeft,
  type MeasureEvent,
  MeasureRun,
  type MeasureTask,
  timeLeft,
} from '../../../harness/page/measure/measure';
import {
  initialSettings,
  type Settings,
  type Task,
  withRecipe,
} from '../../../harness/page/messages/settings';
import type { App } from '../../../harness/page/shell/app';
import { initialState, type State } from '../../../harness/page/shell/state';
import type { EngineReport } from '../../../src';
import { madeElements, type StandIn, standIns } from '../../lib/page/stand_ins';
import { until } from '../../lib/until';

/** The worker that measures. */
let worker: { task?: MeasureTask; say(data: MeasureEvent): void } | undefined;
let element: (id: string) => StandIn;

beforeEach(() => {
  worker = undefined;
  element = standIns('?task=bench');
  class FakeWorker {
    task: MeasureTask | undefined;
    say: (data: MeasureEvent) => void = () => {};
    constructor() {
      worker = this;
    }
    addEventListener(type: string, listener: (event: { data: MeasureEvent }) => void) {
      if (type === 'message') this.say = (data) => listener({ data });
    }
    postMessage(task: MeasureTask) {
      this.task = task;
    }
    terminate() {}
  }
  vi.stubGlobal('Worker', FakeWorker);
  Object.assign(document, { adoptedStyleSheets: [] });
  vi.stubGlobal(
    'CSSStyleSheet',
    class {
      replaceSync() {}
    },
  );
});
afterEach(() => vi.unstubAllGlobals());

/** The page, which rests, and its training worker. */
function page(state: Partial<State> = {}) {
  const pause = vi.fn();
  const app = {
    settings: initialSettings,
    state: { ...initialState, phase: 'idle', ...state },
    changed() {},
    ask: async () => undefined,
    send: (name: string) => name === 'halt' && pause(),
  };
  return { app: app as unknown as App, pause };
}

test.each([
  [timeLeft(1, 0.5), ''],
  [timeLeft(60, 0.25), 'about 3 min 0 s left'],
  [budgetLeft(18, 60), 'at most about 42 s left'],
  [budgetLeft(61, 60), 'time is up; finishing the last measurement'],
])('the time left of a check or a bench is shown once it can be estimated: %j', (text, words) => {
  expect(text).toBe(words);
});

test.each([
  ['a run that trains', { phase: 'training', training: true }, 1],
  ['no run, if it starts by itself', { phase: 'training', training: true }, 0, true],
  ['a run that goes on by itself as soon as there is another device', { phase: 'lost' }, 1],
  ['no run that rests', { phase: 'paused' }, 0],
] as const)('a measurement pauses %s', (_, state, times, byItself?: boolean) => {
  const { app, pause } = page(state);
  const run = new MeasureRun(app, 'bench', () => {});
  run.start({ byItself });
  expect(pause).toHaveBeenCalledTimes(times);
  expect(worker !== undefined).toBe(state.phase !== 'training');
  run.stop();
});

const facts: GpuFacts = {
  adapter: { vendor: 'intel', architecture: 'xe', device: '', description: '', software: false },
  limits: [
    { name: 'maxBufferSize', has: 268435456 },
    { name: 'maxComputeInvocationsPerWorkgroup', has: 64, needed: 128 },
  ],
  features: ['timestamp-query', 'float32-filterable'],
  runtime: 'a browser',
};

test('the GPU report holds the adapter, its limits and features, and the results of the trials', () => {
  const report = { warnings: ['one'] } as unknown as EngineReport;
  const checked = { network: { recipe: 'digits' }, count: 25, wrong: [], report } as const;
  const row = { part: 'op', kernel: 'mse', variant: 'plain', layer: 'loss', batch: 16, size: 28 } as const;
  const times = (median: number) => ({ median, p10: median, p90: median, n: 3 });
  const found: Measured = {
    timer: { kind: 'timestamp-query', resolutionMs: 0.065536 },
    checked,
    step: { ...row, part: 'whole', kernel: 'step', ms: times(250) },
    peak: { gflops: 31.3, gbps: 12, copies: [] },
    kernels: [{ ...row, ms: times(0.5), shareOfPeak: 0.22 }],
  };
  const after = gpuReport(facts, found, '2026-01-02', report);
  for (const line of [
    'Adapter: Intel Xe',
    'maxBufferSize: 268,435,456',
    'maxComputeInvocationsPerWorkgroup: 64 (TOO LOW: 128 needed)',
    'subgroups: no',
    'timestamp-query: yes',
    "Clock: The GPU's timestamps (0.0655 ms)",
    'Self-check: All 25 kernels of a training step of digits are right on small cases',
    'Training step of 16 images: 250 ms',
    'Peak: 31.3 GFLOP/s, 12.0 GB/s',
    'mse.plain: 0.500 ms a step, 22% of peak',
    'The engine that trains: {\n "warnings": [\n  "one"',
  ])
    expect(after).toContain(line);
});

describe('the view of the GPU', () => {
  const adapter = { info: {}, limits: {}, features: [] };

  /** The view, which is open, on a page in this state. */
  async function opened(state: Partial<State> = {}, settings: Partial<Settings> = {}) {
    const writeText = vi.fn();
    const gpu = { requestAdapter: async () => adapter };
    vi.stubGlobal('navigator', { gpu, clipboard: { writeText }, userAgent: 'a browser' });
    const { app, pause } = page(state);
    Object.assign(app, { settings: { ...app.settings, task: 'gpu', ...settings } });
    const panel = new GpuPanel(app);
    panel.render();
    await until(() => {
      panel.render();
      return !element('gpu-copy').disabled;
    });
    return { app, panel, pause, writeText };
  }
  const losses = { losses: initialState.losses } as State['distilling'];

  test.each([
    ['rests', {}, true],
    ['trains', { phase: 'training', training: true }, false],
    ['samples', { phase: 'sampling' }, false],
    ['distils', { distilling: losses }, false],
    ['has lost its device', { phase: 'lost' }, false],
  ] as const)(
    'where the page %s, it measures by itself, or not, and pauses nothing',
    async (_, state, measures) => {
      const { app, pause } = await opened(state);
      expect(worker !== undefined).toBe(measures);
      expect([app.measuring, pause.mock.calls.length]).toEqual([undefined, 0]);
      expect(element('gpu-measure').textContent).toBe(measures ? 'Stop' : 'Measure');
    },
  );

  test('what it measures by itself gives way to a run, to another view, and to Bench; a press on Measure pauses the run', async () => {
    const { app, panel, pause } = await opened();
    const isMeasuring = () => element('gpu-measure').textContent === 'Stop';
    const tell = (state: Partial<State>) => {
      app.state = { ...app.state, ...state };
      panel.receive({ type: 'patch', patch: { phase: app.state.phase, training: app.state.training } });
      panel.render();
    };
    tell({ phase: 'compiling', training: true });
    expect(isMeasuring()).toBe(false);
    // It does not begin again by itself.
    tell({ phase: 'paused', training: false });
    expect(isMeasuring()).toBe(false);
    tell({ phase: 'training', training: true });
    element('gpu-measure').click();
    expect([app.measuring, pause.mock.calls.length]).toEqual(['measurement', 1]);
    element('gpu-measure').click();
    expect(app.measuring).toBe(undefined);
    tell({ phase: 'paused', training: false });

    const go = (task: Task) => {
      Object.assign(app, { settings: { ...app.settings, task } });
      panel.render();
    };
    go('sample');
    worker = undefined;
    // What was stopped by hand is not begun by itself.
    go('gpu');
    expect(worker).toBe(undefined);
  });

  test('Bench takes the GPU from what is measured by itself, 16 images on a software adapter, and sizes and seconds of the address', async () => {
    const software = { ...facts.adapter, software: true };
    const { app } = await opened({ adapter: software }, { benchSize: [28, 64], budget: 15, task: 'bench' });
    expect(worker!.task!.name).toBe('measurement');
    element('bench-run').click();
    expect(app.measuring).toBe('bench');
    expect(worker!.task).toMatchObject({ name: 'bench', batches: [16], sizes: [28, 64], budget: 15 });
    expect(element('gpu-measure').textContent).toBe('Stop');
    expect(element('bench-batch').placeholder).toBe('16');
  });

  test('the report names the network that was measured, though another is chosen meanwhile', async () => {
    const { app, panel, writeText } = await opened();
    const { network } = worker!.task!;
    Object.assign(app, { settings: withRecipe(app.settings, 'tutorial') });
    const report = { warnings: [] } as unknown as EngineReport;
    const event = { kind: 'checked', network, count: 25, wrong: [], report } as const;
    worker!.say({ kind: 'event', event });
    worker!.say({ kind: 'end' });
    panel.render();
    element('gpu-copy').click();
    await until(() => writeText.mock.calls.length > 0);
    const sentence = 'All 25 kernels of a training step of digits are right on small cases';
    expect(writeText.mock.lastCall![0]).toContain(`Self-check: ${sentence}`);
    expect(element('gpu-status').textContent).toBe(sentence);
  });
});

describe('Bench', () => {
  beforeEach(() => void madeElements());

  const adapter = { vendor: 'mesa', architecture: '', device: '', description: 'llvmpipe', software: true };
  const peak = { gflops: 100, gbps: 10, copies: [{ bytes: 2 ** 20, gbps: 40 }] };
  const timer = { kind: 'wall clock', resolutionMs: 0.1 } as const;
  /** A run that has begun. */
  const begun = addEvent(undefined, {
    kind: 'head',
    head: {
      ...{ schema: SCHEMA, adapter, runtime: 'a test', date: '2026-01-02T03:04:05.000Z' },
      ...{ batches: [4], sizes: [28], budgetSeconds: 60, timer, peak },
    },
  })!;
  /** The same with one more kernel. */
  function grown(result: BenchResult): BenchResult {
    const check = { pass: false, share: 7, failure: 'It is wrong' };
    const of = { part: 'kernel', kernel: 'mse', variant: 'plain', batch: 4, size: 28 } as const;
    return addEvent(result, { kind: 'row', row: { ...of, layer: `down.${result.rows.length}`, check } })!;
  }

  test('rows stay as a run grows, and are drawn anew for its file of before', () => {
    const drawn = vi.fn();
    const view = new BenchView(() => {});
    const earlier = grown(begun);
    view.draw(earlier, false);
    element('bench-rows').replaceChildren = drawn;
    view.draw(grown(earlier), false);
    expect(drawn).not.toHaveBeenCalled();
    view.draw(JSON.parse(rowsToJson(earlier)), true);
    expect(drawn).toHaveBeenCalled();
  });
});
