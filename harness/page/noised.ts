/** The noise that goes into drawings: the same on the page, which shows it at once, and in the worker, which takes it away. Pure. */
import { normal, STREAM, threefry } from '../../src/base/random';

/** Gaussian noise for `count` images of `size` pixels: what sampling with this seed starts from. */
export function gaussianNoise(seed: number, count: number, size: number): Float32Array<ArrayBuffer> {
  const noise = new Float32Array(count * size);
  for (let image = 0; image < count; image++) noise.set(imageNoise(seed, image, size), image * size);
  return noise;
}

/** That of one of the images. */
export function imageNoise(seed: number, image: number, size: number): Float32Array<ArrayBuffer> {
  // A draw gives two numbers, for two images.
  return Float32Array.from(
    { length: size },
    (_, i) => normal(threefry(seed, STREAM.sample, image >>> 1, i))[image % 2],
  );
}

/** An image with a share of noise, as a flow mixes it; both from 0 to 1, noise beyond. */
export function noised(image: Float32Array, level: number, seed: number): Float32Array<ArrayBuffer> {
  const noise = gaussianNoise(seed, 1, image.length);
  return Float32Array.from(image, (value, i) => (1 - level) * value + level * (0.5 * noise[i] + 0.5));
}
