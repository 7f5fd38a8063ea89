import shaders from 'virtual:kernel/conditioning_grad';
import { HIDDEN } from '../plan/conditioning';
import { call, type Kernel, op } from '../plan/op';
import { type ConditioningShape, linearShape } from './conditioning';
import { conv2dGradInput } from './conv2d_grad_input';
import { swishGrad } from './swish_grad';

export type ConditioningGradShape = Pick<ConditioningShape, 'batch' | 'outputs'>;

/** From the gradients of the biases of images to the gradient of the hidden layer of `conditioning`, before its activation. */
export const conditioningGrad: Kernel<ConditioningGradShape, 'sums' | 'kernel' | 'pre' | 'grad'> = {
  name: 'conditioning_grad',
  sizes: ({ batch, outputs }) => ({
    sums: outputs * batch,
    kernel: HIDDEN * outputs,
    pre: HIDDEN * batch,
    grad: HIDDEN * batch,
  }),
  cost: ({ batch, outputs }) => ({
    flops: 2 * HIDDEN * outputs * batch,
    bytes: 4 * (outputs * batch + HIDDEN * (outputs + 2 * batch)),
  }),
  unfused: (layer, { batch, outputs }, { sums, kernel, pre, grad }) => [
    op(conv2dGradInput, `${layer}.output`, linearShape(batch, HIDDEN, outputs), {
      grad: sums,
      kernel,
      grad_input: grad,
    }),
    op(swishGrad, `${layer}.hidden`, { elements: pre.size }, { pre, grad }),
  ],
  variants: {
    gpu: {
      for: 'gpu',
      calls: ({ batch, outputs }, tensors) => [
        call(shaders.gpu, { n4: batch / 4, outputs }, tensors, [HIDDEN, 1, batch / 4]),
      ],
    },
  },
};
