import shaders from 'virtual:kernel/max_pool_grad';
import { call, type Kernel } from '../plan/op';
import type { ImageShape } from './swish_max_pool';

/** The gradient of max pooling. The shape is the shape of `input` and its gradient `grad`; `grad_output` has half the height and width. */
export const maxPoolGrad: Kernel<ImageShape, 'input' | 'grad_output' | 'grad'> = {
  name: 'max_pool_grad',
  sizes: ({ channels, height, width, batch }) => {
    const input = channels * height * width * batch;
    return { input, grad_output: input / 4, grad: input };
  },
  cost: ({ channels, height, width, batch }) => {
    const input = channels * height * width * batch;
    return { flops: 1.5 * input, bytes: 9 * input };
  },
  variants: {
    plain: {
      calls: ({ channels, height, width, batch }, tensors) => {
        const vec4s = (channels * height * width * batch) / 16;
        return [call(shaders.plain, { vec4s, width: width / 2, n4: batch / 4 }, tensors, vec4s)];
      },
    },
  },
};
