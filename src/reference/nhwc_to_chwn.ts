import type { CallerImageShape } from '../kernels/nhwc_to_chwn';
import type { Arrays } from '../plan/reference';
import { atMost, IMAGES, MAP, type SmallCase, state } from '../plan/small_case';
import { STATE } from '../plan/step_state';

/** `images` [image][height][width][channels] as [channels][height][width][batch]; 0 in padded slots. */
export function reference({ channels, height, width, batch }: CallerImageShape, { images, state }: Arrays) {
  const output = new Float64Array(channels * height * width * batch);
  let i = 0;
  for (let n = 0; n < state[STATE.count]; n++) {
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        for (let c = 0; c < channels; c++) output[((c * height + y) * width + x) * batch + n] = images[i++];
  }
  return { output };
}

export const small: SmallCase<CallerImageShape> = {
  shape: atMost<CallerImageShape>({ ...MAP, count: IMAGES }),
  values: { state },
};
