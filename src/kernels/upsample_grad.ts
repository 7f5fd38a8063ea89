import shaders from 'virtual:kernel/upsample_grad';
import { imageCall, type Kernel } from '../plan/op';
import { countElements } from '../plan/tensor';
import type { ImageShape } from './swish_max_pool';

/** The gradient of upsampling. The shape is the shape of `grad`; `grad_output` has twice the height and width. */
export const upsampleGrad: Kernel<ImageShape, 'grad_output' | 'grad'> = {
  name: 'upsample_grad',
  sizes: (shape) => {
    const grad = countElements(shape);
    return { grad_output: 4 * grad, grad };
  },
  cost: (shape) => {
    const grad = countElements(shape);
    return { flops: 3 * grad, bytes: 20 * grad };
  },
  variants: {
    plain: {
      calls: (shape, tensors) => [imageCall(shaders.plain, shape, tensors)],
    },
  },
};
