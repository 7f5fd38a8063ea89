import shaders from 'virtual:kernel/gaussian_noise';
import { call, type Kernel } from '../plan/op';
import type { NoiseShape } from './uniform_noise';

export const gaussianNoise: Kernel<NoiseShape, 'output'> = {
  name: 'gaussian_noise',
  sizes: ({ channels, height, width, batch }) => ({ output: channels * height * width * batch }),
  cost: ({ channels, height, width, batch }) => {
    const size = channels * height * width * batch;
    return { flops: 8 * size, bytes: 4 * size };
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
