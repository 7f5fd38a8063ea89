import fromOneShader from '../../shaders/conv2d_grad_upsample.from_one.wgsl';
import fromOneSingle from '../../shaders/conv2d_grad_upsample.from_one_single.wgsl';
import fromOneSubgroups from '../../shaders/conv2d_grad_upsample.from_one_subgroups.wgsl';
import { call, type Kernel, type Variant } from '../plan/op';
import {
  type ConvShape,
  convFlops,
  convSizes,
  type FromOne,
  featuresFromOne,
  fromOneLaunch,
  refusesFromOne,
} from './conv2d';

type TensorName = 'grad' | 'kernel' | 'pre' | 'grad_pre';

const fromOne = (form: FromOne, shader: typeof fromOneShader): Variant<ConvShape, TensorName> => ({
  features: featuresFromOne(form),
  refuses: (shape) => refusesFromOne(shape, shape.outChannels, 'output'),
  calls: (shape, { grad, ...tensors }) => {
    const { params, items } = fromOneLaunch(shape, shape.inChannels, form);
    return [call(shader, params, { input: grad, ...tensors }, items)];
  },
});

/**
 * conv2d_grad_input and swish_upsample_grad in one, by those variants of conv2d_grad_input that have whole windows at hand: the gradient
 * of the convolution's input is never stored. Its shape is that of the forward convolution; `pre` and `grad_pre`, before the upsampling,
 * have half its height and width.
 */
export const conv2dGradUpsample: Kernel<ConvShape, TensorName> = {
  name: 'conv2d_grad_upsample',
  sizes: (shape) => {
    const { input, output, backwardKernel } = convSizes(shape);
    return { grad: output, kernel: backwardKernel, pre: input / 4, grad_pre: input / 4 };
  },
  cost: (shape) => {
    const { input, output, backwardKernel } = convSizes(shape);
    return { flops: convFlops(shape) + 3 * input, bytes: 4 * (output + backwardKernel + input / 2) };
  },
  variants: {
    from_one: fromOne('plain', fromOneShader),
    from_one_single: fromOne('single', fromOneSingle),
    from_one_subgroups: fromOne('subgroups', fromOneSubgroups),
  },
};
