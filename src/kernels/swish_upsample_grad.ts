import shader from '../../shaders/activation/swish_upsample_grad.wgsl';
import { call, type Kernel } from '../plan/op';
import type { ImageShape } from './swish_max_pool';

/** Its shape is that of `pre` and `grad`; `grad_output` has twice the height and width. */
export const swishUpsampleGrad: Kernel<ImageShape, 'pre' | 'grad_output' | 'grad'> = {
  name: 'swish_upsample_grad',
  sizes: ({ channels, height, width, batch }) => {
    const input = channels * height * width * batch;
    return { pre: input, grad_output: 4 * input, grad: input };
  },
  cost: ({ channels, height, width, batch }) => {
    const input = channels * height * width * batch;
    return { flops: 12 * input, bytes: 24 * input };
  },
  variants: {
    plain: {
      calls: ({ channels, height, width, batch }, tensors) => {
        const vec4s = (channels * height * width * batch) / 4;
        return [call(shader, { vec4s, width, n4: batch / 4 }, tensors, vec4s)];
      },
    },
  },
};
