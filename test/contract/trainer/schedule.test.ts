import { describe, expect, test } from 'vitest';
import { spec } from '../../../harness/specs/finish_step';
import { expectedOf, Random } from '../../../harness/specs/lib/spec';
import { checkSchedule, rateFactor, type Schedule, type ScheduleOption } from '../../../src/plan/schedule';
import { STATE, scheduleIn } from '../../../src/plan/step_state';
import { imagesOfEpoch, imagesOfStep, stepsPerEpoch } from '../../../src/training/epoch';

const cosine: Schedule = { decay: 'cosine', warmup: 10, steps: 110, floor: 0.1 };

describe('rateFactor', () => {
  test('is 1 without a schedule', () => {
    for (const step of [0, 1, 1e6]) expect(rateFactor(checkSchedule(), step)).toBe(1);
  });

  test('rises by the same amount in every step of the warm-up, and is 1 in its last', () => {
    const schedule = checkSchedule({ warmup: 4 });
    expect([0, 1, 2, 3, 4, 5].map((s) => rateFactor(schedule, s))).toEqual([0.25, 0.5, 0.75, 1, 1, 1]);
    expect(rateFactor(checkSchedule({ warmup: 1 }), 0)).toBe(1);
  });

  test('stays at 1 for half of the steps, then falls linearly to the floor', () => {
    const line: Schedule = { decay: 'linear', warmup: 10, steps: 110, floor: 0.1 };
    const at = (s: number) => rateFactor(line, s);
    expect([at(4), at(10), at(59), at(60)]).toEqual([0.5, 1, 1, 1]);
    expect(at(85)).toBeCloseTo(0.55, 12);
    expect(at(109)).toBeCloseTo(0.118, 12);
    for (const s of [110, 111, 1e6]) expect(at(s)).toBeCloseTo(0.1, 12);
  });

  test('falls along half a cosine from the end of the warm-up', () => {
    const at = (s: number) => rateFactor(cosine, s);
    expect(at(0)).toBe(0.1);
    expect(at(9)).toBe(1);
    expect(at(10)).toBe(1);
    expect(at(35)).toBeCloseTo(0.1 + 0.9 * (0.5 + Math.SQRT1_2 / 2), 12);
    expect(at(60)).toBeCloseTo(0.55, 12);
    expect(at(109)).toBeGreaterThan(0.1);
    for (let s = 10; s < 110; s++) expect(at(s + 1)).toBeLessThan(at(s));
  });

  test('stays at the floor after the end of the schedule', () => {
    for (const s of [110, 111, 1e6]) expect(rateFactor(cosine, s)).toBe(0.1);
    expect(rateFactor(checkSchedule({ decay: 'cosine', steps: 1 }), 1)).toBe(0.01);
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
  test('fills in what is missing', () => {
    expect(checkSchedule()).toEqual({ decay: 'none', warmup: 0 });
    expect(checkSchedule('constant')).toEqual(checkSchedule({}));
    expect(checkSchedule({ warmup: 7 })).toEqual({ decay: 'none', warmup: 7 });
    const long = { decay: 'cosine', warmup: 0, steps: 9, floor: 0.01 };
    expect(checkSchedule({ decay: 'cosine', steps: 9 })).toEqual(long);
  });

  test('leaves its own result as it is', () => {
    for (const given of [{}, { warmup: 3 }, cosine]) {
      const schedule = checkSchedule(given);
      expect(checkSchedule(schedule)).toEqual(schedule);
    }
  });

  const refuses = (given: unknown, message: string) => {
    const error = expect.objectContaining({ name: 'EngineError', code: 'argument', message });
    expect(() => checkSchedule(given as ScheduleOption)).toThrow(error);
  };
  const object = `'constant' or an object like { decay: 'cosine', steps: 5000 }`;
  const warmup = 'a whole number from 0 to 2147483646';

  test.each<[given: unknown, what: string, legal: string]>([
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
  ])('refuses %j', (given, what, legal) => refuses(given, `${what}; it must be ${legal}.`));

  test('refuses unknown settings, and settings that are for a decay without one', () => {
    refuses({ warmUp: 100 }, 'schedule has no setting warmUp; it has warmup, decay, steps, floor.');
    refuses({ steps: 100 }, 'schedule.steps is 100, but there is no decay; set one, or leave steps out.');
    refuses(
      { warmup: 10, floor: 0.1 },
      'schedule.floor is 0.1, but there is no decay; set one, or leave floor out.',
    );
  });
});

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
