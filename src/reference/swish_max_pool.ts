import type { ImageShape } from '../kernels/swish_max_pool';
import type { Arrays, Values } from '../plan/reference';
import { atMost, MAP, residual, type SmallCase } from '../plan/small_case';
import { activated } from './swish';

/** The maximum of each 2x2 window of `input` [channels][height][width][batch]. */
export function largestOfWindows(
  { channels, height, width, batch }: ImageShape,
  input: Values,
): Float64Array {
  const output = new Float64Array(input.length / 4);
  const at = (c: number, y: number, x: number, n: number) =>
    input[((c * height + y) * width + x) * batch + n];
  let i = 0;
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < height; y += 2)
      for (let x = 0; x < width; x += 2)
        for (let n = 0; n < batch; n++)
          output[i++] = Math.max(
            at(c, y, x, n),
            at(c, y, x + 1, n),
            at(c, y + 1, x, n),
            at(c, y + 1, x + 1, n),
          );
  return output;
}

/** swish, then pooling. */
export const reference = (shape: ImageShape, { input, residual }: Arrays) => ({
  output: largestOfWindows(shape, activated(input, residual)),
});

export const small: SmallCase<ImageShape> = {
  shape: atMost<ImageShape>(MAP),
  values: { residual },
};
