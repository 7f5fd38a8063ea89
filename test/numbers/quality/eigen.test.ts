import { expect, test } from 'vitest';
import { eigenSymmetric } from '../../../harness/quality/eigen';
import { random } from './random';

const sorted = (values: Float64Array) => [...values].sort((a, b) => a - b);

test('a 2 x 2 matrix has the known eigenvalues', () => {
  expect(sorted(eigenSymmetric(Float64Array.of(2, 1, 1, 2), 2).values)).toEqual([
    expect.closeTo(1, 12),
    expect.closeTo(3, 12),
  ]);
});

test('a diagonal matrix has its diagonal as eigenvalues, with zeros and negatives', () => {
  const { values, vectors } = eigenSymmetric(Float64Array.of(5, 0, 0, 0, -2, 0, 0, 0, 0), 3);
  expect([...values]).toEqual([5, -2, 0]);
  expect([...vectors]).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1]);
});

test('the eigenvalues of the second difference agree with the formula', () => {
  // 2 on the diagonal, -1 beside it: 2 - 2 cos(k pi / (n + 1)).
  const n = 64;
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    matrix[i * n + i] = 2;
    if (i > 0) matrix[i * n + i - 1] = matrix[(i - 1) * n + i] = -1;
  }
  const values = sorted(eigenSymmetric(matrix, n).values);
  for (let k = 1; k <= n; k++) {
    expect(values[k - 1]).toBeCloseTo(2 - 2 * Math.cos((k * Math.PI) / (n + 1)), 12);
  }
});

test('eigenvalues and eigenvectors make up the matrix again, and the vectors are orthonormal', () => {
  const n = 64;
  const next = random(1);
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) matrix[i * n + j] = matrix[j * n + i] = 200 * next() - 100;
  }
  const given = matrix.slice();
  const { values, vectors } = eigenSymmetric(matrix, n);
  expect(matrix).toEqual(given);

  let worst = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let entry = 0;
      let product = 0;
      for (let k = 0; k < n; k++) {
        entry += vectors[i * n + k] * values[k] * vectors[j * n + k];
        product += vectors[k * n + i] * vectors[k * n + j];
      }
      worst = Math.max(worst, Math.abs(entry - matrix[i * n + j]) / 100);
      worst = Math.max(worst, Math.abs(product - (i === j ? 1 : 0)));
    }
  }
  expect(worst).toBeLessThan(1e-12);
});
