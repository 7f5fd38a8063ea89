import shaders from 'virtual:kernel/max_pool';
import { imageCall, type Kernel } from '../plan/op';
import { countElements } from '../plan/tensor';
import type { ImageShape } from './swish_max_pool';

/** Max pooling of 2x2 windows. The shape is the input's, whose height and width are even. */
export const maxPool: Kernel<ImageShape, 'input' | 'output'> = {
  name: 'max_pool',
  sizes: (shape) => {
    const input = countElements(shape);
    return { input, output: input / 4 };
  },
  cost: (shape) => {
    const input = countElements(shape);
    return { flops: 0.75 * input, bytes: 5 * input };
  },
  variants: {
    plain: {
      calls: (shape, tensors) => [imageCall(shaders.plain, shape, tensors, 2)],
    },
  },
};
