import { conv2dGradPoolBfloat16 } from '../../src/kernels/conv2d_grad_pool_bfloat16';
import { BFLOAT16_EPSILON, unpackBfloat16 } from '../bfloat16';
import { spec as conv2dGradPool } from './conv2d_grad_pool';
import { wideImage } from './conv2d_pool';

export const spec: typeof conv2dGradPool = {
  ...conv2dGradPool,
  kernel: conv2dGradPoolBfloat16,
  reference: (shape, inputs) => {
    const { values, error } = conv2dGradPool.reference(shape, inputs).grad_pre;
    // What is rounded is off by its own error already.
    const rounded = error!.map((e, i) => e + BFLOAT16_EPSILON * (Math.abs(values[i]) + e));
    return {
      grad_pre: { values, error: rounded, unpack: (words) => unpackBfloat16(wideImage(shape), words) },
    };
  },
};
