import type { ConvShape } from '../conv_shape';
import type { ImageShape } from '../kernels/swish_max_pool';
import type { Arrays } from '../plan/reference';
import { reference as conv2d } from './conv2d';
import { reference as swishMaxPool } from './swish_max_pool';

/** The map of many channels, where a convolution has one channel on the other side. */
export const wideImage = ({ height, width, batch, inChannels, outChannels }: ConvShape): ImageShape => ({
  channels: inChannels * outChannels,
  height,
  width,
  batch,
});

/** The convolution [out][height][width][batch], and what swish and pooling make of it, with half the sides. */
export function reference(shape: ConvShape, inputs: Arrays) {
  const { output } = conv2d(shape, inputs);
  return { output, pooled: swishMaxPool(wideImage(shape), { input: output }).output };
}
