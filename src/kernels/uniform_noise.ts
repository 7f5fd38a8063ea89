import shaders from 'virtual:kernel/uniform_noise';
import { call, type Kernel } from '../plan/op';
import type { ImageShape } from './swish_max_pool';

export interface NoiseShape extends ImageShape {
  /** Images of the batch that are not padding. */
  readonly count: number;
  readonly seed: number;
}

export const uniformNoise: Kernel<NoiseShape, 'output'> = {
  name: 'uniform_noise',
  sizes: ({ channels, height, width, batch }) => ({ output: channels * height * width * batch }),
  cost: ({ channels, height, width, batch }) => {
    const size = channels * height * width * batch;
    return { flops: size, bytes: 4 * size };
  },
  variants: {
    plain: {
      calls: ({ channels, height, width, batch, count, seed }, tensors) => {
        const vec4s = (channels * height * width * batch) / 4;
        return [call(shaders.plain, { vec4s, n4: batch / 4, count, seed }, tensors, vec4s)];
      },
    },
  },
};
