import shader from '../../shaders/activation/swish_max_pool_grad.wgsl';
import { call, type Kernel } from '../plan/op';
import type { ImageShape } from './swish_max_pool';

/**
 * Its shape is that of `pre`. `grad` holds the gradient of the activation through the skip connection, then that of `pre` through
 * everything.
 */
export const swishMaxPoolGrad: Kernel<ImageShape, 'pre' | 'grad_output' | 'grad'> = {
  name: 'swish_max_pool_grad',
  sizes: ({ channels, height, width, batch }) => {
    const input = channels * height * width * batch;
    return { pre: input, grad_output: input / 4, grad: input };
  },
  cost: ({ channels, height, width, batch }) => {
    const input = channels * height * width * batch;
    return { flops: 10.75 * input, bytes: 13 * input };
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
