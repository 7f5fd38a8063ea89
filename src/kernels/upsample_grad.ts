import shaders from 'virtual:kernel/upsample_grad';
import { call, type Kernel } from '../plan/op';
import type { ImageShape } from './swish_max_pool';

/** The gradient of upsampling. The shape is the shape of `grad`; `grad_output` has twice the height and width. */
export const upsampleGrad: Kernel<ImageShape, 'grad_output' | 'grad'> = {
  name: 'upsample_grad',
  sizes: ({ channels, height, width, batch }) => {
    const grad = channels * height * width * batch;
    return { grad_output: 4 * grad, grad };
  },
  cost: ({ channels, height, width, batch }) => {
    const grad = channels * height * width * batch;
    return { flops: 3 * grad, bytes: 20 * grad };
  },
  variants: {
    plain: {
      calls: ({ channels, height, width, batch }, tensors) => {
        const vec4s = (channels * height * width * batch) / 4;
        return [call(shaders.plain, { vec4s, width, n4: batch / 4 }, tensors, vec4s)];
      },
    },
  },
};
