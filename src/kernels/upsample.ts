import shaders from 'virtual:kernel/upsample';
import { imageCall, type Kernel } from '../plan/op';
import { countElements } from '../plan/tensor';
import type { ImageShape } from './swish_max_pool';

/** Nearest upsampling by 2. The shape is the input's; `output` has twice the height and width. */
export const upsample: Kernel<ImageShape, 'input' | 'output'> = {
  name: 'upsample',
  sizes: (shape) => {
    const input = countElements(shape);
    return { input, output: 4 * input };
  },
  cost: (shape) => ({ flops: 0, bytes: 20 * countElements(shape) }),
  variants: {
    plain: {
      calls: (shape, tensors) => [imageCall(shaders.plain, shape, tensors)],
    },
  },
};
