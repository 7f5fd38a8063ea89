import { eigenSymmetric } from './eigen';

/** The normal distribution by which the Fréchet distance describes a set of points. */
export interface Gaussian {
  /** [size] */
  mean: Float64Array;
  /** [size][size], unbiased: sums over `count` points divided by `count - 1`. */
  covariance: Float64Array;
}

/** Mean and covariance of `points`, [count][size], two or more. */
export function fitGaussian(points: Float32Array, size: number): Gaussian {
  const count = points.length / size;
  const mean = new Float64Array(size);
  for (let i = 0; i < points.length; i++) mean[i % size] += points[i];
  for (let i = 0; i < size; i++) mean[i] /= count;

  const covariance = new Float64Array(size * size);
  const apart = new Float64Array(size);
  for (let from = 0; from < points.length; from += size) {
    for (let i = 0; i < size; i++) apart[i] = points[from + i] - mean[i];
    for (let i = 0; i < size; i++) {
      for (let j = 0; j <= i; j++) covariance[i * size + j] += apart[i] * apart[j];
    }
  }
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      covariance[i * size + j] /= count - 1;
      covariance[j * size + i] = covariance[i * size + j];
    }
  }
  return { mean, covariance };
}

/**
 * The Fréchet distance of two normal distributions, squared as is usual (FID is the same on features of another network):
 * `|mean a - mean b|^2 + trace(A + B - 2 (A B)^(1/2))`, where A and B are the covariances.
 */
export function frechetDistance(a: Gaussian, b: Gaussian): number {
  const size = a.mean.length;
  let distance = 0;
  for (let i = 0; i < size; i++) {
    distance += (a.mean[i] - b.mean[i]) ** 2 + a.covariance[i * size + i] + b.covariance[i * size + i];
  }
  // A B has the eigenvalues of A^(1/2) B A^(1/2), which is symmetric. Rounding may make eigenvalues near 0 negative.
  const root = squareRoot(a.covariance, size);
  const { values } = eigenSymmetric(multiply(multiply(root, b.covariance, size), root, size), size);
  for (const value of values) distance -= 2 * Math.sqrt(Math.max(value, 0));
  return distance;
}

/** The symmetric square root of `matrix`, [n][n], which is symmetric and has no negative eigenvalues. */
function squareRoot(matrix: Float64Array, n: number): Float64Array {
  const { values, vectors } = eigenSymmetric(matrix, n);
  const stretched = new Float64Array(n * n);
  const transposed = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < n; k++) {
      stretched[i * n + k] = vectors[i * n + k] * Math.sqrt(Math.max(values[k], 0));
      transposed[k * n + i] = vectors[i * n + k];
    }
  }
  return multiply(stretched, transposed, n);
}

function multiply(a: Float64Array, b: Float64Array, n: number): Float64Array {
  const product = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < n; k++) {
      for (let j = 0; j < n; j++) product[i * n + j] += a[i * n + k] * b[k * n + j];
    }
  }
  return product;
}
