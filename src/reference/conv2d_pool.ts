import type { ImageShape } from '../kernels/swish_max_pool';
import type { ConvShape } from '../plan/conv_shape';
import type { Arrays } from '../plan/reference';
import { reference as conv2d } from './conv2d';
import { reference as swishMaxPool } from './swish_max_pool';

/** Shape of the map with many channels; the convolution's other side has one channel. */
export const wideImage = ({ height, width, batch, inChannels, outChannels }: ConvShape): ImageShape => ({
  channels: inChannels * outChannels,
  height,
  width,
  batch,
});

/** The convolution [out][height][width][batch], and its output after swish and pooling, with half the height and width. */
export function reference(shape: ConvShape, inputs: Arrays) {
  const { output } = conv2d(shape, inputs);
  return { output, pooled: swishMaxPool(wideImage(shape), { input: output }).output };
}

export { small } from './conv2d';
