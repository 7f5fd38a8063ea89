import type { ConvShape } from '../../src/conv_shape';
import { convSizes, padChannels } from '../../src/kernels/conv2d';
import { conv2dGradKernel, gradientSize } from '../../src/kernels/conv2d_grad_kernel';
import { type Spec, sumError } from '../spec';
import { kernelGradientGains } from '../winograd_gain';
import { spec as conv2d, convCases, convLayers, eachTap } from './conv2d';

export const spec: Spec<ConvShape, 'input' | 'grad' | 'gradient'> = {
  kernel: conv2dGradKernel,
  cases: convCases,
  // The biases follow.
  dims: ({ kernelSize, inChannels, outChannels }) => ({
    gradient: { ky: kernelSize, kx: kernelSize, in: inChannels, out: outChannels },
  }),
  inputs: (shape, random) => ({
    input: random.floats(convSizes(shape).input),
    grad: random.floats(convSizes(shape).output),
  }),
  reference: (shape, { input, grad }) => {
    const { batch: n, height, width, inChannels, outChannels } = shape;
    const plane = height * width * n;
    const size = gradientSize(shape);
    const values = new Float64Array(size);
    const magnitudes = new Float64Array(size);
    eachTap(shape, (to, from, tap) => {
      for (let c = 0; c < inChannels; c++) {
        for (let o = 0; o < outChannels; o++) {
          const at = (tap * inChannels + c) * outChannels + o;
          for (let i = 0; i < n; i++) {
            const term = input[c * plane + from * n + i] * grad[o * plane + to * n + i];
            values[at] += term;
            magnitudes[at] += Math.abs(term);
          }
        }
      }
    });
    const bias = size - outChannels;
    for (let o = 0; o < outChannels; o++) {
      for (let i = 0; i < plane; i++) {
        values[bias + o] += grad[o * plane + i];
        magnitudes[bias + o] += Math.abs(grad[o * plane + i]);
      }
    }
    return { gradient: { values, error: magnitudes.map((m) => sumError(plane, m)) } };
  },
  emulated: { winograd6_3x3_gpu: ['two rounds, 3x3'] },
  gain: kernelGradientGains,
  bench: convLayers,
  gradientOf: {
    forward: conv2d,
    output: 'output',
    inputs: (_, { input }, __, cotangent) => ({ input, grad: cotangent }),
    // The forward's kernel is packed, [tap][in][out padded]; its gradient is dense, and the bias follows it.
    wrt: {
      kernel: {
        output: 'gradient',
        at: ({ outChannels }, i) => {
          const o = i % padChannels(outChannels);
          return o < outChannels ? Math.floor(i / padChannels(outChannels)) * outChannels + o : -1;
        },
      },
      bias: {
        output: 'gradient',
        at: (shape, i) => (i < shape.outChannels ? gradientSize(shape) - shape.outChannels + i : -1),
      },
    },
  },
};
