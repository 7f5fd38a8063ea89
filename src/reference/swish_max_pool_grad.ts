import type { ImageShape } from '../kernels/swish_max_pool';
import type { Arrays } from '../plan/reference';
import { swishAt } from './swish';

/** `grad` [channels][height][width][batch] and the gradient of the pooled map, which goes to the first largest of each window. */
export function throughPooling(
  { channels, height, width, batch }: ImageShape,
  { pre, grad_output, grad }: Arrays,
): Float64Array {
  const sums = Float64Array.from(grad);
  let i = 0;
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < height; y += 2)
      for (let x = 0; x < width; x += 2)
        for (let n = 0; n < batch; n++) {
          let best = -1;
          for (let dy = 0; dy < 2; dy++)
            for (let dx = 0; dx < 2; dx++) {
              const at = ((c * height + y + dy) * width + x + dx) * batch + n;
              if (best < 0 || swishAt(pre[at]).value > swishAt(pre[best]).value) best = at;
            }
          sums[best] += grad_output[i++];
        }
  return sums;
}

/** Both of them back through swish, in place of `grad`, which comes by the skip connection. */
export const reference = (shape: ImageShape, inputs: Arrays) => ({
  grad: throughPooling(shape, inputs).map((sum, k) => sum * swishAt(inputs.pre[k]).slope),
});
