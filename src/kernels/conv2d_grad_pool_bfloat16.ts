import fromOneShader from '../../shaders/conv2d_grad_pool_bfloat16.from_one.wgsl';
import fromOneSingle from '../../shaders/conv2d_grad_pool_bfloat16.from_one_single.wgsl';
import fromOneSubgroups from '../../shaders/conv2d_grad_pool_bfloat16.from_one_subgroups.wgsl';
import type { Kernel } from '../kernel';
import { type ConvShape, convSizes } from './conv2d';
import { conv2dGradPool, fromOne, type TensorName } from './conv2d_grad_pool';

/** conv2d_grad_pool that leaves its result in bfloat16, for conv2d_grad_kernel_bfloat16. */
export const conv2dGradPoolBfloat16: Kernel<ConvShape, TensorName> = {
  name: 'conv2d_grad_pool_bfloat16',
  sizes: (shape) => ({ ...conv2dGradPool.sizes(shape), grad_pre: convSizes(shape).input / 2 }),
  cost: (shape) => {
    const { flops, bytes } = conv2dGradPool.cost(shape);
    return { flops, bytes: bytes - 2 * convSizes(shape).input };
  },
  variants: {
    from_one: fromOne('plain', fromOneShader),
    from_one_single: fromOne('single', fromOneSingle),
    from_one_subgroups: fromOne('subgroups', fromOneSubgroups),
  },
};
