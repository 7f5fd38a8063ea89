/** The distribution of the values of pictures, and the difference of two pictures. Pure. */

/** The share of values in each of `bins` equal parts of the range from `low` to `high`; values beyond it count with the first or last part. */
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
