import type { ConvertedShape } from '../kernels/chwn_to_nhwc';
import type { Arrays } from '../plan/reference';
import { atMost, IMAGES, MAP, type SmallCase } from '../plan/small_case';

/** The first `count` images of `input` [channels][height][width][batch] as [image][height][width][channels], or as pictures from 0 to 1. */
export function reference(
  { channels, height, width, batch, count = batch, pictures }: ConvertedShape,
  { input }: Arrays,
) {
  const images = new Float64Array(channels * height * width * count);
  let i = 0;
  for (let n = 0; n < count; n++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        for (let c = 0; c < channels; c++) {
          const value = input[((c * height + y) * width + x) * batch + n];
          images[i++] = pictures ? Math.min(Math.max(0.5 * value + 0.5, 0), 1) : value;
        }
  return { images };
}

export const small: SmallCase<ConvertedShape> = {
  shape: atMost<ConvertedShape>({ ...MAP, count: IMAGES }),
};
