/** What a run of sampling asks of the network, pass by pass. */
import { describe, expect, test } from 'vitest';
import {
  firstRow,
  lastRow,
  levelAt,
  type PassOptions,
  passesOf,
  ROW_WORDS,
  SHARE_AT,
} from '../../src/sampling/passes';
import { SAMPLING_STEP } from '../../src/sampling/step';

/** A row in words. */
const read = (row: Float32Array) => {
  const [level, step, correction, guidance, knownFrom] = Object.values(SAMPLING_STEP).map((at) => row[at]);
  return { level, step, correction, guidance, knownFrom, share: row[SHARE_AT] };
};
const rows = (options: PassOptions) =>
  passesOf(options).map(({ row, begins, ends }) => ({ ...read(row), begins, ends }));

const common = { guidance: 2, knownFrom: 0.5, share: 0 };
const whole = { begins: true, ends: true };

test('levels go down evenly to 0', () => {
  expect([0, 1, 2, 3, 4].map((done) => levelAt({ from: 1, steps: 4 }, done))).toEqual([
    1, 0.75, 0.5, 0.25, 0,
  ]);
  expect(levelAt({ from: 0.5, steps: 4 }, 3)).toBe(0.125);
});

test('Euler looks at the beginning of each step, and goes all of it', () => {
  expect(rows({ method: 'euler', steps: 4, from: 1, guidance: 2 })).toEqual(
    [1, 0.75, 0.5, 0.25].map((level) => ({ ...common, ...whole, level, step: -0.25, correction: 0 })),
  );
});

describe('Heun', () => {
  test('looks at both ends of each step but the last, and goes by the mean', () => {
    const [first, second] = [
      { ...common, step: -0.25, correction: 0, begins: true, ends: false },
      { ...common, step: -0.125, correction: 0.125, begins: false, ends: true },
    ];
    expect(rows({ method: 'heun', steps: 2, from: 0.5, guidance: 2 })).toEqual([
      { ...first, level: 0.5 },
      { ...second, level: 0.25 },
      { ...first, level: 0.25, ends: true },
    ]);
    expect(passesOf({ method: 'heun', steps: 7, from: 1, guidance: 1 })).toHaveLength(13);
  });

  test('is Euler where there is one step', () => {
    const options = { steps: 1, from: 0.7, guidance: 1 };
    expect(passesOf({ method: 'heun', ...options })).toEqual(passesOf({ method: 'euler', ...options }));
  });

  test('is exact where velocities grow with the level', () => {
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

test('a mix goes a share of the way that is left', () => {
  expect(rows({ method: 'mix', steps: 4, from: 1, guidance: 1 })).toEqual(
    [1, 0.75, 0.5, 0.25].map((level, i) => ({
      ...{ ...common, ...whole, guidance: 1, level, step: 0, correction: 0 },
      share: Math.fround(1 / (4 - i)),
    })),
  );
});

test('all pixels are known before, those of the mask after', () => {
  expect(read(firstRow(0.5))).toMatchObject({ level: 0.5, knownFrom: -1 });
  expect(read(lastRow())).toMatchObject({ level: 0, knownFrom: 0.5 });
  for (const { row } of passesOf({ method: 'heun', steps: 2, from: 1, guidance: 1 }))
    expect(row).toHaveLength(ROW_WORDS);
});
