import { normal, STREAM, threefry, uniform } from '../base/random';
import type { NoiseShape } from '../kernels/noise';
import type { Arrays, Values } from '../plan/reference';
import { SAMPLING_STEP, SAMPLING_STEP_WORDS } from '../plan/sampling_step';
import { atMost, IMAGES, MAP, SEED, type SmallCase } from '../plan/small_case';

/** Numbers [channels][height][width][batch] made from pairs of random words; two images share a pair. 0 in padded slots. */
export function fromWords(
  { channels, height, width, batch, count }: NoiseShape,
  step: Values,
  make: (words: [number, number], which: number) => number,
): Float64Array {
  const elements = channels * height * width;
  const values = new Float64Array(elements * batch);
  for (let e = 0; e < elements; e++)
    for (let n = 0; n < count; n++)
      values[e * batch + n] = make(threefry(step[SAMPLING_STEP.seed], STREAM.sample, n >> 1, e), n % 2);
  return values;
}

/** Noise, uniform in [0, 1) or standard normal. */
export const reference = (shape: NoiseShape, { step }: Arrays) => ({
  output: fromWords(shape, step, (words, which) =>
    shape.gaussian ? normal(words)[which] : uniform(words[which]),
  ),
});

/** The words of a step with this seed. */
export function stepWith(seed: number): Uint32Array {
  const words = new Uint32Array(SAMPLING_STEP_WORDS);
  words[SAMPLING_STEP.seed] = seed;
  return words;
}

export const small: SmallCase<NoiseShape> = {
  shape: atMost<NoiseShape>({ ...MAP, count: IMAGES }),
  values: { step: () => stepWith(SEED) },
};
