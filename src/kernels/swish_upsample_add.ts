import shader from '../../shaders/activation/swish_upsample_add.wgsl';
import { call, type Kernel } from '../plan/op';
import type { ImageShape } from './swish_max_pool';

/** Its shape is that of `input`; `skip` and `output` have twice the height and width. */
export const swishUpsampleAdd: Kernel<ImageShape, 'input' | 'skip' | 'output'> = {
  name: 'swish_upsample_add',
  sizes: ({ channels, height, width, batch }) => {
    const input = channels * height * width * batch;
    return { input, skip: 4 * input, output: 4 * input };
  },
  cost: ({ channels, height, width, batch }) => {
    const input = channels * height * width * batch;
    return { flops: 29 * input, bytes: 36 * input };
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
