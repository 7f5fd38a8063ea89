import type { ImageShape } from '../kernels/swish_max_pool';
import type { Arrays, Values } from '../plan/reference';
import { atMost, MAP, residual, type SmallCase } from '../plan/small_case';
import { activated } from './swish';

/** `input` [channels][height][width][batch], each pixel four times, plus `skip`, which has twice the height and width. */
export function upsampleAdd(
  { channels, height, width, batch }: ImageShape,
  input: Values,
  skip: Values,
): Float64Array {
  const output = new Float64Array(skip.length);
  let i = 0;
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < 2 * height; y++)
      for (let x = 0; x < 2 * width; x++) {
        const from = ((c * height + (y >> 1)) * width + (x >> 1)) * batch;
        for (let n = 0; n < batch; n++, i++) output[i] = input[from + n] + skip[i];
      }
  return output;
}

/** swish of both, upsampling, then the sum. */
export const reference = (shape: ImageShape, { input, skip, residual, skip_residual }: Arrays) => ({
  output: upsampleAdd(shape, activated(input, residual), activated(skip, skip_residual)),
});

export const small: SmallCase<ImageShape> = {
  shape: atMost<ImageShape>(MAP),
  values: { residual },
};
