import { describe, expect, test } from 'vitest';
import { checkSchedule, rateFactor, type Schedule, type ScheduleOption } from '../../../src/plan/schedule';

import { imagesOfEpoch, imagesOfStep, stepsPerEpoch } from '../../../src/training/epoch';

const cosine: Schedule = { decay: 'cosine', warmup: 10, steps: 110, floor: 0.1 };

describe('rateFactor', () => {
  const half = 0.1 + 0.9 * (0.5 + Math.SQRT1_2 / 2);
  test.each<[string, ScheduleOption, [step: string, factor: number][]]>([
    [
      'is 1 without a schedule',
      {},
      [
        ['0', 1],
        ['1000000', 1],
      ],
    ],
    [
      'rises by the same amount in every step of the warm-up, and is 1 in its last',
      { warmup: 4 },
      Object.entries([0.25, 0.5, 0.75, 1, 1, 1]),
    ],
    ['is 1 in a warm-up of one step', { warmup: 1 }, [['0', 1]]],
    [
      'stays at 1 for half of the steps, then falls linearly to the floor',
      { decay: 'linear', warmup: 10, steps: 110, floor: 0.1 },
      Object.entries({ 4: 0.5, 10: 1, 60: 1, 85: 0.55, 109: 0.118, 110: 0.1, 111: 0.1 }),
    ],
    [
      'falls along half a cosine from the end of the warm-up, and stays at the floor',
      cosine,
      Object.entries({ 0: 0.1, 9: 1, 10: 1, 35: half, 60: 0.55, 110: 0.1, 111: 0.1 }),
    ],
    ['is at its usual floor after one step', { decay: 'cosine', steps: 1 }, [['1', 0.01]]],
  ])('%s', (_, schedule, factors) => {
    for (const [step, factor] of factors)
      expect(rateFactor(checkSchedule(schedule), Number(step)), `step ${step}`).toBeCloseTo(factor, 12);
  });
});

describe('checkSchedule', () => {
  const object = `'constant' or an object like { decay: 'cosine', steps: 5000 }`;
  const warmup = 'a whole number from 0 to 2147483646';

  const noDecay = 'but there is no decay; set one, or leave';
  test.each<[given: unknown, what: string, legal?: string]>([
    ['cosine', 'schedule is "cosine"', object],
    [null, 'schedule is of type Null', object],
    [{ warmup: -1 }, 'schedule.warmup is -1', warmup],
    [{ decay: 'exponential' }, 'schedule.decay is "exponential"', '"none", "cosine" or "linear"'],
    [
      { decay: 'cosine' },
      'schedule.steps is missing',
      'the step of the run at which the rate is at its floor',
    ],
    [{ decay: 'cosine', steps: 0 }, 'schedule.steps is 0', 'a whole number from 1 to 2147483647'],
    [
      { decay: 'cosine', steps: 100, warmup: 100 },
      'With 100 steps of warm-up, schedule.steps is 100',
      'a whole number from 101 to 2147483647',
    ],
    [{ decay: 'cosine', steps: 9, floor: -0.1 }, 'schedule.floor is -0.1', 'a number from 0 to 1'],

    [{ warmUp: 100 }, 'schedule has no setting warmUp; it has warmup, decay, steps, floor.'],
    [{ steps: 100 }, `schedule.steps is 100, ${noDecay} steps out.`],
    [{ warmup: 10, floor: 0.1 }, `schedule.floor is 0.1, ${noDecay} floor out.`],
  ])('refuses %j', (given, what, legal) => {
    const message = legal ? `${what}; it must be ${legal}.` : what;
    const error = expect.objectContaining({ name: 'EngineError', code: 'argument', message });
    expect(() => checkSchedule(given as ScheduleOption)).toThrow(error);
  });
});

test.each([
  // images, batch, dropLast: steps, images, of each step
  [10, 4, false, 3, 10, [4, 4, 2]],
  [10, 4, true, 2, 8, [4, 4]],
  [3, 4, true, 1, 3, [3]],
])(
  'steps and images of an epoch: %i images in batches of %i, dropLast %s',
  (imageCount, batchSize, dropLast, steps, images, sizes) => {
    const parts = { imageCount, batchSize, dropLast };
    expect(stepsPerEpoch(parts)).toEqual(steps);
    expect(imagesOfEpoch(parts)).toEqual(images);
    const twice = Array.from({ length: 2 * steps }, (_, step) => imagesOfStep(parts, step));
    expect(twice).toEqual([...sizes, ...sizes]);
  },
);
