/** What can be measured of pictures: the distribution of their values, their difference, and whether they are noise, or blurred. Pure. */
import type { ImageSize } from '../messages/settings';

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
export function meanSquaredError(picture: Uint8Array, truth: Uint8Array): number {
  return picture.reduce((sum, value, i) => sum + ((value - truth[i]) / 255) ** 2, 0) / picture.length;
}

/** In noise, neighbouring pixels differ nearly as much as any two: by twice the variance. In pictures they differ by less than half of it. */
const NOISY = 0.7;
/** Blots have softer edges than the images that they become. */
const SOFT = 0.8;
/** The difference of two pictures that look the same, in variances of one. */
const LITTLE = 0.1;

export const isNoise = (pictures: Uint8Array, size: ImageSize): boolean =>
  edgesOf(pictures, size).roughness > NOISY;

/** Whether pictures have edges as sharp as others of their kind. */
export const areAsSharp = (pictures: Uint8Array, others: Uint8Array, size: ImageSize): boolean =>
  edgesOf(pictures, size).sharpness >= SOFT * edgesOf(others, size).sharpness;

/** Whether one picture is nearly another. */
export function isNearly(picture: Uint8Array, other: Uint8Array): boolean {
  const mean = other.reduce((sum, value) => sum + value, 0) / other.length;
  return (
    meanSquaredError(picture, other) <
    LITTLE * meanSquaredError(other, new Uint8Array(other.length).fill(mean))
  );
}

/** `roughness`: the mean squared difference of neighbours, in variances of a picture. `sharpness`: the mean of the same squares, weighted by themselves. */
function edgesOf(pictures: Uint8Array, { height, width, channels }: ImageSize) {
  const size = height * width * channels;
  const row = width * channels;
  let pairs = 0;
  let squares = 0;
  let fourths = 0;
  let variances = 0;
  for (let at = 0; at < pictures.length; at += size) {
    const picture = pictures.subarray(at, at + size);
    for (let channel = 0; channel < channels; channel++) {
      const values = picture.filter((_, i) => i % channels === channel);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      variances += values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    }
    for (const [i, value] of picture.entries())
      for (const next of [i % row < row - channels ? i + channels : size, i + row]) {
        if (next >= size) continue;
        const square = (value - picture[next]) ** 2;
        pairs++;
        squares += square;
        fourths += square ** 2;
      }
  }
  const variance = variances / ((channels * pictures.length) / size);
  return { roughness: squares / pairs / variance, sharpness: fourths / squares };
}
