import shaders from 'virtual:kernel/max_pool';
import { call, type Kernel } from '../plan/op';
import type { ImageShape } from './swish_max_pool';

/** Max pooling of 2x2 windows. The shape is the input's, whose height and width are even. */
export const maxPool: Kernel<ImageShape, 'input' | 'output'> = {
  name: 'max_pool',
  sizes: ({ channels, height, width, batch }) => {
    const input = channels * height * width * batch;
    return { input, output: input / 4 };
  },
  cost: ({ channels, height, width, batch }) => {
    const input = channels * height * width * batch;
    return { flops: 0.75 * input, bytes: 5 * input };
  },
  variants: {
    plain: {
      calls: ({ channels, height, width, batch }, tensors) => {
        const vec4s = (channels * height * width * batch) / 16;
        return [call(shaders.plain, { vec4s, width: width / 2, n4: batch / 4 }, tensors, vec4s)];
      },
    },
  },
};
