import shaders from 'virtual:kernel/conv2d_grad_upsample';
import type { ConvShape } from '../plan/conv_shape';
import { type Kernel, op } from '../plan/op';
import { tensor } from '../plan/tensor';
import { convFlops, convSizes, oneInputVariants } from './conv2d';
import { conv2dGradInput, oneInputGradient } from './conv2d_grad_input';
import { swishUpsampleGrad } from './swish_upsample_grad';

type TensorName = 'grad' | 'kernel' | 'pre' | 'grad_pre';

/**
 * conv2d_grad_input and swish_upsample_grad in one kernel, in those variants of conv2d_grad_input that hold whole windows: the gradient of
 * the convolution's input is never stored. The shape is the forward convolution's; `pre` and `grad_pre`, before the upsampling, have half
 * its height and width.
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
  unfused(layer, shape, { grad, kernel, pre, grad_pre }, variant) {
    const { inChannels: channels, height, width, batch } = shape;
    const through = tensor(`${layer} input gradient`, convSizes(shape).input);
    const halved = { channels, height: height / 2, width: width / 2, batch };
    return [
      op(conv2dGradInput, layer, shape, { grad, kernel, grad_input: through }, variant),
      op(swishUpsampleGrad, layer, halved, { pre, grad_output: through, grad: grad_pre }),
    ];
  },
  variants: oneInputVariants((form) => oneInputGradient(form, shaders)),
};
