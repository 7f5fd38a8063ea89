import { convSizes } from '../../src/kernels/conv2d';
import { conv2dGradInput } from '../../src/kernels/conv2d_grad_input';
import type { ConvShape } from '../../src/plan/conv_shape';
import { reference } from '../../src/reference/conv2d_grad_input';
import { spec as conv2d, convCases, convLayers, packedKernel, tileCases } from './conv2d';
import { transposeKernel } from './lib/conv_layouts';
import { absolute, imageDims, type Spec, sumError } from './lib/spec';
import { convolutionGains } from './lib/winograd_gain';

export const spec: Spec<ConvShape, 'grad' | 'kernel' | 'grad_input'> = {
  kernel: conv2dGradInput,
  cases: convCases,
  dims: (shape) => ({ grad_input: imageDims(shape.inChannels, shape) }),
  inputs: (shape, random) => ({
    grad: random.floats(convSizes(shape).output),
    kernel: packedKernel(random, shape.kernelSize ** 2, shape.outChannels, shape.inChannels),
  }),
  reference,
  error: (shape, inputs) => {
    const terms = shape.kernelSize ** 2 * shape.outChannels;
    const { grad_input } = reference(shape, absolute(inputs));
    return { grad_input: grad_input.map((magnitude) => sumError(terms, magnitude)) };
  },
  emulated: {
    tile: tileCases,
    winograd7: ['a tile of 8 and a row, from one channel', 'three vec4s of images, 4x4'],
    winograd7_gpu: ['three vec4s of images, 4x4'],
  },
  gain: convolutionGains,
  // The first layer's input is data, whose gradient is not needed.
  bench: (batch) =>
    Object.fromEntries(Object.entries(convLayers(batch)).filter(([name]) => name !== 'down.0')),
  gradientOf: {
    forward: conv2d,
    output: 'output',
    inputs: (shape, { kernel }, _, cotangent) => ({
      grad: cotangent,
      kernel: transposeKernel(shape, kernel),
    }),
    wrt: { input: { output: 'grad_input' } },
  },
};
