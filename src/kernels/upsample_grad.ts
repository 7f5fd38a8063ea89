import shader from '../../shaders/upsample_grad.wgsl';
import { call, type Kernel } from '../kernel';
import type { ImageShape } from './max_pool';

/** Its shape is that of `grad_input`; `grad_output` has twice the height and width. */
export const upsampleGrad: Kernel<ImageShape, 'grad_output' | 'grad_input'> = {
  name: 'upsample_grad',
  sizes: ({ channels, height, width, batch }) => {
    const input = channels * height * width * batch;
    return { grad_output: 4 * input, grad_input: input };
  },
  cost: ({ channels, height, width, batch }) => {
    const input = channels * height * width * batch;
    return { flops: 3 * input, bytes: 20 * input };
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
