/** The plan of a run in minutes: 300 updates or more, in the time there is. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { App } from '../../harness/page/shell/app';
import { createStarter } from '../../harness/page/shell/home';
import { Losses } from '../../harness/page/shell/losses';
import { type Key, parseQuery, withSetting } from '../../harness/page/shell/settings';
import { initialState, type State } from '../../harness/page/shell/state';
import { createPlanner, planOf } from '../../harness/page/train/plan';
import type { WorkerEvent } from '../../harness/page/worker/messages';

const plan = (count: number, speed: number | undefined, minutes = 3, batch?: number) =>
  planOf({ count, dropLast: true }, speed, minutes, batch);

test('300 updates or more take at most the minutes, wherever batches of 16 allow it', () => {
  for (const speed of [0.5, 5, 50, 5000])
    for (const count of [5, 150, 10_000, 60_000])
      for (const minutes of [0.5, 3, 30]) {
        const { batch, epochs, minutes: end, steps, seconds, fits } = plan(count, speed, minutes);
        const what = `${count} images at ${speed} a second in ${minutes} min`;
        expect(steps, what).toBeGreaterThanOrEqual(300);
        expect(seconds, what).toBeCloseTo((steps * batch) / speed);
        expect(batch, what).toBeLessThanOrEqual(Math.min(64, count));
        expect(fits, what).toBe(300 * Math.min(16, count) <= 60 * minutes * speed);
        if (fits) expect(seconds, what).toBeLessThanOrEqual(60 * minutes);
        // What the page then does takes that long: its epochs, or the minutes.
        const all = (epochs * Math.max(1, Math.floor(count / batch)) * batch) / speed;
        expect(end > 0 ? Math.min(all, 60 * end) : all, what).toBeLessThan(
          Math.max(60 * minutes, seconds + 60) + 1,
        );
      }
});

test('the batch is the largest that fits, and the recipe’s own run is never exceeded by far', () => {
  expect(plan(9000, 5000)).toEqual({
    batch: 64,
    epochs: 6,
    minutes: 0,
    steps: 840,
    seconds: 10.752,
    fits: true,
  });
  expect(plan(9000, undefined)).toMatchObject({ batch: 64, epochs: 6, minutes: 0, seconds: Number.NaN });
  expect([110, 106, 53, 26].map((speed) => plan(10_000, speed).batch)).toEqual([64, 32, 16, 16]);
  expect(plan(10_000, 26)).toMatchObject({ fits: false, steps: 300, minutes: 4 });
  // 150 pictures are two batches of 64: many epochs.
  expect(plan(150, 5000)).toMatchObject({ batch: 64, epochs: 420, steps: 840 });
  expect(plan(5, 0.5)).toMatchObject({ batch: 5, epochs: 300, fits: false, seconds: 3000 });
});

test('a batch that is chosen stays', () => {
  expect(plan(10_000, 50, 3, 256)).toMatchObject({ batch: 256, fits: false, seconds: 1536 });
  expect(plan(10_000, 5000, 3, 128).batch).toBe(128);
});

describe('the planner', () => {
  let now: number;
  const stored = new Map<string, string>();
  beforeEach(() => {
    now = 0;
    stored.clear();
    vi.spyOn(performance, 'now').mockImplementation(() => 1000 * now);
    class Fake {
      addEventListener() {}
    }
    for (const name of ['HTMLElement', 'HTMLButtonElement']) vi.stubGlobal(name, Fake);
    vi.stubGlobal('document', { getElementById: () => new Fake() });
    vi.stubGlobal('localStorage', {
      getItem: (key: string) => stored.get(key) ?? null,
      setItem: (key: string, value: string) => stored.set(key, value),
    });
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
  });

  const software = { vendor: 'x', architecture: '', device: '', description: '', software: true };
  const loss = { type: 'loss', first: 0, losses: Float32Array.of(1), imagesPerSecond: 1 } as const;
  const phase = (training: boolean) =>
    ({ type: 'phase', phase: training ? 'training' : 'paused', training }) as const;

  /** A run that trains on the digits; `step` counts one after so many seconds. */
  function running({ query = '?task=train' } = {}) {
    const app = {
      settings: parseQuery(query).settings,
      state: { ...initialState, adapter: software } as State,
      set(key: Key, text: string) {
        app.settings = withSetting(app.settings, key, text).settings!;
      },
    };
    const planner = createPlanner(app as unknown as App);
    const hear = (event: WorkerEvent) => planner.receive(event);
    const step = (seconds: number) => {
      now += seconds;
      const { losses } = app.state;
      app.state = { ...app.state, run: {} as never, losses: losses.after(losses.length, [1]) };
      hear(loss);
    };
    return { app, planner, hear, step };
  }
  /** Images a second, as the next plan begins with. */
  const remembered = () => Object.values(JSON.parse(stored.get('webgpu-diffusion-speed') ?? '{}'));

  test('measures from the second step on, and again without what came before', () => {
    const { app, planner, step } = running();
    expect(planner.ahead).toBe('Train plans 300 steps or more, in 3 min if they fit.');
    expect(running({ query: '?task=train&batch=8' }).planner.ahead).toBeUndefined();
    planner.begin();
    expect(app.settings).toMatchObject({ batch: 16, samples: 10 });
    expect(planner.words).toBe(
      'Planned: up to 2,810 steps of 16 images; the first seconds show how many fit into 3 min',
    );
    // The first step compiles, and the second waits for the check of what the GPU computes.
    step(20);
    step(15);
    for (let i = 0; i < 9; i++) step(0.5);
    expect(remembered()).toEqual([]);
    step(0.5);
    expect(remembered()).toEqual([32 * 28 * 28]);
    expect(app.settings).toMatchObject({ batch: 16, minutes: 3 });
    expect(planner.words).toBe('Planned: 360 steps of 16 images, in at most 3 min');
    // The next twenty seconds are measured alone.
    for (let i = 0; i < 79; i++) step(0.25);
    expect(remembered()).toEqual([32 * 28 * 28]);
    step(0.25);
    expect(remembered()).toEqual([64 * 28 * 28]);
    // That is all.
    for (let i = 0; i < 40; i++) step(1);
    expect(remembered()).toEqual([64 * 28 * 28]);
  });

  test('keeps to the minutes that were asked, also where a plan ends before', () => {
    const { app, planner, step } = running({ query: '?task=train&minutes=8' });
    planner.begin();
    // As far as is known no run takes that long.
    expect(app.settings.minutes).toBe(0);
    for (const seconds of [5, 20]) {
      for (let i = 0; i < 2 * seconds + 2; i++) step(0.5);
      // One epoch fits; in 3 minutes 360 steps would.
      expect(planner.words).toBe('Planned: 562 steps of 16 images, in at most 8 min');
      expect(app.settings.minutes).toBe(0);
    }
  });

  test('takes no speed for that of other widths', () => {
    const { planner, step } = running({ query: '?task=train&widths=8,16' });
    planner.begin();
    for (let i = 0; i < 20; i++) step(0.5);
    expect(planner.words).toContain('in at most 3 min');
    const others = running({ query: '?task=train&widths=32,64' });
    others.planner.begin();
    expect(others.planner.words).toContain('the first seconds show');
    const same = running({ query: '?task=train&widths=8,16' });
    same.planner.begin();
    expect(same.planner.words).toContain('in at most 3 min');
  });

  test('counts no pause', () => {
    const { planner, hear, step } = running();
    planner.begin();
    for (let i = 0; i < 4; i++) step(1);
    hear(phase(false));
    now += 600;
    hear(phase(true));
    for (let i = 0; i < 5; i++) step(1);
    expect(remembered()).toEqual([]);
    step(1);
    expect(remembered()).toEqual([16 * 28 * 28]);
  });

  test('plans a first step as it plans a run, and plans no run twice', () => {
    const { app, planner, hear, step } = running();
    planner.begin();
    const { settings } = app;
    step(1);
    hear(phase(false));
    planner.begin();
    expect(app.settings).toBe(settings);
    expect(planner.words).toMatch(/^Planned: up to 2,810 steps of 16 images/);
    hear({ type: 'freed' });
    expect(planner.words).toBe('');
  });

  test('leaves what the user has chosen, and a run that goes on', () => {
    const chosen = running({ query: '?task=train&batch=128' });
    chosen.planner.begin();
    expect(chosen.app.settings).toMatchObject({ batch: 128, minutes: 0 });
    expect(chosen.planner.words).toBe('');
    const resumed = running();
    resumed.app.state = { ...initialState, run: {} as never, losses: Losses.of([1, 1, 1]) };
    resumed.planner.begin();
    const { settings } = resumed.app;
    for (let i = 0; i < 40; i++) resumed.step(1);
    expect(resumed.app.settings).toBe(settings);
  });
});

test('Train it yourself leaves batch and samples to the plan, without a GPU, too', () => {
  const adapter = { software: true } as State['adapter'];
  const set = vi.fn();
  const app = {
    ...{ settings: parseQuery('?recipe=tutorial').settings, home: true, set },
    state: { ...initialState, phase: 'idle', adapter },
  } as unknown as App;
  const train = { start: vi.fn(), render() {} };
  createStarter(app, { train } as never);
  app.asked = 'train';
  app.starter();
  expect(train.start).toHaveBeenCalledOnce();
  expect(set).not.toHaveBeenCalled();
});
