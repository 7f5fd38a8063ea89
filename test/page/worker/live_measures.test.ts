/** What is measured while a run trains: how often, for how long, and what the page keeps of it. */

import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  learningRates,
  type Measurement,
  type Measurements,
  nothingMeasured,
  reduceMeasurements,
  rewound,
  risenSince,
} from '../../../harness/page/messages/measurements';
import type { Patch } from '../../../harness/page/messages/messages';
import { initialSettings } from '../../../harness/page/messages/settings';
import { LossHistory } from '../../../harness/page/runs/losses';
import { initialState, type State } from '../../../harness/page/shell/state';
import { trainingProgress } from '../../../harness/page/train/train_readings';
import { PictureClock, TimeShare, TrainingClock } from '../../../harness/page/worker/clocks';
import { Measures } from '../../../harness/page/worker/measures';
import type { WorkerState } from '../../../harness/page/worker/worker_state';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('the share of time for measurements', () => {
  test.each([
    { guess: 100, first: 100, ends: [2100, 4100] },
    { guess: 10, first: 2000, ends: [2200, 80_100] },
  ])(
    'is not exceeded with a guess of $guess where the first takes $first, and used up in the long run',
    ({ guess, first, ends }) => {
      const share = new TimeShare(0.05);
      const at: number[] = [];
      for (let now = 10; now < 200_000; now += 10) {
        if (!share.isDue(now, guess)) continue;
        const took = at.length === 0 ? first : 100;
        now += took;
        share.add(took, { done: true });
        at.push(now);
      }
      expect(at.slice(0, 2)).toEqual(ends);
      expect(share.of(200_000)).toBeLessThanOrEqual(0.05);
      expect(share.of(200_000)).toBeGreaterThan(0.045);
    },
  );
});

/** The measures of a run of two steps. */
function measuresOf(evaluate: () => Promise<object>) {
  const run = {
    trainer: { evaluate },
    losses: [1, 1],
    settings: { seed: 1 },
    unet: { config: {} },
    objective: 'tutorial',
  };
  const measured: (readonly [step: number, loss: number])[] = [];
  const turn = vi.fn((_: string, work: (context: object) => unknown) => work(new AbortController()));
  let destroy = () => {};
  const use = async (_: string, __: object, make: () => Promise<{ destroy(): void }>) => {
    ({ destroy } = await make());
  };
  const tell = vi.fn();
  const state = {
    session: {
      run,
      turn,
      use,
      tell,
      stretch: undefined,
      isReported: () => false,
      engine: { adapter: { software: true }, createDataset: async () => ({ destroy() {} }) },
    },
    clock: new TrainingClock(),
    settings: { samples: 0 },
    step: 2,
    splitImages: () => ({ held: { images: new Uint8Array(4), count: 1, height: 2, width: 2, channels: 1 } }),
    patch({ measured: made }: Patch) {
      if (made?.heldOut) measured.push([made.heldOut.step, made.heldOut.loss]);
    },
  } as unknown as WorkerState;
  return { measures: new Measures(state), run, measured, tell, turn, state, reset: () => destroy() };
}

test('a step is measured once, and again after a reset, or with a trainer that was built anew', async () => {
  const evaluate = (loss: number) => async () => ({ loss, bins: [] });
  const { measures, run, measured, reset } = measuresOf(evaluate(0));
  const again = [() => {}, reset, () => Object.assign(run, { trainer: { evaluate: evaluate(1) } })];
  for (const [i, change] of again.entries()) {
    change();
    for (let times = 0; times < 2; times++) await measures.measure('heldOut');
    expect(measured).toEqual(
      [
        [2, 0],
        [2, 0],
        [2, 1],
      ].slice(0, i + 1),
    );
  }
});

test('a measurement that fails says so once, and the others are made', async () => {
  const { measures, tell, turn, state } = measuresOf(() => Promise.reject(new Error('no network')));
  state.clock.start(performance.now());
  await measures.atEnd();
  const message = 'The loss on held-out images could not be measured: no network';
  expect(tell.mock.calls).toEqual([['warning', { message, run: true }]]);
  // It would be due at once.
  vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 1e6);
  const { length } = turn.mock.calls;
  expect(length).toBeGreaterThan(1);
  await measures.between({ imagesPerSecond: 1e6 });
  expect(turn).toHaveBeenCalledTimes(length);
});

test('the clock of a run counts training and no pauses, and begins anew for each press', () => {
  const clock = new TrainingClock();
  clock.press(1000);
  clock.start(2000);
  clock.stop(5000);
  expect(clock.run(9000)).toBe(3000);
  clock.press(9000);
  clock.start(10_000);
  // One that runs is not started twice.
  clock.start(11_000);
  expect(clock.run(12_000)).toBe(5000);
  expect(clock.sincePress(12_000)).toBe(2000);
  expect([clock.isOver(69_999, 1), clock.isOver(70_000, 1), clock.isOver(1e9, 0)]).toEqual([
    false,
    true,
    false,
  ]);
  clock.reset();
  expect(clock.run(1e9)).toBe(0);
});

test.each([
  [[3, 2, 1, 1.1, 1.2], 200, 30],
  [[3, 2, 1, 1.1, 1.2], 201, undefined],
  [[3, 2, 1, 1.2, 0.9], 200, undefined],
])(
  'the held-out losses %j of a plan of %i steps have risen since %s: once above their least for a tenth of it',
  (losses, plan, since) => {
    const points = losses.map((loss, i) => ({ step: 10 * (i + 1), loss, bins: [], images: 1 }));
    expect(risenSince(points, plan)).toBe(since);
  },
);

describe('the measurements of a run', () => {
  const heldOut = (step: number, loss: number): Measurement => ({
    heldOut: { step, loss, bins: [loss, null], images: 4 },
  });
  const rate = (step: number, lr: number, before?: number): Measurement => ({ rate: { step, lr, before } });
  const known = (...events: Measurement[]) => events.reduce(reduceMeasurements, nothingMeasured);
  const lossesOf = (measured: Measurements) => measured.heldOut.map(({ step, loss }) => [step, loss]);

  test('come in the order of their steps, one for each step, and go back with the run', () => {
    const measured = known(heldOut(1, 3), heldOut(5, 2), heldOut(5, 1), heldOut(9, 1));
    expect(lossesOf(measured)).toEqual([
      [1, 3],
      [5, 1],
      [9, 1],
    ]);
    expect([9, 5, 0].map((step) => lossesOf(rewound(measured, step)).length)).toEqual([3, 2, 0]);
  });

  test('hold for each step the rate that was set at the time', () => {
    expect(learningRates(nothingMeasured, 2, 0.1)).toEqual([0.1, 0.1]);
    // Between the second step and the third it was changed twice.
    const measured = known(rate(2, 0.5, 0.1), rate(2, 0.2, 0.5), rate(3, 0.3, 0.2));
    expect(learningRates(measured, 5, 0.3)).toEqual([0.1, 0.1, 0.2, 0.3, 0.3]);
    expect(learningRates(rewound(measured, 1), 2, 0.1)).toEqual([0.1, 0.1]);
  });
});

const clockAt = (press: number) => ({ run: 7, press, heldOutShare: 0, qualityShare: 0 });

describe('the progress of training, 25 of 100 steps and half a minute after the press', () => {
  const run = {
    images: 40,
    held: 0,
    stepsPerEpoch: 10,
    parameters: 1,
    classes: 0,
    bytes: 1,
    variants: {},
    data: { count: 40, height: 28, width: 28, channels: 1, fnv1a: '0' },
  };
  const state: State = {
    ...initialState,
    run,
    training: true,
    losses: LossHistory.of(new Array(25).fill(1)),
    pace: 4,
    timed: true,
    measured: { ...nothingMeasured, clock: clockAt(30) },
  };
  const planned = (steps?: number): Partial<State> => ({
    planned: {
      plan: { batch: 4, steps, epochs: 5, seconds: 1, fits: true },
      averages: true,
    },
  });
  const bySteps = { share: 0.25, secondsLeft: 75 };

  test.each<[counts: string, minutes: number, changes: Partial<State>, progress: object]>([
    ['steps where no time is set', 0, {}, bySteps],
    ['the steps of a plan, whatever the time', 0.1, planned(50), { share: 0.5, secondsLeft: 25 }],
    ['nothing of a plan without an end', 1, planned(), { share: 0, secondsLeft: Number.NaN }],
    ['the time where that ends sooner', 1, {}, { share: 0.5, secondsLeft: 30 }],
    ['the time until the speed is known', 10, { timed: false }, { share: 0.05, secondsLeft: 570 }],
    ['no time while nothing trains', 1, { training: false }, bySteps],
  ])('counts %s', (_, minutes, changes, progress) => {
    const settings = { ...initialSettings, batch: 4, epochs: 10, minutes };
    expect(trainingProgress({ ...state, ...changes }, settings)).toEqual(progress);
  });
});

describe('new pictures of a run in training', () => {
  test.each([
    [0.1, 10],
    [0.3, 8],
    [3, 2],
  ])('come after ten losses or two seconds, for steps of %d s after step %i', (seconds, first) => {
    let now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => 1000 * now);
    const clock = new PictureClock();
    // Of two runs.
    for (let begun = 0; begun < 2; begun++) {
      let step = 0;
      do now += seconds;
      while (!clock.isDue(++step));
      expect(step).toBe(first);
    }
  });

  /** Seconds from one picture to the next, each of which takes `seconds`; between them training takes `step` at a time. */
  async function interval(seconds: number, step: number, refresh: number): Promise<number> {
    let now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => 1000 * now);
    const clock = new PictureClock();
    const made: number[] = [];
    while (made.length < 4) {
      now += step;
      if (!clock.isDue(10)) continue;
      await clock.make(refresh, async () => {
        now += seconds;
        made.push(now);
      });
    }
    return made[3] - made[2];
  }

  // At least every 10 s, where a step allows it; a tenth of the time at most, or a quarter where they take long.
  test.each([
    [0.1, 0.05, 2, 1, 10.051],
    [2.4, 0.05, 2, 2, 10.051],
    [2.4, 3, 2, 2, 13],
    [5, 0.05, 2, 20, 21],
    [0.1, 0.05, 30, 30, 31],
  ])(
    'that take %d s beside steps of %d s, and are wanted every %i s, come in %d to %d s',
    async (seconds, step, refresh, least, most) => {
      const took = await interval(seconds, step, refresh);
      expect(took).toBeGreaterThanOrEqual(least);
      expect(took).toBeLessThanOrEqual(most);
    },
  );
});
