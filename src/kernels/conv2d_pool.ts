import oneInputShader from '../../shaders/conv2d/fused/conv2d_pool.one_input.wgsl';
import oneInput3 from '../../shaders/conv2d/fused/conv2d_pool.one_input_3x3.wgsl';
import oneInput3Gpu from '../../shaders/conv2d/fused/conv2d_pool.one_input_3x3_gpu.wgsl';
import oneInput3GpuBias from '../../shaders/conv2d/fused/conv2d_pool.one_input_3x3_gpu_image_bias.wgsl';
import oneInput3Bias from '../../shaders/conv2d/fused/conv2d_pool.one_input_3x3_image_bias.wgsl';
import oneInput3Subgroups from '../../shaders/conv2d/fused/conv2d_pool.one_input_3x3_subgroups.wgsl';
import oneInput3SubgroupsBias from '../../shaders/conv2d/fused/conv2d_pool.one_input_3x3_subgroups_image_bias.wgsl';
import oneInputGpu from '../../shaders/conv2d/fused/conv2d_pool.one_input_gpu.wgsl';
import oneInputGpuBias from '../../shaders/conv2d/fused/conv2d_pool.one_input_gpu_image_bias.wgsl';
import oneInputBias from '../../shaders/conv2d/fused/conv2d_pool.one_input_image_bias.wgsl';
import oneInputSubgroups from '../../shaders/conv2d/fused/conv2d_pool.one_input_subgroups.wgsl';
import oneInputSubgroupsBias from '../../shaders/conv2d/fused/conv2d_pool.one_input_subgroups_image_bias.wgsl';
import type { ConvShape } from '../conv_shape';
import type { Kernel, Variant } from '../plan/op';
import {
  type BySide,
  biasCall,
  conv2d,
  convSizes,
  ofSide,
  oneInputAudience,
  oneInputLaunch,
  type PatchForm,
  refusesOneInput,
} from './conv2d';

type TensorName = 'input' | 'kernel' | 'bias' | 'output' | 'pooled';

const oneInput = (
  form: PatchForm,
  shaders: BySide<readonly [typeof oneInputShader, typeof oneInputBias]>,
): Variant<ConvShape, TensorName> => ({
  ...oneInputAudience(form),
  refuses: (shape) => refusesOneInput(shape, shape.inChannels, 'input'),
  calls: (shape, tensors) => {
    const { params, items } = oneInputLaunch(shape, shape.outChannels, form);
    return [biasCall(ofSide(shaders, shape), shape, params, tensors, items)];
  },
});

/** conv2d, swish and 2x2 max pooling in one kernel, in those variants of conv2d that hold whole windows. Height and width are even. */
export const conv2dPool: Kernel<ConvShape, TensorName> = {
  name: 'conv2d_pool',
  sizes: (shape) => ({ ...conv2d.sizes(shape), pooled: convSizes(shape).output / 4 }),
  cost: (shape) => {
    const { output } = convSizes(shape);
    const { flops, bytes } = conv2d.cost(shape);
    return { flops: flops + 5.75 * output, bytes: bytes + output };
  },
  variants: {
    one_input: oneInput('plain', [
      [oneInputShader, oneInputBias],
      [oneInput3, oneInput3Bias],
    ]),
    one_input_gpu: oneInput('gpu', [
      [oneInputGpu, oneInputGpuBias],
      [oneInput3Gpu, oneInput3GpuBias],
    ]),
    one_input_subgroups: oneInput('subgroups', [
      [oneInputSubgroups, oneInputSubgroupsBias],
      [oneInput3Subgroups, oneInput3SubgroupsBias],
    ]),
  },
};
