import shader from '../../shaders/activation/swish_max_pool.wgsl';
import { call, type Kernel } from '../plan/op';

/** Activations [channels][height][width][batch]. */
export interface ImageShape {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** A multiple of 4. */
  readonly batch: number;
}

/** Its shape is the input's, whose height and width are even. */
export const swishMaxPool: Kernel<ImageShape, 'input' | 'output'> = {
  name: 'swish_max_pool',
  sizes: ({ channels, height, width, batch }) => {
    const input = channels * height * width * batch;
    return { input, output: input / 4 };
  },
  cost: ({ channels, height, width, batch }) => {
    const input = channels * height * width * batch;
    return { flops: 5.75 * input, bytes: 5 * input };
  },
  variants: {
    plain: {
      calls: ({ channels, height, width, batch }, { input, output }) => {
        const vec4s = (channels * height * width * batch) / 16;
        return [call(shader, { vec4s, width: width / 2, n4: batch / 4 }, { input, output }, vec4s)];
      },
    },
  },
};
