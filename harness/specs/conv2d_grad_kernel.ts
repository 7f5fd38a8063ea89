import { convSizes } from '../../src/kernels/conv2d';
import { conv2dGradKernel, gradientSize } from '../../src/kernels/conv2d_grad_kernel';
import { type ConvShape, padChannels } from '../../src/plan/conv_shape';
import { reference } from '../../src/reference/conv2d_grad_kernel';
import { spec as conv2d, convCases, convLayers } from './conv2d';
import { absolute, type Spec, sumError } from './lib/spec';
import { kernelGradientGains } from './lib/winograd_gain';

const manyPairs = 'more pairs of channels than fit a row of workgroups';

export const spec: Spec<ConvShape, 'input' | 'grad' | 'gradient'> = {
  kernel: conv2dGradKernel,
  // With fewer pixels, some of a million sums would have too few terms for their errors to even out.
  cases: { ...convCases, [manyPairs]: { ...convCases[manyPairs], width: 7 } },
  // The biases follow.
  dims: ({ kernelSize, inChannels, outChannels }) => ({
    gradient: { ky: kernelSize, kx: kernelSize, in: inChannels, out: outChannels },
  }),
  inputs: (shape, random) => ({
    input: random.floats(convSizes(shape).input),
    grad: random.floats(convSizes(shape).output),
  }),
  reference,
  error: (shape, inputs) => {
    const terms = shape.height * shape.width * shape.batch;
    const { gradient } = reference(shape, absolute(inputs));
    return { gradient: gradient.map((magnitude) => sumError(terms, magnitude)) };
  },
  // Of `tile`: two strips; more than one row of a slice, which begin above the image and end below it.
  emulated: {
    tile: ['one row of 8, 5x5', 'few channels, 5x5', 'three vec4s of images, 5x5'],
    one_channel_gpu: [
      'one to one, 5x5',
      'one to one, 3x3',
      'one row of 7, 3x3',
      'one row of 8, 5x5',
      'a tile of 8 and a row, to one channel',
      '9 wide, from one, 3x3',
      'three vec4s of images, 3x3',
    ],
    winograd7: ['a tile of 8 and a row, from one channel', 'three vec4s of images, 4x4'],
    winograd6_3x3_gpu: ['two rounds, 3x3'],
  },
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
