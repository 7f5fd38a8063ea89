import { normal, STREAM, threefry, uniform } from '../base/random';
import type { CorruptImagesShape } from '../kernels/corrupt_images';
import type { Arrays, Values } from '../plan/reference';
import { STATE } from '../plan/step_state';

/** Calls `visit(index, image, the two random words of the pair of images that it belongs to)` for all values. */
export function eachValue(
  { count, height, width, channels, seed }: CorruptImagesShape,
  state: Values,
  visit: (at: number, n: number, words: [number, number]) => void,
): void {
  const elements = height * width * channels;
  let at = 0;
  for (let n = 0; n < count; n++)
    for (let p = 0; p < height * width; p++)
      for (let c = 0; c < channels; c++) {
        const element = (n >> 1) * elements + c * height * width + p;
        visit(at++, n, threefry(seed, STREAM.noise, state[STATE.step], element));
      }
}

/** The images mixed with noise, and what a network should make of them. */
export function reference(shape: CorruptImagesShape, { images, state, levels }: Arrays) {
  const noisy = new Float64Array(images.length);
  const truth = new Float64Array(images.length);
  eachValue(shape, state, (at, n, words) => {
    const x = shape.flow ? 2 * images[at] - 1 : images[at];
    const e = shape.flow ? normal(words)[n % 2] : uniform(words[n % 2]);
    noisy[at] = (1 - levels[n]) * x + levels[n] * e;
    truth[at] = shape.flow ? e - x : x;
  });
  return { noisy, truth };
}
