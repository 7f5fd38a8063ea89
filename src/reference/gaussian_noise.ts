import { normal } from '../base/random';
import type { NoiseShape } from '../kernels/uniform_noise';
import { fromWords } from './uniform_noise';

/** Standard normal noise [channels][height][width][batch]; 0 in padded slots. */
export const reference = (shape: NoiseShape) => ({
  output: fromWords(shape, (words, which) => normal(words)[which]),
});
