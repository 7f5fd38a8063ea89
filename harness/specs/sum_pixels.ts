import { type SumPixelsShape, sumPixels } from '../../src/kernels/sum_pixels';
import type { ConvShape } from '../../src/plan/conv_shape';
import { reference } from '../../src/reference/sum_pixels';
import { spec as conv2d, convLayers } from './conv2d';
import { absolute, image, type Spec, sumError, type TestRandom } from './lib/spec';

/** A convolution whose bias for each image has such a gradient. */
const convolution = ({ channels, first, ...image }: SumPixelsShape): ConvShape => ({
  ...image,
  inChannels: 2,
  outChannels: channels,
  kernelSize: 3,
  imageBias: first,
});

export const spec: Spec<SumPixelsShape, 'grad' | 'sums'> = {
  kernel: sumPixels,
  cases: {
    'one pixel': { ...image(1, 1, 1, 1), first: 0 },
    primes: { ...image(5, 7, 3, 11), first: 3 },
    'one channel, many images': { ...image(1, 3, 5, 301), first: 2 },
    'a short row': { ...image(19, 1, 5, 5), first: 1 },
    'down.0': { ...image(32, 28, 28, 4), first: 0 },
    'down.1': { ...image(64, 14, 14, 36), first: 32 },
    'down.2': { ...image(64, 7, 7, 64), first: 96 },
    'many workgroups': { ...image(1100, 2, 3, 256), first: 7 },
  },
  inputs: (shape, random) => {
    const { grad, sums } = sumPixels.sizes(shape);
    // The rows before belong to other layers, the rest is poisoned.
    const others = random.floats(sums).fill(Number.NaN, shape.first * shape.batch);
    return { grad: random.floats(grad), sums: others };
  },
  reference,
  error: (shape, inputs) => {
    const { height, width, batch, first } = shape;
    const { sums } = reference(shape, absolute(inputs));
    const error = sums.map((magnitude) => sumError(height * width, magnitude));
    return { sums: error.fill(0, 0, first * batch) };
  },
  bench: (batch) => {
    let row = 0;
    // All layers but the last have such a bias.
    const layers = Object.entries(convLayers(batch)).slice(0, -1);
    return Object.fromEntries(
      layers.map(([name, { batch, height, width, outChannels: channels }]) => {
        const first = row;
        row += channels;
        return [name, { channels, height, width, batch, first }];
      }),
    );
  },
  gradientOf: {
    forward: {
      inputs: (shape, random: TestRandom) => conv2d.inputs(convolution(shape), random),
      reference: (shape, inputs) => conv2d.reference(convolution(shape), inputs),
    },
    output: 'output',
    inputs: (_, { image_bias }, __, cotangent) => ({ grad: cotangent, sums: image_bias }),
    // The rows before are other layers'.
    wrt: {
      image_bias: { output: 'sums', at: ({ first, batch }, i) => (i < first * batch ? -1 : i) },
    },
  },
};
