/** What a run of sampling asks of the network, pass by pass. */
import { describe, expect, test } from 'vitest';
import { STREAM, threefry } from '../../../src/base/random';
import { SAMPLING_STEP } from '../../../src/plan/sampling_step';
import {
  extrapolated,
  firstRow,
  lastRow,
  levelAt,
  meanRow,
  type PassOptions,
  passesOf,
  predictionOf,
  ROW_WORDS,
  SHARE_AT,
} from '../../../src/sampling/passes';

/** A row in words. */
const read = (row: Float32Array) => {
  const [level, step, correction, guidance, knownFrom] = Object.values(SAMPLING_STEP).map((at) => row[at]);
  return { level, step, correction, guidance, knownFrom, share: row[SHARE_AT] };
};
const rows = (options: PassOptions) =>
  passesOf(options, 0).map(({ row, begins, ends }) => ({ ...read(row), begins, ends }));

const common = { guidance: 2, knownFrom: 0.5, share: 0 };
const whole = { begins: true, ends: true };

test('the levels of a run go down evenly to 0', () => {
  expect([0, 1, 2, 3, 4].map((done) => levelAt({ from: 1, steps: 4 }, done))).toEqual([
    1, 0.75, 0.5, 0.25, 0,
  ]);
  expect(levelAt({ from: 0.5, steps: 4 }, 3)).toBe(0.125);
});

test('Euler asks the network at the beginning of each step, and goes the whole step by its answer', () => {
  expect(rows({ method: 'euler', steps: 4, from: 1, guidance: 2 })).toEqual(
    [1, 0.75, 0.5, 0.25].map((level) => ({ ...common, ...whole, level, step: -0.25, correction: 0 })),
  );
});

describe('the method Heun', () => {
  test('asks at both ends of each step but the last, and goes by the mean of both velocities', () => {
    const [first, second] = [
      { ...common, step: -0.25, correction: 0, begins: true, ends: false },
      { ...common, step: -0.125, correction: 0.125, begins: false, ends: true },
    ];
    expect(rows({ method: 'heun', steps: 2, from: 0.5, guidance: 2 })).toEqual([
      { ...first, level: 0.5 },
      { ...second, level: 0.25 },
      { ...first, level: 0.25, ends: true },
    ]);
    expect(passesOf({ method: 'heun', steps: 7, from: 1, guidance: 1 }, 0)).toHaveLength(13);
  });

  test('is Euler in a run of one step', () => {
    const options = { steps: 1, from: 0.7, guidance: 1 };
    expect(passesOf({ method: 'heun', ...options }, 0)).toEqual(passesOf({ method: 'euler', ...options }, 0));
  });

  test('is exact where velocities are linear in the level', () => {
    // dx/dt = 2t, so x(0) = x(1) - 1; the last step, Euler's, errs by its length squared.
    let [x, velocity] = [5, Number.NaN];
    for (const pass of rows({ method: 'heun', steps: 10, from: 1, guidance: 1 })) {
      const { level, step, correction } = pass;
      const v = 2 * level;
      x += step * v + (correction === 0 ? 0 : correction * velocity);
      velocity = v;
    }
    expect(x).toBeCloseTo(4 - 0.01, 5);
  });
});

describe('the method Adams', () => {
  const adams = (steps: number, from = 1) => rows({ method: 'adams', steps, from, guidance: 2 });

  test('asks once a step, and after the first step also uses the velocity of the step before', () => {
    expect(adams(4)).toEqual([
      { ...common, ...whole, level: 1, step: -0.25, correction: 0 },
      ...[0.75, 0.5, 0.25].map((level) => ({ ...common, ...whole, level, step: -0.375, correction: 0.125 })),
    ]);
    expect(adams(1, 0.5)).toEqual([{ ...common, ...whole, level: 0.5, step: -0.5, correction: 0 }]);
  });

  /** x at level 0 of dx/dt = v(x, t), from x = 1. */
  const follow = (steps: number, v: (x: number, level: number) => number) => {
    let [x, old] = [1, 0];
    for (const { level, step, correction } of adams(steps)) {
      const now = v(x, level);
      x += step * now + correction * old;
      old = now;
    }
    return x;
  };

  test('takes dx/dt = x in four steps to 0.364746, where Euler gets 0.316406 and exp(-1) is exact', () => {
    expect(follow(4, (x) => x)).toBeCloseTo(0.364746, 6);
  });

  test('has an error that shrinks with the square of the step', () => {
    const errors = [20, 40].map((steps) => Math.abs(follow(steps, (x) => x) - Math.exp(-1)));
    expect(errors[0] / errors[1]).toBeGreaterThan(3.7);
    expect(errors[0] / errors[1]).toBeLessThan(4.3);
  });

  test('with unequal steps is exact where velocities are linear in the level', () => {
    // dx/dt = 2t from t = 1: x(t) = t^2. After an Euler step that is made exact by hand.
    let [x, old] = [0.49, 2];
    for (const [before, level, next] of [
      [1, 0.7, 0.6],
      [0.7, 0.6, 0.1],
      [0.6, 0.1, 0],
    ]) {
      const { step, correction } = extrapolated(next - level, level - before);
      x += step * 2 * level + correction * old;
      old = 2 * level;
      expect(x).toBeCloseTo(next ** 2, 12);
    }
  });
});

describe('guidance with a range of levels', () => {
  const guidances = (options: Partial<PassOptions>) =>
    rows({ method: 'euler', steps: 10, from: 1, guidance: 2, ...options }).map(({ guidance }) => guidance);

  test('acts at the levels of the range, both ends included', () => {
    expect(guidances({ guidanceRange: [0.2, 0.8] })).toEqual([1, 1, 2, 2, 2, 2, 2, 2, 2, 1]);
    expect(guidances({ guidanceRange: [0, 0.1], method: 'adams' })).toEqual([...Array(9).fill(1), 2]);
    expect(guidances({ guidanceRange: [0.35, 1], from: 0.5, steps: 5 })).toEqual([2, 2, 1, 1, 1]);
  });

  test('acts at all levels by default', () => {
    expect(guidances({})).toEqual(Array(10).fill(2));
  });
});

test('the method mix goes an equal share of the remaining way in each step', () => {
  expect(rows({ method: 'mix', steps: 4, from: 1, guidance: 1 })).toEqual(
    [1, 0.75, 0.5, 0.25].map((level, i) => ({
      ...{ ...common, ...whole, guidance: 1, level, step: 0, correction: 0 },
      share: Math.fround(1 / (4 - i)),
    })),
  );
});

describe('the polish of a run', () => {
  const polished = {
    method: 'adams',
    steps: 3,
    from: 0.5,
    guidance: 2,
    polish: { noises: 3, level: 0.25 },
  } as const;

  test('follows the steps: noise on all pixels, a step to the prediction, an equal share of the mean, each time', () => {
    const { polish: _, ...plain } = polished;
    const passes = passesOf(polished, 5);
    expect(passes.slice(0, 3)).toEqual(passesOf(plain, 5));
    const rest = passes.slice(3);
    expect(rest.map(({ row }) => read(row))).toEqual(
      [1, Math.fround(1 / 2), Math.fround(1 / 3)].map((share) => ({
        ...{ level: 0.25, step: -0.25, correction: 0, guidance: 2, knownFrom: -1, share },
      })),
    );
    expect(rest.map(({ begins, ends, polish }) => ({ begins, ends, polish }))).toEqual([
      { begins: false, ends: false, polish: 0 },
      { begins: false, ends: false, polish: 1 },
      { begins: false, ends: true, polish: 2 },
    ]);
    expect(read(meanRow())).toMatchObject({ level: 0, knownFrom: -1 });
  });

  test('has its own noises, which follow from the seed', () => {
    const seeds = (seed: number) =>
      passesOf(polished, seed).map(({ row }) => new Uint32Array(row.buffer)[SAMPLING_STEP.seed]);
    const made = [5, 6].flatMap(seeds).filter((seed) => seed !== 0);
    expect(new Set(made).size).toBe(6);
    expect(seeds(5).slice(3)).toEqual([0, 1, 2].map((i) => threefry(5, STREAM.polish, i, 0)[0]));
  });

  test('is guided where its level is within the guidance range', () => {
    const guidances = (guidanceRange: readonly [number, number]) =>
      passesOf({ ...polished, guidanceRange }, 0).map(({ row }) => read(row).guidance);
    expect(guidances([0, 0.2])).toEqual([1, 1, 2, 1, 1, 1]);
    expect(guidances([0.2, 0.4])).toEqual([1, 2, 1, 2, 2, 2]);
  });

  test('makes the image that is shown as its prediction', () => {
    const [input, after, velocity] = [1, 2, 3].map((v) => Float32Array.of(v));
    expect(predictionOf(polished, 3, { input, after, velocity })).toEqual(after);
    expect(predictionOf(polished, 2, { input, after, velocity })).not.toEqual(after);
  });
});

test('noise is put on all pixels before a run, and in the end the known pixels of the mask are exact', () => {
  const seed = 0xffffffff;
  const first = firstRow(0.5, seed);
  expect(read(first)).toMatchObject({ level: 0.5, knownFrom: -1 });
  expect(new Uint32Array(first.buffer)[SAMPLING_STEP.seed]).toBe(seed);
  expect(read(lastRow())).toMatchObject({ level: 0, knownFrom: 0.5 });
  for (const { row } of passesOf({ method: 'heun', steps: 2, from: 1, guidance: 1 }, 0))
    expect(row).toHaveLength(ROW_WORDS);
});
