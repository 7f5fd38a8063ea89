import shaders from 'virtual:kernel/max_pool_grad';
import { imageCall, type Kernel } from '../plan/op';
import { countElements } from '../plan/tensor';
import type { ImageShape } from './swish_max_pool';

/** The gradient of max pooling. The shape is the shape of `input` and its gradient `grad`; `grad_output` has half the height and width. */
export const maxPoolGrad: Kernel<ImageShape, 'input' | 'grad_output' | 'grad'> = {
  name: 'max_pool_grad',
  sizes: (shape) => {
    const input = countElements(shape);
    return { input, grad_output: input / 4, grad: input };
  },
  cost: (shape) => {
    const input = countElements(shape);
    return { flops: 1.5 * input, bytes: 9 * input };
  },
  variants: {
    plain: {
      calls: (shape, tensors) => [imageCall(shaders.plain, shape, tensors, 2)],
    },
  },
};
