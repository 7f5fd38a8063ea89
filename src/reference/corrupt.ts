import { STREAM, threefry, uniform } from '../base/random';
import type { CorruptShape } from '../kernels/corrupt';
import type { Arrays, Values } from '../plan/reference';
import { STATE } from '../plan/step_state';

/** Calls `visit(slot in the batch, index in [channels][height][width], byte of the data set)` for all pixels of a batch's images. */
export function eachPixel(
  { channels, height, width }: CorruptShape,
  { images, order, state }: Arrays,
  visit: (n: number, e: number, byte: number) => void,
): void {
  const bytes = new Uint8Array(images.buffer, images.byteOffset);
  for (let n = 0; n < state[STATE.count]; n++) {
    const from = order[state[STATE.batchStart] + n] * channels * height * width;
    let e = 0;
    for (let c = 0; c < channels; c++)
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) visit(n, e++, bytes[from + (y * width + x) * channels + c]);
  }
}

/** The two random words of a pixel, which two images share: the even image uses the first word, the odd image the second. */
export const noiseWords = (
  { channels, height, width, seed }: CorruptShape,
  state: Values,
  n: number,
  e: number,
) => threefry(seed, STREAM.noise, state[STATE.step], (n >> 1) * channels * height * width + e);

/** The batch's images, and the same mixed with uniform noise, both [channels][height][width][batch]; 0 in padded slots. */
export function reference(shape: CorruptShape, inputs: Arrays) {
  const { channels, height, width, batch, seed, binarize } = shape;
  const { state } = inputs;
  const clean = new Float64Array(channels * height * width * batch);
  const noisy = new Float64Array(clean.length);
  const amounts = Float64Array.from({ length: batch }, (_, n) =>
    uniform(threefry(seed, STREAM.amount, state[STATE.step], n)[0]),
  );
  eachPixel(shape, inputs, (n, e, byte) => {
    const value = binarize ? Number(byte > 127) : byte / 255;
    const noise = uniform(noiseWords(shape, state, n, e)[n % 2]);
    clean[e * batch + n] = value;
    noisy[e * batch + n] = value * (1 - amounts[n]) + noise * amounts[n];
  });
  return { clean, noisy };
}
