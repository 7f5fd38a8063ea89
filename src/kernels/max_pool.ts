import shaders from 'virtual:kernel/max_pool';
import { call, type Kernel } from '../plan/op';
import { elementsOf } from '../plan/tensor';
import type { ImageShape } from './swish_max_pool';

/** Max pooling of 2x2 windows. The shape is the input's, whose height and width are even. */
export const maxPool: Kernel<ImageShape, 'input' | 'output'> = {
  name: 'max_pool',
  sizes: (shape) => {
    const input = elementsOf(shape);
    return { input, output: input / 4 };
  },
  cost: (shape) => {
    const input = elementsOf(shape);
    return { flops: 0.75 * input, bytes: 5 * input };
  },
  variants: {
    plain: {
      calls: (shape, tensors) => {
        const vec4s = elementsOf(shape) / 16;
        return [call(shaders.plain, { vec4s, width: shape.width / 2, n4: shape.batch / 4 }, tensors, vec4s)];
      },
    },
  },
};
