import shaders from 'virtual:kernel/swish_upsample_grad';
import { call, type Kernel } from '../plan/op';
import type { ResidualShape } from './swish';
import type { ImageShape } from './swish_max_pool';

/**
 * The shape is the shape of `pre`, `grad` and, in a residual layer, `grad_residual`, the residual's gradient; `grad_output` has twice the
 * height and width.
 */
export const swishUpsampleGrad: Kernel<ImageShape & ResidualShape, 'pre' | 'grad_output' | 'grad'> = {
  name: 'swish_upsample_grad',
  sizes: ({ channels, height, width, batch, residual }) => {
    const input = channels * height * width * batch;
    return { pre: input, grad_output: 4 * input, grad: input, ...(residual ? { grad_residual: input } : {}) };
  },
  cost: ({ channels, height, width, batch, residual }) => {
    const input = channels * height * width * batch;
    return { flops: 12 * input, bytes: (residual ? 28 : 24) * input };
  },
  variants: {
    plain: {
      calls: ({ channels, height, width, batch, residual }, tensors) => {
        const vec4s = (channels * height * width * batch) / 4;
        const params = { vec4s, width, n4: batch / 4 };
        return [
          call<keyof typeof params, string>(shaders[residual ? 'residual' : 'plain'], params, tensors, vec4s),
        ];
      },
    },
  },
};
