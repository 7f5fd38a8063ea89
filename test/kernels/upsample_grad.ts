import type { ImageShape } from '../../src/kernels/max_pool';
import { upsampleGrad } from '../../src/kernels/upsample_grad';
import { EPSILON, type Spec } from '../spec';
import { spec as upsampleAdd } from './upsample_add';

export const spec: Spec<ImageShape, 'grad_output' | 'grad_input'> = {
  kernel: upsampleGrad,
  cases: upsampleAdd.cases,
  inputs: ({ channels, height, width, batch }, random) => ({
    grad_output: random.floats(4 * channels * height * width * batch),
  }),
  reference: ({ channels, height, width, batch }, { grad_output }) => {
    const size = channels * height * width * batch;
    const values = new Float64Array(size);
    const error = new Float64Array(size);
    let i = 0;
    for (let c = 0; c < channels; c++)
      for (let y = 0; y < 2 * height; y++)
        for (let x = 0; x < 2 * width; x++) {
          const to = ((c * height + (y >> 1)) * width + (x >> 1)) * batch;
          for (let n = 0; n < batch; n++, i++) {
            values[to + n] += grad_output[i];
            // Each term goes through two additions, which WGSL lets round in either direction.
            error[to + n] += 2 * 2 * EPSILON * Math.abs(grad_output[i]);
          }
        }
    return { grad_input: { values, error } };
  },
  bench: upsampleAdd.bench,
  gradientOf: {
    forward: upsampleAdd,
    output: 'output',
    inputs: (_shape, _forward, _outputs, cotangent) => ({ grad_output: cotangent }),
    wrt: { input: { output: 'grad_input' } },
  },
};
