import { normal } from '../base/random';
import type { CorruptShape } from '../kernels/corrupt';
import type { Arrays } from '../plan/reference';
import { eachPixel, noiseWords } from './corrupt';

/** Maps a byte to a number from -1 to 1. */
export const signedPixel = ({ binarize }: CorruptShape, byte: number) =>
  binarize ? (byte > 127 ? 1 : -1) : byte / 127.5 - 1;

/** The batch's images mixed with Gaussian noise, and noise - image, both [channels][height][width][batch]; 0 in padded slots. */
export function reference(shape: CorruptShape, inputs: Arrays) {
  const { channels, height, width, batch } = shape;
  const { state, levels } = inputs;
  const noisy = new Float64Array(channels * height * width * batch);
  const velocity = new Float64Array(noisy.length);
  eachPixel(shape, inputs, (n, e, byte) => {
    const value = signedPixel(shape, byte);
    const noise = normal(noiseWords(shape, state, n, e))[n % 2];
    noisy[e * batch + n] = (1 - levels[n]) * value + levels[n] * noise;
    velocity[e * batch + n] = noise - value;
  });
  return { noisy, velocity };
}
