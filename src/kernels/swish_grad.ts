import shaders from 'virtual:kernel/swish_grad';
import { call, type Kernel } from '../plan/op';
import type { ElementwiseShape, ResidualShape } from './swish';

export interface SwishGradShape extends ElementwiseShape, ResidualShape {
  /** Whether the output of this activation (or residual layer) is the residual of a later layer, whose gradient then adds to `grad`. */
  readonly sum?: boolean;
}

/**
 * `grad` holds the gradient of the activation's output, and receives the gradient of `pre`. With `sum` or `residual` there is also
 * `grad_residual`: with `sum` it holds the gradient that bypassed the later layer, with `residual` it receives the gradient of this layer's
 * residual.
 */
export const swishGrad: Kernel<SwishGradShape, 'pre' | 'grad'> = {
  name: 'swish_grad',
  sizes: ({ elements, residual, sum }) => ({
    pre: elements,
    grad: elements,
    ...(residual || sum ? { grad_residual: elements } : {}),
  }),
  cost: ({ elements, residual = false, sum = false }) => ({
    flops: (9 + Number(sum)) * elements,
    bytes: (12 + 4 * (Number(residual) + Number(sum))) * elements,
  }),
  variants: {
    plain: {
      calls: ({ elements, residual, sum }, tensors) => {
        const plain = sum ? 'sum' : 'plain';
        const form = shaders[residual ? (sum ? 'residual_sum' : 'residual') : plain];
        return [call<'vec4s', string>(form, { vec4s: elements / 4 }, tensors, elements / 4)];
      },
    },
  },
};
