import shaders from 'virtual:kernel/conv2d_grad_pool';
import type { ConvShape } from '../plan/conv_shape';
import { type Kernel, op } from '../plan/op';
import { convFlops, convSizes, oneInputVariants } from './conv2d';
import { conv2dGradInput, oneInputGradient } from './conv2d_grad_input';
import { swishMaxPoolGrad } from './swish_max_pool_grad';

type TensorName = 'grad' | 'kernel' | 'pre' | 'grad_output' | 'grad_pre';

/**
 * conv2d_grad_input and swish_max_pool_grad in one kernel, in those variants of conv2d_grad_input that hold whole windows. The convolution
 * is the one at the other end of the skip connection, whose gradient is computed where it is needed. The shape is the forward
 * convolution's; its input is as large as `pre`, the map before swish and pooling. `grad_output` is the gradient of the pooled map.
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
  unfused(layer, shape, { grad, kernel, pre, grad_output, grad_pre }, variant) {
    const { inChannels: channels, height, width, batch } = shape;
    return [
      op(conv2dGradInput, layer, shape, { grad, kernel, grad_input: grad_pre }, variant),
      op(swishMaxPoolGrad, layer, { channels, height, width, batch }, { pre, grad_output, grad: grad_pre }),
    ];
  },
  variants: oneInputVariants((form) => oneInputGradient(form, shaders)),
};
