import type { CallerImageShape } from '../kernels/nhwc_to_chwn';
import type { Arrays } from '../plan/reference';
import { atMost, IMAGES, MAP, type SmallCase } from '../plan/small_case';

/** The first `count` images of `input` [channels][height][width][batch] as [image][height][width][channels]. */
export function reference(
  { channels, height, width, batch, count = batch }: CallerImageShape,
  { input }: Arrays,
) {
  const images = new Float64Array(channels * height * width * count);
  let i = 0;
  for (let n = 0; n < count; n++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        for (let c = 0; c < channels; c++) images[i++] = input[((c * height + y) * width + x) * batch + n];
  return { images };
}

export const small: SmallCase<CallerImageShape> = {
  shape: atMost<CallerImageShape>({ ...MAP, count: IMAGES }),
};
