import fromOneShader from '../../shaders/conv2d_pool.from_one.wgsl';
import fromOneBias from '../../shaders/conv2d_pool.from_one_image_bias.wgsl';
import fromOneSingle from '../../shaders/conv2d_pool.from_one_single.wgsl';
import fromOneSingleBias from '../../shaders/conv2d_pool.from_one_single_image_bias.wgsl';
import fromOneSubgroups from '../../shaders/conv2d_pool.from_one_subgroups.wgsl';
import fromOneSubgroupsBias from '../../shaders/conv2d_pool.from_one_subgroups_image_bias.wgsl';
import type { Kernel, Variant } from '../plan/op';
import {
  biasCall,
  type ConvShape,
  conv2d,
  convSizes,
  type FromOne,
  featuresFromOne,
  fromOneLaunch,
  refusesFromOne,
} from './conv2d';

type TensorName = 'input' | 'kernel' | 'bias' | 'output' | 'pooled';

const fromOne = (
  form: FromOne,
  shaders: readonly [typeof fromOneShader, typeof fromOneBias],
): Variant<ConvShape, TensorName> => ({
  features: featuresFromOne(form),
  refuses: (shape) => refusesFromOne(shape, shape.inChannels, 'input'),
  calls: (shape, tensors) => {
    const { params, items } = fromOneLaunch(shape, shape.outChannels, form);
    return [biasCall(shaders, shape, params, tensors, items)];
  },
});

/** conv2d, swish and 2x2 max pooling in one, by those variants of conv2d that have whole windows at hand. Height and width are even. */
export const conv2dPool: Kernel<ConvShape, TensorName> = {
  name: 'conv2d_pool',
  sizes: (shape) => ({ ...conv2d.sizes(shape), pooled: convSizes(shape).output / 4 }),
  cost: (shape) => {
    const { output } = convSizes(shape);
    const { flops, bytes } = conv2d.cost(shape);
    return { flops: flops + 5.75 * output, bytes: bytes + output };
  },
  variants: {
    from_one: fromOne('plain', [fromOneShader, fromOneBias]),
    from_one_single: fromOne('single', [fromOneSingle, fromOneSingleBias]),
    from_one_subgroups: fromOne('subgroups', [fromOneSubgroups, fromOneSubgroupsBias]),
  },
};
