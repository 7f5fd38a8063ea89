import { normal, STREAM, threefry, uniform } from '../base/random';
import type { NoiseShape } from '../kernels/noise';
import { atMost, IMAGES, MAP, type SmallCase } from '../plan/small_case';

/** Numbers [channels][height][width][batch] made from pairs of random words; two images share a pair. 0 in padded slots. */
export function fromWords(
  { channels, height, width, batch, count, seed }: NoiseShape,
  make: (words: [number, number], which: number) => number,
): Float64Array {
  const elements = channels * height * width;
  const values = new Float64Array(elements * batch);
  for (let e = 0; e < elements; e++)
    for (let n = 0; n < count; n++)
      values[e * batch + n] = make(threefry(seed, STREAM.sample, n >> 1, e), n % 2);
  return values;
}

/** Noise, uniform in [0, 1) or standard normal. */
export const reference = (shape: NoiseShape) => ({
  output: fromWords(shape, (words, which) => (shape.gaussian ? normal(words)[which] : uniform(words[which]))),
});

export const small: SmallCase<NoiseShape> = { shape: atMost<NoiseShape>({ ...MAP, count: IMAGES }) };
