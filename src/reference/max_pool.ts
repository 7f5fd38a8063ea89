import type { ImageShape } from '../kernels/swish_max_pool';
import type { Arrays } from '../plan/reference';
import { atMost, MAP, type SmallCase } from '../plan/small_case';
import { largestOfWindows } from './swish_max_pool';

/** The maximum of each 2x2 window of `input` [channels][height][width][batch]. */
export const reference = (shape: ImageShape, { input }: Arrays) => ({
  output: largestOfWindows(shape, input),
});

export const small: SmallCase<ImageShape> = { shape: atMost<ImageShape>(MAP) };
