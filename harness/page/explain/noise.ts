/** Noise as the two recipes know it, and how its values are spread. Pure. */

/** The share of a bell curve below z: makes uniform noise from 0 to 1 of Gaussian noise, so that both recipes can begin with the same. */
export function uniformOf(z: number): number {
  // Abramowitz and Stegun, 7.1.26: right to 1e-7.
  const u = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * u);
  const polynomial =
    t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const above = 0.5 * polynomial * Math.exp(-u * u);
  return z < 0 ? above : 1 - above;
}

/** The share of values in each of `bins` equal parts of the range from `low` to `high`; what is beyond counts with the first or last. */
export function spread(values: ArrayLike<number>, low: number, high: number, bins: number): number[] {
  const counts = new Array<number>(bins).fill(0);
  for (let i = 0; i < values.length; i++) {
    const bin = Math.floor((bins * (values[i] - low)) / (high - low));
    counts[Math.min(Math.max(bin, 0), bins - 1)]++;
  }
  return counts.map((n) => n / values.length);
}

/** The mean squared difference of two pictures of bytes, of pixels from 0 to 1. */
export function errorOf(picture: Uint8Array, truth: Uint8Array): number {
  return picture.reduce((sum, value, i) => sum + ((value - truth[i]) / 255) ** 2, 0) / picture.length;
}
