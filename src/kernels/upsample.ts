import shaders from 'virtual:kernel/upsample';
import { call, type Kernel } from '../plan/op';
import type { ImageShape } from './swish_max_pool';

/** Nearest upsampling by 2. The shape is the input's; `output` has twice the height and width. */
export const upsample: Kernel<ImageShape, 'input' | 'output'> = {
  name: 'upsample',
  sizes: ({ channels, height, width, batch }) => {
    const input = channels * height * width * batch;
    return { input, output: 4 * input };
  },
  cost: ({ channels, height, width, batch }) => ({ flops: 0, bytes: 20 * channels * height * width * batch }),
  variants: {
    plain: {
      calls: ({ channels, height, width, batch }, tensors) => {
        const vec4s = (channels * height * width * batch) / 4;
        return [call(shaders.plain, { vec4s, width, n4: batch / 4 }, tensors, vec4s)];
      },
    },
  },
};
