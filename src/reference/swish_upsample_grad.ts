import type { ResidualShape } from '../kernels/swish';
import type { ImageShape } from '../kernels/swish_max_pool';
import type { Arrays, Values } from '../plan/reference';
import { atMost, MAP, pre, type SmallCase } from '../plan/small_case';
import { throughSwish } from './swish';

/** [channels][height][width][batch]: the sum of each 2x2 window of `grad_output`, which has twice the height and width. */
export function sumsOfWindows(
  { channels, height, width, batch }: ImageShape,
  grad_output: Values,
): Float64Array {
  const sums = new Float64Array(grad_output.length / 4);
  let i = 0;
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < 2 * height; y++)
      for (let x = 0; x < 2 * width; x++) {
        const to = ((c * height + (y >> 1)) * width + (x >> 1)) * batch;
        for (let n = 0; n < batch; n++) sums[to + n] += grad_output[i++];
      }
  return sums;
}

/** The gradient back through upsampling and swish. `grad_residual`: before swish. */
export function reference(shape: ImageShape & ResidualShape, { pre, grad_output }: Arrays) {
  const sums = sumsOfWindows(shape, grad_output);
  return {
    grad: throughSwish(sums, pre),
    ...(shape.residual ? { grad_residual: sums } : {}),
  };
}

export const small: SmallCase<ImageShape> = {
  shape: atMost<ImageShape>(MAP),
  values: { pre },
};
