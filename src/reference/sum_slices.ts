import type { SliceShape } from '../kernels/sum_slices';
import type { Arrays, Values } from '../plan/reference';
import { atMost, IMAGES, type SmallCase } from '../plan/small_case';

/** The sum of `count` numbers at stride `pitch`, the first at `at`. */
export function sumOfSlices(slices: Values, at: number, pitch: number, count: number): number {
  let sum = 0;
  for (let s = 0; s < count; s++) sum += slices[at + s * pitch];
  return sum;
}

/** The sum [size] of `slices` [count][pitch]. */
export function reference({ size, pitch, count }: SliceShape, { slices }: Arrays) {
  return { output: Float64Array.from({ length: size }, (_, i) => sumOfSlices(slices, i, pitch, count)) };
}

export const small: SmallCase<SliceShape> = {
  shape: (shape) => {
    const small = atMost<SliceShape>({ size: 300, pitch: 'as it is', count: IMAGES })(shape);
    return { ...small, pitch: small.size };
  },
};
