/** What is measured while a run trains: how often, for how long, and what the page keeps of it. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  type Measurement,
  nothingMeasured,
  ratesOf,
  reduceMeasurements,
  rewound,
  risenSince,
  trainedSeconds,
} from '../../../harness/page/messages/measurements';
import { initialSettings } from '../../../harness/page/messages/settings';
import { Losses } from '../../../harness/page/runs/losses';
import { initialState, type State } from '../../../harness/page/shell/state';
import { trainingProgress } from '../../../harness/page/train/train_readings';
import { PictureClock, TimeShare, TrainingClock } from '../../../harness/page/worker/clocks';
import type { TrainingRun } from '../../../harness/page/worker/door';
import { Measures } from '../../../harness/page/worker/measures';
import type { Workplace } from '../../../harness/page/worker/place';
import type { Views } from '../../../harness/page/worker/views';
import type { Engine } from '../../../src';
import { Tasks } from '../../../src/worker/tasks';

describe('the share of time for measurements', () => {
  /** Trains for `time` milliseconds in steps of 10, and measures, which takes `takes(n)`, whenever that is due. */
  function train(time: number, guess: number, takes: (n: number) => number) {
    const share = new TimeShare(0.05);
    const at: number[] = [];
    let now = 0;
    while (now < time) {
      now += 10;
      if (!share.isDue(now, guess)) continue;
      now += takes(at.length);
      share.add(takes(at.length), { done: true });
      at.push(now);
    }
    return { at, part: share.of(now) };
  }

  test('is never exceeded, and is used up where the guess was good', () => {
    const { at, part } = train(200_000, 100, () => 100);
    expect(at[0]).toBe(2100);
    expect(part).toBeLessThanOrEqual(0.05);
    expect(part).toBeGreaterThan(0.045);
  });

  test('holds in the long run where the first measurement takes much longer than guessed', () => {
    const { at, part } = train(200_000, 10, (n) => (n === 0 ? 2000 : 100));
    expect(at[0]).toBe(2200);
    expect(at[1]).toBeGreaterThan(42_000);
    expect(part).toBeLessThanOrEqual(0.05);
  });

  test('counts interrupted measurements, and expects the next one to take no less', () => {
    const share = new TimeShare(0.05);
    share.add(100, { done: true });
    share.add(400, { done: false });
    const due = (ms: number) => [share.isDue(ms - 1, 1), share.isDue(ms, 1)];
    expect(due(20 * (500 + 400))).toEqual([false, true]);
    share.add(50, { done: false });
    expect(due(20 * (550 + 400))).toEqual([false, true]);
  });
});

const held = { images: new Uint8Array(4), count: 1, height: 2, width: 2, channels: 1 };
const engine = {
  adapter: { software: true },
  createDataset: async () => ({ destroy() {} }),
} as unknown as Engine;

test('a step is measured once, and again after a reset, or with a trainer that was built anew', async () => {
  const tasks = new Tasks({
    background: () => undefined,
    failed: () => {},
    rest: () => {},
    idle: async () => {},
  });
  const trainerOf = (loss: number) => ({ evaluate: async () => ({ loss, bins: [] }) });
  const run = { trainer: trainerOf(0), losses: [1, 1], settings: { seed: 1 } } as unknown as TrainingRun;
  const measured: (readonly [step: number, loss: number])[] = [];
  const place = {
    core: { run, engine, tasks, phase: () => {} },
    imagesOf: () => ({ held }),
    post: (event: Measurement) => {
      if (event.type === 'heldOut') measured.push([event.measured.step, event.measured.loss]);
    },
  } as unknown as Workplace;
  const measures = new Measures(place, {} as Views);
  const measureTwice = async () => {
    measured.length = 0;
    await measures.measure('heldOut');
    await measures.measure('heldOut');
    return measured;
  };
  expect(await measureTwice()).toEqual([[2, 0]]);
  measures.free();
  expect(await measureTwice()).toEqual([[2, 0]]);
  run.trainer = trainerOf(1) as unknown as TrainingRun['trainer'];
  expect(await measureTwice()).toEqual([[2, 1]]);
});

test('a measurement that fails says so once, and the others are made', async () => {
  const request = vi.fn();
  const tasks = {
    interruptible: (_: string, work: (signal: AbortSignal) => unknown) => work(new AbortController().signal),
    request,
  };
  const evaluate = vi.fn().mockRejectedValue(new Error('no network'));
  const run = {
    ...{ trainer: { evaluate }, losses: [1, 1], settings: { seed: 1 } },
    ...{ unet: { config: {} }, objective: 'tutorial' },
  } as unknown as TrainingRun;
  const tell = vi.fn();
  const place = {
    core: { run, engine, tasks, phase: () => {}, isReported: () => false, host: { tell } },
    planning: { minutes: 0 },
    settings: { samples: 0 },
    imagesOf: () => ({ held }),
    post: () => {},
  } as unknown as Workplace;
  const measures = new Measures(place, {} as Views);
  await measures.atEnd();
  const message = 'The loss on held-out images could not be measured: no network';
  expect(tell.mock.calls).toEqual([['warning', { message, run: true }]]);
  // It would be due at once.
  measures.training(true);
  vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 1e6);
  measures.between({ imagesPerSecond: 1e6 });
  expect(request).not.toHaveBeenCalled();
  vi.restoreAllMocks();
});

describe('the clock of a run', () => {
  test('counts training and no pauses, and begins anew for each press', () => {
    const clock = new TrainingClock();
    clock.press(1000);
    clock.start(2000);
    expect(clock.run(5000)).toBe(3000);
    clock.stop(5000);
    expect(clock.run(9000)).toBe(3000);
    clock.press(9000);
    clock.start(10_000);
    // One that runs is not started twice.
    clock.start(11_000);
    expect([clock.run(12_000), clock.sincePress(12_000)]).toEqual([5000, 2000]);
    expect(clock.isOver(69_999, 1)).toBe(false);
    expect(clock.isOver(70_000, 1)).toBe(true);
    expect(clock.isOver(1e9, 0)).toBe(false);
    clock.reset();
    expect(clock.run(1e9)).toBe(0);
  });
});

describe('the held-out loss', () => {
  const points = (...losses: number[]) =>
    losses.map((loss, i) => ({ step: 10 * (i + 1), loss, bins: [], images: 1 }));

  test('counts as risen once it was above its least value for a tenth of the plan', () => {
    expect(risenSince(points(3, 2, 1, 1.1, 1.2), 200)).toBe(30);
    expect(risenSince(points(3, 2, 1, 1.1, 1.2), 201)).toBeUndefined();
    expect(risenSince(points(3, 2, 1, 1.005, 1.005), 200)).toBeUndefined();
    expect(risenSince(points(3, 2, 1, 1.2, 0.9), 200)).toBeUndefined();
    expect(risenSince([], 200)).toBeUndefined();
  });
});

const heldOut = (step: number, loss: number): Measurement => ({
  type: 'heldOut',
  measured: { step, loss, bins: [loss, null], images: 4 },
});
const known = (...events: Measurement[]) => events.reduce(reduceMeasurements, nothingMeasured);

describe('the measurements of a run', () => {
  test('come in the order of their steps, one for each step', () => {
    const { heldOut: points } = known(heldOut(1, 3), heldOut(5, 2), heldOut(5, 1));
    expect(points.map(({ step, loss }) => [step, loss])).toEqual([
      [1, 3],
      [5, 1],
    ]);
    const rate = (step: number, lr: number): Measurement => ({ type: 'rate', changed: { step, lr } });
    expect(known(rate(3, 0.1), rate(3, 0.2), rate(9, 0.1)).rates).toEqual([
      { step: 3, lr: 0.2 },
      { step: 9, lr: 0.1 },
    ]);
  });

  test('hold for each step the rate that was set at the time', () => {
    expect(ratesOf(nothingMeasured, 2, 0.1)).toEqual([0.1, 0.1]);
    const rate = (step: number, lr: number, before: number): Measurement => ({
      type: 'rate',
      changed: { step, lr, before },
    });
    // Between the second step and the third it was changed twice.
    const measured = known(rate(2, 0.5, 0.1), rate(2, 0.2, 0.5), rate(3, 0.3, 0.2));
    expect(ratesOf(measured, 5, 0.3)).toEqual([0.1, 0.1, 0.2, 0.3, 0.3]);
    expect(ratesOf(rewound(measured, 1), 2, 0.1)).toEqual([0.1, 0.1]);
  });

  test('go back with the run', () => {
    const before = known(heldOut(1, 3), heldOut(5, 2), heldOut(9, 1));
    expect(rewound(before, 5).heldOut).toHaveLength(2);
    expect(rewound(before, 0).heldOut).toEqual([]);
  });

  test('count the time of earlier visits', () => {
    expect(trainedSeconds(nothingMeasured)).toBeUndefined();
    expect(trainedSeconds({ ...clockAt(0), secondsBefore: 40 })).toBe(47);
  });
});

const clockAt = (press: number) => ({
  ...nothingMeasured,
  clock: { run: 7, press, heldOutShare: 0, qualityShare: 0 },
});

describe('the progress of training', () => {
  const run = {
    ...{ images: 40, held: 0, stepsPerEpoch: 10, parameters: 1, classes: 0, bytes: 1, variants: {} },
    data: { count: 40, height: 28, width: 28, channels: 1, fnv1a: '0' },
  };
  const state = (press: number): State => ({
    ...initialState,
    ...{ run, training: true, losses: Losses.of(new Array(25).fill(1)), pace: 4, timed: true },
    measured: clockAt(press),
  });
  const settings = { ...initialSettings, batch: 4, epochs: 10 };

  test('counts steps where no time is set, or where the steps end sooner', () => {
    expect(trainingProgress(state(30), settings)).toEqual({ share: 0.25, secondsLeft: 75 });
    expect(trainingProgress(state(30), { ...settings, minutes: 10 })).toEqual({
      share: 0.25,
      secondsLeft: 75,
    });
  });

  test('counts the steps of a plan, whatever the time', () => {
    const plan = { batch: 4, steps: 50, most: 50, epochs: 5, seconds: 1, fits: true };
    const planned = { ...state(30), planned: { plan, isOpen: true, averages: true } };
    const expected = { share: 0.5, secondsLeft: 25 };
    expect(trainingProgress(planned, { ...settings, minutes: 0.1 })).toEqual(expected);
    const open = {
      ...planned,
      planned: { plan: { ...plan, steps: undefined }, isOpen: true, averages: true },
    };
    expect(trainingProgress(open, { ...settings, minutes: 1 })).toEqual({
      share: 0,
      secondsLeft: Number.NaN,
    });
  });

  test('counts the time that was set where this time ends sooner', () => {
    expect(trainingProgress(state(30), { ...settings, minutes: 1 })).toEqual({ share: 0.5, secondsLeft: 30 });
    expect(trainingProgress({ ...state(30), timed: false }, { ...settings, minutes: 10 }).secondsLeft).toBe(
      570,
    );
    // Time stands still while nothing trains.
    const paused = { ...state(30), training: false };
    expect(trainingProgress(paused, { ...settings, minutes: 1 }).secondsLeft).toBe(75);
  });
});

describe('new pictures of a run in training', () => {
  afterEach(() => vi.restoreAllMocks());

  /** Seconds from one picture to the next, each of which takes `seconds`; between them training takes `step` at a time. */
  async function interval(seconds: number, step: number, refresh = 2): Promise<number> {
    let now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => 1000 * now);
    const clock = new PictureClock();
    const made: number[] = [];
    while (made.length < 4) {
      now += step;
      if (!clock.due) continue;
      await clock.make(refresh, async () => {
        now += seconds;
        made.push(now);
      });
    }
    return made[3] - made[2];
  }

  test.each([0.1, 0.5, 1, 2, 2.4])(
    'that take %d s to make come at least every 10 s, where a step allows it',
    async (seconds) => {
      expect(await interval(seconds, 0.05)).toBeLessThanOrEqual(10.051);
      expect(await interval(seconds, 3)).toBeLessThanOrEqual(13);
    },
  );

  test('take a tenth of the time at most, or a quarter where they take long', async () => {
    expect(await interval(0.5, 0.05)).toBeGreaterThanOrEqual(5);
    expect(await interval(5, 0.05)).toBeGreaterThanOrEqual(20);
    expect(await interval(0.1, 0.05, 30)).toBeGreaterThanOrEqual(30);
  });
});
