import { expect, test } from 'vitest';
import { eigenSymmetric } from '../../../harness/quality/eigen';
import { random } from './random';

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
