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
import type { ConvShape } from '../plan/conv_shape';
import { type Kernel, op } from '../plan/op';
import { conv2d, convSizes, oneInputForward } from './conv2d';
import { swishMaxPool } from './swish_max_pool';

type TensorName = 'input' | 'kernel' | 'bias' | 'output' | 'pooled';

/** conv2d, swish and 2x2 max pooling in one kernel, in those variants of conv2d that hold whole windows. Height and width are even. */
export const conv2dPool: Kernel<ConvShape, TensorName> = {
  name: 'conv2d_pool',
  sizes: (shape) => ({ ...conv2d.sizes(shape), pooled: convSizes(shape).output / 4 }),
  cost: (shape) => {
    const { output } = convSizes(shape);
    const { flops, bytes } = conv2d.cost(shape);
    return { flops: flops + 5.75 * output, bytes: bytes + output };
  },
  unfused(layer, shape, { pooled, ...tensors }, variant) {
    const { outChannels: channels, height, width, batch } = shape;
    return [
      op(conv2d, layer, shape, tensors, variant),
      op(swishMaxPool, layer, { channels, height, width, batch }, { input: tensors.output, output: pooled }),
    ];
  },
  variants: {
    one_input: oneInputForward('plain', [
      [oneInputShader, oneInputBias],
      [oneInput3, oneInput3Bias],
    ]),
    one_input_gpu: oneInputForward('gpu', [
      [oneInputGpu, oneInputGpuBias],
      [oneInput3Gpu, oneInput3GpuBias],
    ]),
    one_input_subgroups: oneInputForward('subgroups', [
      [oneInputSubgroups, oneInputSubgroupsBias],
      [oneInput3Subgroups, oneInput3SubgroupsBias],
    ]),
  },
};
