import { describe, expect, test } from 'vitest';
import { spec } from '../../../harness/specs/finish_step';
import { expectedOf, Random } from '../../../harness/specs/lib/spec';
import { checkSchedule, rateFactor, type Schedule, type ScheduleOption } from '../../../src/plan/schedule';
import { STATE, scheduleIn } from '../../../src/plan/step_state';
import { imagesOfEpoch, imagesOfStep, stepsPerEpoch } from '../../../src/training/epoch';
import { binarizes } from '../../../src/training/options';

const cosine: Schedule = { decay: 'cosine', warmup: 10, steps: 110, floor: 0.1 };

describe('rateFactor', () => {
  const half = 0.1 + 0.9 * (0.5 + Math.SQRT1_2 / 2);
  test.each<[string, ScheduleOption, [step: number, factor: number][]]>([
    ['is 1 without a schedule', {}, [0, 1, 1e6].map((step) => [step, 1])],
    [
      'rises by the same amount in every step of the warm-up, and is 1 in its last',
      { warmup: 4 },
      [0.25, 0.5, 0.75, 1, 1, 1].map((factor, step) => [step, factor]),
    ],
    ['is 1 in a warm-up of one step', { warmup: 1 }, [[0, 1]]],
    [
      'stays at 1 for half of the steps, then falls linearly to the floor',
      { decay: 'linear', warmup: 10, steps: 110, floor: 0.1 },
      [
        ...([
          [4, 0.5],
          [10, 1],
          [59, 1],
          [60, 1],
          [85, 0.55],
        ] as [number, number][]),
        ...([
          [109, 0.118],
          [110, 0.1],
          [111, 0.1],
          [1e6, 0.1],
        ] as [number, number][]),
      ],
    ],
    [
      'falls along half a cosine from the end of the warm-up, and stays at the floor',
      cosine,
      [
        ...([
          [0, 0.1],
          [9, 1],
          [10, 1],
          [35, half],
          [60, 0.55],
        ] as [number, number][]),
        ...([
          [110, 0.1],
          [111, 0.1],
          [1e6, 0.1],
        ] as [number, number][]),
      ],
    ],
    ['is at its usual floor after one step', { decay: 'cosine', steps: 1 }, [[1, 0.01]]],
  ])('%s', (_, schedule, factors) => {
    for (const [step, factor] of factors)
      expect(rateFactor(checkSchedule(schedule), step), `step ${step}`).toBeCloseTo(factor, 12);
  });

  test('falls in each step of a cosine', () => {
    for (let s = 10; s < 110; s++) expect(rateFactor(cosine, s + 1)).toBeLessThan(rateFactor(cosine, s));
  });

  test('is the rate that the reference of finish_step writes into state and records', () => {
    const rates = Object.values(spec.cases).map((shape) => {
      const inputs = spec.inputs(shape, new Random(1));
      const { state, records } = expectedOf(spec, shape, inputs);
      // A step that is not made has the rate 0.
      if (shape.badSquares || shape.badGradients || shape.skipped) return 0;
      const { schedule = checkSchedule() } = shape;
      const known = scheduleIn(inputs.state as Uint32Array);
      expect(known).toEqual(
        'floor' in schedule ? { ...schedule, floor: Math.fround(schedule.floor) } : schedule,
      );
      const rate = Math.fround(1e-3) * rateFactor(known, shape.step);
      expect(state.values[STATE.rate]).toBe(rate);
      expect(records.values[4 * (shape.step % shape.ring) + 1]).toBe(rate);
      // What the GPU may err by: next to nothing.
      expect(state.error![STATE.rate]).toBeLessThanOrEqual(1.5e-6 * 1e-3);
      return rate;
    });
    expect(new Set(rates).size).toBeGreaterThan(8);
  });
});

describe('checkSchedule', () => {
  test.each<[ScheduleOption | undefined, Schedule]>([
    [undefined, { decay: 'none', warmup: 0 }],
    ['constant', { decay: 'none', warmup: 0 }],
    [{}, { decay: 'none', warmup: 0 }],
    [{ warmup: 7 }, { decay: 'none', warmup: 7 }],
    [
      { decay: 'cosine', steps: 9 },
      { decay: 'cosine', warmup: 0, steps: 9, floor: 0.01 },
    ],
    [cosine, cosine],
  ])('fills in what is missing of %j, and leaves its own result as it is', (given, schedule) => {
    expect(checkSchedule(given)).toEqual(schedule);
    expect(checkSchedule(schedule)).toEqual(schedule);
  });

  const object = `'constant' or an object like { decay: 'cosine', steps: 5000 }`;
  const warmup = 'a whole number from 0 to 2147483646';

  const noDecay = 'but there is no decay; set one, or leave';
  test.each<[given: unknown, what: string, legal?: string]>([
    ['cosine', 'schedule is "cosine"', object],
    [null, 'schedule is of type Null', object],
    [100, 'schedule is of type Number', object],
    [{ warmup: -1 }, 'schedule.warmup is -1', warmup],
    [{ warmup: 0.5 }, 'schedule.warmup is 0.5', warmup],
    [{ warmup: '10' }, 'schedule.warmup is "10"', warmup],
    [{ warmup: NaN }, 'schedule.warmup is NaN', warmup],
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
    [{ decay: 'cosine', steps: 9, floor: 1.5 }, 'schedule.floor is 1.5', 'a number from 0 to 1'],
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
  ['tutorial', 1, undefined, true],
  ['tutorial', 3, undefined, false],
  ['tutorial', 1, false, false],
  ['flow', 1, undefined, false],
  ['flow', 3, true, true],
] as const)(
  'for %s images of %i channels, asked %s, become black and white: %s',
  (objective, channels, asked, made) => {
    expect(binarizes(objective, { channels }, asked)).toBe(made);
  },
);

test.each([
  // images, batch, dropLast: steps, images, of each step
  [10, 4, false, 3, 10, [4, 4, 2]],
  [10, 4, true, 2, 8, [4, 4]],
  [8, 4, true, 2, 8, [4, 4]],
  [3, 4, true, 1, 3, [3]],
  [3, 4, false, 1, 3, [3]],
])(
  'steps and images of an epoch: %i images in batches of %i, dropLast %s',
  (imageCount, batchSize, dropLast, steps, images, sizes) => {
    const parts = { imageCount, batchSize, dropLast };
    expect([stepsPerEpoch(parts), imagesOfEpoch(parts)]).toEqual([steps, images]);
    const twice = Array.from({ length: 2 * steps }, (_, step) => imagesOfStep(parts, step));
    expect(twice).toEqual([...sizes, ...sizes]);
  },
);
