/** The eigenvalues of a symmetric matrix, in no particular order, and their eigenvectors. */
interface Eigen {
  /** [n] */
  values: Float64Array;
  /** [n][n]: column k is the unit vector of `values[k]`. */
  vectors: Float64Array;
}

/** Jacobi's method converges quadratically: 6 to 10 sweeps suffice for a hundred rows. */
const maxSweeps = 50;

/**
 * Decomposes a symmetric matrix by Jacobi's cyclic method: rotates the plane of each pair of axes in turn so that the pair's entry becomes
 * zero, until all off-diagonal entries are zero (Golub & Van Loan, Matrix Computations, 8.5).
 *
 * @param matrix [n][n], symmetric and finite
 */
export function eigenSymmetric(matrix: Float64Array, n: number): Eigen {
  const a = matrix.slice();
  const vectors = new Float64Array(n * n);
  for (let i = 0; i < n; i++) vectors[i * n + i] = 1;
  const total = a.reduce((sum, value) => sum + value * value, 0);

  for (let sweep = 0; sweep < maxSweeps; sweep++) {
    let beside = 0;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) beside += 2 * a[p * n + q] ** 2;
    if (beside <= 1e-30 * total) break;

    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const entry = a[p * n + q];
        if (entry === 0) continue;
        // The tangent of the smaller of the two angles that zero the entry.
        const theta = (a[q * n + q] - a[p * n + p]) / (2 * entry);
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const cos = 1 / Math.sqrt(t * t + 1);
        const sin = t * cos;
        turn(a, p, q, n, n, cos, sin);
        turn(a, p * n, q * n, 1, n, cos, sin);
        turn(vectors, p, q, n, n, cos, sin);
      }
    }
  }
  const values = new Float64Array(n);
  for (let i = 0; i < n; i++) values[i] = a[i * n + i];
  return { values, vectors };
}

/** Rotates n pairs of numbers by one angle: the first pair at `i` and `j`, each next one `step` further on. */
function turn(
  a: Float64Array,
  i: number,
  j: number,
  step: number,
  n: number,
  cos: number,
  sin: number,
): void {
  for (let k = 0; k < n; k++, i += step, j += step) {
    const first = a[i];
    const second = a[j];
    a[i] = cos * first - sin * second;
    a[j] = sin * first + cos * second;
  }
}
