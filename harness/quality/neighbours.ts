/** A point's ball reaches to its k-th nearest neighbour. */
const k = 5;

/** The least number of points at which each has k neighbours. */
export const fewestPoints = k + 1;

/** Points, each with its squared distance to the fifth nearest other point: balls that together cover where such points lie. */
interface Balls {
  /** [count][size] */
  points: Float32Array;
  size: number;
  /** [count], squared distances */
  reach: Float64Array;
}

/** The balls of `points`, [count][size], at least `fewestPoints` of them. */
export function findBalls(points: Float32Array, size: number): Balls {
  const count = points.length / size;
  const reach = new Float64Array(count);
  // The nearest point is the point itself, at distance 0.
  const nearest = new Float64Array(k + 1);
  for (let i = 0; i < count; i++) {
    nearest.fill(Infinity);
    for (let j = 0; j < count; j++) {
      const distance = squaredDistance(points, i * size, points, j * size, size);
      if (distance >= nearest[k]) continue;
      let at = k;
      for (; at > 0 && nearest[at - 1] > distance; at--) nearest[at] = nearest[at - 1];
      nearest[at] = distance;
    }
    reach[i] = nearest[k];
  }
  return { points, size, reach };
}

/**
 * Returns the share of points of `generated` that lie in a ball of `real` (precision), and the share of points of `real` that lie in a ball
 * of `generated` (recall): Kynkäänniemi et al., https://arxiv.org/abs/1904.06991
 */
export function precisionAndRecall(real: Balls, generated: Balls): { precision: number; recall: number } {
  const { size } = real;
  const reals = real.reach.length;
  const count = generated.reach.length;
  const found = new Uint8Array(reals);
  let precise = 0;
  for (let i = 0; i < count; i++) {
    let inside = false;
    for (let j = 0; j < reals; j++) {
      const distance = squaredDistance(generated.points, i * size, real.points, j * size, size);
      if (distance <= real.reach[j]) inside = true;
      if (distance <= generated.reach[i]) found[j] = 1;
    }
    if (inside) precise++;
  }
  const recalled = found.reduce((sum, one) => sum + one, 0);
  return { precision: precise / count, recall: recalled / reals };
}

function squaredDistance(a: Float32Array, i: number, b: Float32Array, j: number, size: number): number {
  let sum = 0;
  for (let end = i + size; i < end; i++, j++) sum += (a[i] - b[j]) ** 2;
  return sum;
}
