import shader from '../../shaders/conv2d_grad_input.wgsl';
import { call, type Kernel } from '../kernel';
import { type ConvShape, channelTiles, convFlops, convParams, convSizes, lanes } from './conv2d';

/** Its shape is that of the forward convolution. */
export const conv2dGradInput: Kernel<ConvShape, 'grad' | 'kernel' | 'grad_input'> = {
  name: 'conv2d_grad_input',
  sizes: (shape) => {
    const { input, output, backwardKernel } = convSizes(shape);
    return { grad: output, kernel: backwardKernel, grad_input: input };
  },
  cost: (shape) => {
    const { input, output, backwardKernel } = convSizes(shape);
    return { flops: convFlops(shape), bytes: 4 * (input + output + backwardKernel) };
  },
  variants: {
    direct: {
      calls: (shape, tensors) => {
        const tiles = channelTiles(shape.inChannels);
        const items = [lanes(shape.batch), shape.width, shape.height * tiles] as const;
        return [call(shader, { ...convParams(shape), tiles }, tensors, items)];
      },
    },
  },
};
