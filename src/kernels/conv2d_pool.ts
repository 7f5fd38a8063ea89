import shaders from 'virtual:kernel/conv2d_pool';
import { bindBiases, type ConvShape } from '../plan/conv_shape';
import { type Kernel, op, type Variant } from '../plan/op';
import { conv2d, convSizes, oneInputCall, oneInputRequirements, oneInputVariants } from './conv2d';
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
  variants: oneInputVariants(
    (form): Variant<ConvShape, TensorName> => ({
      ...oneInputRequirements(form),
      calls: (shape, tensors) => {
        const biases = bindBiases(shape, tensors.kernel, tensors);
        return [oneInputCall(form, shaders, shape, { ...tensors, ...biases.tensors }, biases.params)];
      },
    }),
  ),
};
