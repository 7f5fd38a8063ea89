import { expect, test } from 'vitest';
import { findBalls, precisionAndRecall } from '../../../harness/quality/neighbours';

/** Points on a line. */
const line = (...points: number[]) => findBalls(Float32Array.from(points), 1);

test('the ball of a point reaches to its fifth nearest other point', () => {
  expect([...line(0, 1, 2, 3, 4, 5, 6).reach]).toEqual([25, 16, 9, 9, 9, 16, 25]);
});

test('distances between points count all coordinates', () => {
  const points = Float32Array.of(0, 0, 3, 4, 3, 4, 3, 4, 3, 4, 6, 8);
  expect([...findBalls(points, 2).reach]).toEqual([100, 25, 25, 25, 25, 100]);
});

test('precision is the share of generated points in balls of real ones, recall the reverse', () => {
  // Real balls together cover -5 to 10; generated ones, each 5 wide, -3 to 12 and 95 to 110.
  const real = line(0, 1, 2, 3, 4, 5);
  const generated = line(2, 3, 4, 5, 6, 7, 100, 101, 102, 103, 104, 105);
  expect(precisionAndRecall(real, generated)).toEqual({ precision: 0.5, recall: 1 });
  expect(precisionAndRecall(generated, real)).toEqual({ precision: 1, recall: 0.5 });
});

test('a point on the edge of a ball lies in the ball', () => {
  const real = line(0, 0, 0, 0, 0, 1);
  const reach = [...real.reach];
  expect(reach).toEqual([1, 1, 1, 1, 1, 1]);
  expect(precisionAndRecall(real, line(2, 2, 2, 2, 2, 2.5)).precision).toBeCloseTo(5 / 6, 12);
});

test('the balls of points that are all the same contain no other points', () => {
  const same = line(3, 3, 3, 3, 3, 3, 3);
  expect(precisionAndRecall(line(0, 1, 2, 4, 5, 6), same)).toEqual({ precision: 1, recall: 0 });
});
