/** What Check and Bench say in words, what they keep from going on beside them, and the rows of Bench. No GPU. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { addEvent, type BenchEvent, type BenchResult, type Row } from '../../../harness/bench/result';
import { type GpuFacts, gpuReport } from '../../../harness/page/measure/gpu_facts';
import { GpuPanel } from '../../../harness/page/measure/gpu_panel';
import {
  budgetLeft,
  type MeasureEvent,
  MeasureRun,
  type MeasureTask,
  timeLeft,
} from '../../../harness/page/measure/measure';
import { initialSettings, type Settings, type Task } from '../../../harness/page/messages/settings';
import type { App } from '../../../harness/page/shell/app';
import { initialState, type State } from '../../../harness/page/shell/state';
import type { EngineReport } from '../../../src';
import { madeElements, StandIn, standIns } from '../../lib/page/stand_ins';
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
  run.start(byItself);
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

const begun: BenchResult = {
  schema: 2,
  adapter: facts.adapter,
  runtime: 'a test',
  date: '2026-01-02T03:04:05.000Z',
  batches: [16],
  sizes: [28],
  budgetSeconds: 60,
  timer: { kind: 'timestamp-query' },
  peak: { gflops: 31.3, gbps: 12, copies: [{ bytes: 2 ** 20, gbps: 12 }] },
  end: 'stopped',
  rows: [],
  left: 1,
};
const ms = { median: 250, p10: 250, p90: 250, n: 3 };
const step: Row = {
  part: 'whole',
  kernel: 'step',
  variant: '',
  layer: '',
  batch: 16,
  size: 28,
  ms,
  check: { pass: true, share: 0.1 },
  shareOfPeak: 0.22,
};

test('the GPU report holds the adapter, its limits and features, and what was measured', () => {
  const bench = addEvent(begun, { kind: 'row', row: step });
  const report = { warnings: ['one'] } as unknown as EngineReport;
  const text = gpuReport(facts, bench, '2026-01-02', { 'The engine that trains': report, other: undefined });
  for (const line of [
    'Adapter: Intel Xe',
    'maxComputeInvocationsPerWorkgroup: 64 (TOO LOW: 128 needed)',
    'subgroups: no',
    "Clock: The GPU's timestamps",
    'Peaks: 31.3 GFLOP/s; copying, GB/s: 12.0 for 1 MiB',
    'The engine that trains: {\n "warnings": [\n  "one"',
  ])
    expect(text).toContain(line);
  expect(text).toMatch(/training step +250 .* 22%/);
  expect(text).not.toContain('other');
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
      expect({ measuring: app.measuring, callsCount: pause.mock.calls.length }).toEqual({
        measuring: undefined,
        callsCount: 0,
      });
      if (measures) expect(worker!.task).toMatchObject({ name: 'bench', kernel: 'step', batches: [16] });
      expect(element('bench-run').textContent).toBe('Bench');
    },
  );

  test('what it measures by itself gives way to a run and to another view; a press on Bench pauses the run', async () => {
    const { app, panel, pause } = await opened();
    const { run } = panel.bench;
    const tell = (state: Partial<State>) => {
      app.state = { ...app.state, ...state };
      panel.receive({ type: 'patch', patch: { phase: app.state.phase, training: app.state.training } });
      panel.render();
    };
    tell({ phase: 'compiling', training: true });
    expect(run.active).toBe(false);
    // It does not begin again by itself.
    tell({ phase: 'paused', training: false });
    expect(run.active).toBe(false);
    tell({ phase: 'training', training: true });
    element('bench-run').click();
    expect({ measuring: app.measuring, callsCount: pause.mock.calls.length }).toEqual({
      measuring: 'bench',
      callsCount: 1,
    });
    element('bench-run').click();
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
    const { app, panel } = await opened(
      { adapter: software },
      { benchSize: [28, 64], budget: 15, task: 'bench' },
    );
    expect(worker!.task!.kernel).toBe('step');
    element('bench-run').click();
    expect(app.measuring).toBe('bench');
    expect(worker!.task).toMatchObject({ name: 'bench', batches: [16], sizes: [28, 64], budgetSeconds: 15 });
    expect(worker!.task!.kernel).toBe(undefined);
    panel.render();
    expect(element('bench-run').textContent).toBe('Stop');
  });

  test('rows stay as a run grows, and are drawn anew for another; at the end it says what it found', async () => {
    madeElements();
    const { panel } = await opened();
    const emptied = vi.fn();
    element('bench-table').replaceChildren = emptied;
    const tables = vi.spyOn(element('bench-table'), 'append');
    const lines = vi.spyOn(StandIn.prototype, 'insertRow');
    const say = (...events: BenchEvent[]) => {
      for (const event of events) worker!.say({ kind: 'event', event });
      panel.render();
    };
    say({ kind: 'begin', result: begun }, { kind: 'row', row: step });
    const check = { pass: false, share: 7, failure: 'It is wrong' };
    say({ kind: 'row', row: { ...step, part: 'op', kernel: 'mse', layer: 'loss', check } });
    expect(emptied).not.toHaveBeenCalled();
    worker!.say({ kind: 'end', report: {} as EngineReport });
    panel.render();
    expect(element('gpu-status').textContent).toBe('Done: 2 rows; 1 failed its check and was not timed');
    element('bench-run').click();
    say({ kind: 'begin', result: begun }, { kind: 'row', row: step });
    // Each table has its titles.
    expect([emptied, tables, lines].map(({ mock }) => mock.calls.length)).toEqual([1, 2, 5]);
  });
});
