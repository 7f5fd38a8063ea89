import shader from '../../shaders/max_pool_grad.wgsl';
import { call, type Kernel } from '../kernel';
import type { ImageShape } from './max_pool';

/** Its shape is that of the forward pass's input. Adds to `grad_input`. */
export const maxPoolGrad: Kernel<ImageShape, 'input' | 'grad_output' | 'grad_input'> = {
  name: 'max_pool_grad',
  sizes: ({ channels, height, width, batch }) => {
    const input = channels * height * width * batch;
    return { input, grad_output: input / 4, grad_input: input };
  },
  cost: ({ channels, height, width, batch }) => {
    const input = channels * height * width * batch;
    return { flops: 1.75 * input, bytes: 13 * input };
  },
  variants: {
    plain: {
      calls: ({ channels, height, width, batch }, tensors) => {
        const vec4s = (channels * height * width * batch) / 16;
        return [call(shader, { vec4s, width: width / 2, n4: batch / 4 }, tensors, vec4s)];
      },
    },
  },
};
