import shaders from 'virtual:kernel/swish_upsample_grad';
import { imageCall, type Kernel } from '../plan/op';
import { countElements } from '../plan/tensor';
import type { ResidualShape } from './swish';
import type { ImageShape } from './swish_max_pool';

/**
 * The shape is the shape of `pre`, `grad` and, in a residual layer, `grad_residual`, the residual's gradient; `grad_output` has twice the
 * height and width.
 */
export const swishUpsampleGrad: Kernel<ImageShape & ResidualShape, 'pre' | 'grad_output' | 'grad'> = {
  name: 'swish_upsample_grad',
  sizes: (shape) => {
    const input = countElements(shape);
    return {
      pre: input,
      grad_output: 4 * input,
      grad: input,
      ...(shape.residual ? { grad_residual: input } : {}),
    };
  },
  cost: (shape) => {
    const input = countElements(shape);
    return { flops: 12 * input, bytes: (shape.residual ? 28 : 24) * input };
  },
  variants: {
    plain: {
      calls: (shape, tensors) => [
        imageCall<string>(shaders[shape.residual ? 'residual' : 'plain'], shape, tensors),
      ],
    },
  },
};
