import shaders from 'virtual:kernel/swish_max_pool_grad';
import { call, type Kernel } from '../plan/op';
import type { ResidualShape } from './swish';
import type { ImageShape } from './swish_max_pool';

/**
 * The shape is the shape of `pre`. `grad` holds the gradient that came through the skip connection, and receives the gradient of `pre` through
 * all paths. A residual layer also has `residual`, and `grad_residual` for its gradient.
 */
export const swishMaxPoolGrad: Kernel<ImageShape & ResidualShape, 'pre' | 'grad_output' | 'grad'> = {
  name: 'swish_max_pool_grad',
  sizes: ({ channels, height, width, batch, residual }) => {
    const input = channels * height * width * batch;
    const more = residual ? { residual: input, grad_residual: input } : {};
    return { pre: input, grad_output: input / 4, grad: input, ...more };
  },
  cost: ({ channels, height, width, batch, residual }) => {
    const input = channels * height * width * batch;
    return { flops: (residual ? 11.75 : 10.75) * input, bytes: (residual ? 21 : 13) * input };
  },
  variants: {
    plain: {
      calls: ({ channels, height, width, batch, residual }, tensors) => {
        const vec4s = (channels * height * width * batch) / 16;
        const params = { vec4s, width: width / 2, n4: batch / 4 };
        return [
          call<keyof typeof params, string>(shaders[residual ? 'residual' : 'plain'], params, tensors, vec4s),
        ];
      },
    },
  },
};
