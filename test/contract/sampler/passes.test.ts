/** What a run of sampling asks of the network, pass by pass. */
import { describe, expect, test } from 'vitest';
import { STREAM, threefry } from '../../../src/base/random';
import { SAMPLING_STEP } from '../../../src/plan/sampling_step';
import {
  firstRow,
  lastRow,
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
const seedIn = (row: Float32Array) => new Uint32Array(row.buffer)[SAMPLING_STEP.seed];
const rows = (options: PassOptions) =>
  passesOf(options, 0).map(({ row, begins, ends }) => ({ ...read(row), begins, ends }));

const common = { guidance: 2, knownFrom: 0.5, share: 0, correction: 0, begins: true, ends: true };
const levels = [1, 0.75, 0.5, 0.25];

test.each<[method: PassOptions['method'], how: string, run: object, passes: object[]]>([
  ['euler', 'asks once a step, and goes the whole step', {}, levels.map((level) => ({ level, step: -0.25 }))],
  [
    'adams',
    'goes on from the velocity of the step before, after the first step',
    {},
    levels.map((level, i) => ({ level, ...(i ? { step: -0.375, correction: 0.125 } : { step: -0.25 }) })),
  ],
  ['adams', 'is Euler in one step', { steps: 1, from: 0.5 }, [{ level: 0.5, step: -0.5 }]],
  [
    'heun',
    'asks at both ends of each step but the last, and goes by the mean of both velocities',
    { steps: 2, from: 0.5 },
    [
      { level: 0.5, step: -0.25, ends: false },
      { level: 0.25, step: -0.125, correction: 0.125, begins: false },
      { level: 0.25, step: -0.25 },
    ],
  ],
  ['heun', 'is Euler in one step', { steps: 1, from: 0.5 }, [{ level: 0.5, step: -0.5 }]],
  [
    'mix',
    'goes an equal share of the remaining way in each step',
    {},
    levels.map((level, i) => ({ level, step: 0, share: Math.fround(1 / (4 - i)) })),
  ],
])('the method %s %s', (method, _, run, passes) => {
  expect(rows({ method, steps: 4, from: 1, guidance: 2, ...run })).toEqual(
    passes.map((pass) => ({ ...common, ...pass })),
  );
});

test.each(['heun', 'adams'] as const)('the error of %s shrinks with the square of the step', (method) => {
  /** How far x at level 0 is from exp(-1), by dx/dt = x from x = 1 at level 1. */
  const errorOf = (steps: number) => {
    let [x, old] = [1, 0];
    for (const { step, correction } of rows({ method, steps, from: 1, guidance: 1 })) {
      const now = x;
      x += step * now + correction * old;
      old = now;
    }
    return Math.abs(x - Math.exp(-1));
  };
  const ratio = errorOf(20) / errorOf(40);
  expect(ratio).toBeGreaterThan(3.7);
  expect(ratio).toBeLessThan(4.3);
});

test.each<[how: string, options: Partial<PassOptions>, guidances: number[]]>([
  ['all by default', {}, Array(10).fill(2)],
  ['both ends included', { guidanceRange: [0.2, 0.8] }, [1, 1, 2, 2, 2, 2, 2, 2, 2, 1]],
  ['with Adams', { guidanceRange: [0, 0.1], method: 'adams' }, [...Array(9).fill(1), 2]],
  ['of a run from a level', { guidanceRange: [0.35, 1], from: 0.5, steps: 5 }, [2, 2, 1, 1, 1]],
])('guidance acts at the levels of its range: %s', (_, options, guidances) => {
  const all = rows({ method: 'euler', steps: 10, from: 1, guidance: 2, ...options });
  expect(all.map(({ guidance }) => guidance)).toEqual(guidances);
});

describe('the polish of a run', () => {
  const plain = { method: 'adams', steps: 3, from: 0.5, guidance: 2 } as const;
  const polished = { ...plain, polish: { noises: 3, level: 0.25 } };

  test('follows the steps: noise on all pixels, a step to the prediction, an equal share of the mean, each time', () => {
    const passes = passesOf(polished, 5);
    expect(passes.slice(0, 3)).toEqual(passesOf(plain, 5));
    expect(passes.slice(3).map(({ row, ...pass }) => ({ ...read(row), ...pass }))).toEqual(
      [1, Math.fround(1 / 2), Math.fround(1 / 3)].map((share, polish) => ({
        ...{ level: 0.25, step: -0.25, correction: 0, guidance: 2, knownFrom: -1, share },
        ...{ begins: false, ends: polish === 2, polish },
      })),
    );
    expect(read(meanRow())).toMatchObject({ level: 0, knownFrom: -1 });
  });

  test('has its own noises, which follow from the seed', () => {
    const seeds = [5, 6].flatMap((seed) => passesOf(polished, seed).map(({ row }) => seedIn(row)));
    const of = (seed: number) => [0, 0, 0, ...[0, 1, 2].map((i) => threefry(seed, STREAM.polish, i, 0)[0])];
    expect(seeds).toEqual([...of(5), ...of(6)]);
  });

  test.each<[range: [number, number], guidances: number[]]>([
    [
      [0, 0.2],
      [1, 1, 2, 1, 1, 1],
    ],
    [
      [0.2, 0.4],
      [1, 2, 1, 2, 2, 2],
    ],
  ])('is guided where its level is within the guidance range: %j', (guidanceRange, guidances) => {
    expect(rows({ ...polished, guidanceRange }).map(({ guidance }) => guidance)).toEqual(guidances);
  });

  test('makes the image that is shown as its prediction', () => {
    const [input, after, velocity] = [1, 2, 3].map((v) => Float32Array.of(v));
    expect(predictionOf(polished, 3, { input, after, velocity })).toEqual(after);
    expect(predictionOf(polished, 2, { input, after, velocity })).not.toEqual(after);
  });
});

test('noise is put on all pixels before a run, and in the end the known pixels of the mask are exact', () => {
  const first = firstRow(0.5, 0xffffffff);
  expect([read(first), seedIn(first)]).toMatchObject([{ level: 0.5, knownFrom: -1 }, 0xffffffff]);
  expect(first).toHaveLength(ROW_WORDS);
  expect(read(lastRow())).toMatchObject({ level: 0, knownFrom: 0.5 });
});
