import oneShader from '../../shaders/conv2d_grad_kernel_bfloat16.one.wgsl';
import oneSplitShader from '../../shaders/conv2d_grad_kernel_bfloat16.one_split.wgsl';
import type { Kernel } from '../kernel';
import { type ConvShape, convSizes } from './conv2d';
import { conv2dGradKernel, ONE, ONE_SPLIT, oneChannel, type TensorName } from './conv2d_grad_kernel';

/**
 * conv2d_grad_kernel of a layer with one input channel, by a gradient that conv2d_grad_pool_bfloat16 has left. Height and width are even, as
 * pooling wants them.
 */
export const conv2dGradKernelBfloat16: Kernel<ConvShape, TensorName> = {
  name: 'conv2d_grad_kernel_bfloat16',
  sizes: (shape) => ({ ...conv2dGradKernel.sizes(shape), grad: convSizes(shape).output / 2 }),
  cost: (shape) => {
    const { flops, bytes } = conv2dGradKernel.cost(shape);
    return { flops, bytes: bytes - 2 * convSizes(shape).output };
  },
  variants: { one: oneChannel(oneShader, ONE), one_split: oneChannel(oneSplitShader, ONE_SPLIT) },
};
