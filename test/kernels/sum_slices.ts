import { gradientSize } from '../../src/kernels/conv2d_grad_kernel';
import { flatSize } from '../../src/kernels/pack_weights';
import { type SliceShape, sumSlices } from '../../src/kernels/sum_slices';
import { type Spec, sumError } from '../spec';
import { convLayers } from './conv2d';

export const spec: Spec<SliceShape, 'slices' | 'output'> = {
  kernel: sumSlices,
  cases: {
    'one number': { size: 1, pitch: 1, count: 1 },
    primes: { size: 131, pitch: 137, count: 7 },
    'eights and a rest': { size: 5, pitch: 8, count: 19 },
    'many slices': { size: 67, pitch: 68, count: 1000 },
  },
  inputs: ({ pitch, count }, random) => ({ slices: random.floats(pitch * count) }),
  reference: ({ size, pitch, count }, { slices }) => {
    const values = new Float64Array(size);
    const error = new Float64Array(size);
    for (let i = 0; i < size; i++) {
      let magnitude = 0;
      for (let s = 0; s < count; s++) {
        values[i] += slices[s * pitch + i];
        magnitude += Math.abs(slices[s * pitch + i]);
      }
      error[i] = sumError(count, magnitude);
    }
    return { output: { values, error } };
  },
  bench: (batch) =>
    Object.fromEntries(
      Object.entries(convLayers(batch)).map(([name, shape]) => [
        name,
        { size: gradientSize(shape), pitch: flatSize(shape), count: 7 },
      ]),
    ),
};
