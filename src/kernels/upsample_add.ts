import shader from '../../shaders/upsample_add.wgsl';
import { call, type Kernel } from '../kernel';
import type { ImageShape } from './max_pool';

/** Its shape is that of `input`; `skip` and `output` have twice the height and width. */
export const upsampleAdd: Kernel<ImageShape, 'input' | 'skip' | 'output'> = {
  name: 'upsample_add',
  sizes: ({ channels, height, width, batch }) => {
    const input = channels * height * width * batch;
    return { input, skip: 4 * input, output: 4 * input };
  },
  cost: ({ channels, height, width, batch }) => {
    const input = channels * height * width * batch;
    return { flops: 4 * input, bytes: 36 * input };
  },
  variants: {
    plain: {
      calls: ({ channels, height, width, batch }, tensors) => {
        const vec4s = (channels * height * width * batch) / 4;
        return [call(shader, { vec4s, width, n4: batch / 4 }, tensors, vec4s)];
      },
    },
  },
};
