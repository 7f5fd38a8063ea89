import type { ResidualShape } from '../kernels/swish';
import type { ImageShape } from '../kernels/swish_max_pool';
import type { Arrays, Values } from '../plan/reference';
import { atMost, MAP, pre, residual, type SmallCase } from '../plan/small_case';
import { activated, throughSwish } from './swish';

/** Adds the gradient of each 2x2 window's maximum, `grad_output`, to `sums` at the first maximum of `pooled` [channels][height][width][batch]. */
export function toLargestOfWindows(
  { channels, height, width, batch }: ImageShape,
  pooled: Values,
  grad_output: Values,
  sums: Float64Array,
): void {
  let i = 0;
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < height; y += 2)
      for (let x = 0; x < width; x += 2)
        for (let n = 0; n < batch; n++) {
          let best = -1;
          for (let dy = 0; dy < 2; dy++)
            for (let dx = 0; dx < 2; dx++) {
              const at = ((c * height + y + dy) * width + x + dx) * batch + n;
              if (best < 0 || pooled[at] > pooled[best]) best = at;
            }
          sums[best] += grad_output[i++];
        }
}

/** `grad` [channels][height][width][batch] plus the gradient of the pooled map, which goes to the first maximum of each window. */
export function throughPooling(
  shape: ImageShape,
  { pre, grad_output, grad, residual }: Arrays,
): Float64Array {
  const sums = new Float64Array(grad);
  toLargestOfWindows(shape, activated(pre, residual), grad_output, sums);
  return sums;
}

/** Both gradients back through swish, in place of `grad`, which came through the skip connection. `grad_residual`: before swish. */
export function reference(shape: ImageShape & ResidualShape, inputs: Arrays) {
  const sums = throughPooling(shape, inputs);
  return {
    grad: throughSwish(sums, inputs.pre),
    ...(shape.residual ? { grad_residual: sums } : {}),
  };
}

export const small: SmallCase<ImageShape> = {
  shape: atMost<ImageShape>(MAP),
  values: { pre, residual },
};
