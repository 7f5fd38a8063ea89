import type { ConvShape } from '../plan/conv_shape';
import type { Arrays } from '../plan/reference';
import type { SmallCase } from '../plan/small_case';
import { convolve, smallConvolution } from './conv2d';

/**
 * [in][height][width][batch]: the output gradient [out][height][width][batch] convolved with the flipped, transposed kernel [flipped
 * tap][out][in padded to 8].
 */
export function reference(shape: ConvShape, { grad, kernel }: Arrays) {
  return { grad_input: convolve(shape, grad, kernel, shape.outChannels, shape.inChannels) };
}

export const small: SmallCase<ConvShape> = { shape: smallConvolution };
