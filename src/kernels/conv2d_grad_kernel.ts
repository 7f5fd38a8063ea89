import shader from '../../shaders/conv2d_grad_kernel.wgsl';
import { call, type Kernel } from '../kernel';
import { type ConvShape, convFlops, convParams, convSizes } from './conv2d';
import { sumSlicesCall } from './sum_slices';

/** Most slices of image rows: enough invocations for a GPU, few enough that the partial sums stay small. */
const MOST_SLICES = 7;

/** Elements of the gradient: kernel [k][k][in][out], then bias [out]. */
export const gradientSize = ({ kernelSize, inChannels, outChannels }: ConvShape) =>
  kernelSize ** 2 * inChannels * outChannels + outChannels;

function slicing({ height }: ConvShape): { rows: number; slices: number } {
  const rows = Math.ceil(height / MOST_SLICES);
  return { rows, slices: Math.ceil(height / rows) };
}

/** The gradient for kernel and bias, dense and one after the other, as the flat parameters lie. */
export const conv2dGradKernel: Kernel<ConvShape, 'input' | 'grad' | 'gradient'> = {
  name: 'conv2d_grad_kernel',
  sizes: (shape) => {
    const { input, output } = convSizes(shape);
    return { input, grad: output, gradient: gradientSize(shape) };
  },
  cost: (shape) => {
    const { input, output } = convSizes(shape);
    return { flops: convFlops(shape), bytes: 4 * (input + output + gradientSize(shape)) };
  },
  variants: {
    direct: {
      scratch: (shape) => ({ partials: slicing(shape).slices * gradientSize(shape) }),
      calls: (shape, { input, grad, gradient }, { partials }) => {
        const { rows, slices } = slicing(shape);
        const tiles = Math.ceil(shape.inChannels / 4) * Math.ceil(shape.outChannels / 4);
        const items = [tiles, shape.kernelSize ** 2, slices] as const;
        return [
          call(shader, { ...convParams(shape), rows }, { input, grad, partials }, items),
          sumSlicesCall({ size: gradientSize(shape), count: slices }, partials, gradient),
        ];
      },
    },
  },
};
