import { gradientSize } from '../../src/kernels/conv2d_grad_kernel';
import { flatSize } from '../../src/kernels/pack_weights';
import { type SliceShape, sumSlices } from '../../src/kernels/sum_slices';
import { reference } from '../../src/reference/sum_slices';
import { convLayers } from './conv2d';
import { absolute, mapValues, type Spec, sumError } from './lib/spec';

export const spec: Spec<SliceShape, 'slices' | 'output'> = {
  kernel: sumSlices,
  cases: {
    'one number': { size: 1, pitch: 1, count: 1 },
    primes: { size: 131, pitch: 137, count: 7 },
    'eights and a rest': { size: 5, pitch: 8, count: 19 },
    'many slices': { size: 67, pitch: 68, count: 1000 },
  },
  inputs: ({ pitch, count }, random) => ({ slices: random.floats(pitch * count) }),
  reference,
  error: (shape, inputs) => {
    const { output } = reference(shape, absolute(inputs));
    return { output: output.map((magnitude) => sumError(shape.count, magnitude)) };
  },
  bench: (batch) =>
    mapValues(convLayers(batch), (shape) => ({
      size: gradientSize(shape),
      pitch: flatSize(shape),
      count: 7,
    })),
};
