import oneInputShader from '../../shaders/conv2d/fused/conv2d_grad_pool.one_input.wgsl';
import oneInputGpu from '../../shaders/conv2d/fused/conv2d_grad_pool.one_input_gpu.wgsl';
import oneInputSubgroups from '../../shaders/conv2d/fused/conv2d_grad_pool.one_input_subgroups.wgsl';
import type { ConvShape } from '../conv_shape';
import { call, type Kernel, type Variant } from '../plan/op';
import {
  convFlops,
  convSizes,
  oneInputAudience,
  oneInputLaunch,
  type PatchForm,
  refusesOneInput,
} from './conv2d';

type TensorName = 'grad' | 'kernel' | 'pre' | 'grad_output' | 'grad_pre';

const oneInput = (form: PatchForm, shader: typeof oneInputShader): Variant<ConvShape, TensorName> => ({
  ...oneInputAudience(form),
  refuses: (shape) => refusesOneInput(shape, shape.outChannels, 'output'),
  calls: (shape, { grad, ...tensors }) => {
    const { params, items } = oneInputLaunch(shape, shape.inChannels, form);
    return [call(shader, params, { input: grad, ...tensors }, items)];
  },
});

/**
 * conv2d_grad_input and swish_max_pool_grad in one, by those variants of conv2d_grad_input that have whole windows at hand. The convolution
 * is that at the other end of the skip connection: what it sends back through it is worked out where it is needed. Its shape is that
 * of the forward convolution, whose input is as large as `pre`, before swish and pooling; `grad_output` is the gradient of the pooled map.
 */
export const conv2dGradPool: Kernel<ConvShape, TensorName> = {
  name: 'conv2d_grad_pool',
  sizes: (shape) => {
    const { input, output, backwardKernel } = convSizes(shape);
    return { grad: output, kernel: backwardKernel, pre: input, grad_output: input / 4, grad_pre: input };
  },
  cost: (shape) => {
    const { input, output, backwardKernel } = convSizes(shape);
    return { flops: convFlops(shape) + 10.75 * input, bytes: 4 * (output + backwardKernel + 2.25 * input) };
  },
  variants: {
    one_input: oneInput('plain', oneInputShader),
    one_input_gpu: oneInput('gpu', oneInputGpu),
    one_input_subgroups: oneInput('subgroups', oneInputSubgroups),
  },
};
