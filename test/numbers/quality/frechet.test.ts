import { expect, test } from 'vitest';
import { fitGaussian, frechetDistance } from '../../../harness/quality/frechet';
import { random } from './random';

test('Fréchet distance of covariances that do not commute: the formula for two dimensions', () => {
  const a = { mean: Float64Array.of(0, 0), covariance: Float64Array.of(4, 1.5, 1.5, 1) };
  const b = { mean: Float64Array.of(0.5, -1), covariance: Float64Array.of(2, -1, -1, 3) };
  // For two by two, trace (A B)^(1/2) is the root of trace A B + 2 (det A det B)^(1/2).
  const traceOfProduct = 4 * 2 + 1.5 * -1 + 1.5 * -1 + 1 * 3;
  const determinants = (4 * 1 - 1.5 ** 2) * (2 * 3 - 1);
  const expected = 1.25 + 5 + 5 - 2 * Math.sqrt(traceOfProduct + 2 * Math.sqrt(determinants));
  expect(frechetDistance(a, b)).toBeCloseTo(expected, 10);
  expect(frechetDistance(b, a)).toBeCloseTo(expected, 10);
});

test('Fréchet distance of a set from itself is 0, and from a shifted copy the square of the shift', () => {
  const next = random(2);
  const size = 16;
  const points = Float32Array.from({ length: 100 * size }, () => next());
  // A feature that never changes has a covariance of 0.
  for (let i = 3; i < points.length; i += size) points[i] = 0.25;
  const shifted = points.map((value) => value + 1);
  const a = fitGaussian(points, size);
  expect(frechetDistance(a, a)).toBeCloseTo(0, 6);
  expect(frechetDistance(a, fitGaussian(shifted, size))).toBeCloseTo(size, 5);
});

test('mean and covariance of a set are unbiased', () => {
  const { mean, covariance } = fitGaussian(Float32Array.of(1, 10, 2, 30, 6, 20), 2);
  expect([...mean]).toEqual([3, 20]);
  expect([...covariance]).toEqual([7, 5, 5, 100]);
});
