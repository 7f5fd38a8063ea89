import shaders from 'virtual:kernel/swish_max_pool_grad';
import { imageCall, type Kernel } from '../plan/op';
import { countElements } from '../plan/tensor';
import type { ResidualShape } from './swish';
import type { ImageShape } from './swish_max_pool';

/**
 * The shape is the shape of `pre`. `grad` holds the gradient that came through the skip connection, and receives the gradient of `pre` through
 * all paths. A residual layer also has `residual`, and `grad_residual` for its gradient.
 */
export const swishMaxPoolGrad: Kernel<ImageShape & ResidualShape, 'pre' | 'grad_output' | 'grad'> = {
  name: 'swish_max_pool_grad',
  sizes: (shape) => {
    const input = countElements(shape);
    const more = shape.residual ? { residual: input, grad_residual: input } : {};
    return { pre: input, grad_output: input / 4, grad: input, ...more };
  },
  cost: (shape) => {
    const input = countElements(shape);
    return { flops: (shape.residual ? 11.75 : 10.75) * input, bytes: (shape.residual ? 21 : 13) * input };
  },
  variants: {
    plain: {
      calls: (shape, tensors) => [
        imageCall<string>(shaders[shape.residual ? 'residual' : 'plain'], shape, tensors, 2),
      ],
    },
  },
};
