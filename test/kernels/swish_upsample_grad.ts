import type { UpsampleAddShape } from '../../src/kernels/swish_upsample_add';
import { swishUpsampleGrad } from '../../src/kernels/swish_upsample_grad';
import { EPSILON, imageDims, type Spec } from '../spec';
import { swishAt } from './swish';
import { spec as swishUpsampleAdd } from './swish_upsample_add';

export const spec: Spec<UpsampleAddShape, 'pre' | 'grad_output' | 'grad'> = {
  kernel: swishUpsampleGrad,
  cases: swishUpsampleAdd.cases,
  dims: (shape) => ({ grad: imageDims(shape.channels, shape) }),
  inputs: ({ channels, height, width, batch }, random) => {
    const size = channels * height * width * batch;
    return { pre: random.floats(size, -3, 2), grad_output: random.floats(4 * size) };
  },
  reference: ({ channels, height, width, batch, residual }, { pre, grad_output }) => {
    const sums = new Float64Array(pre.length);
    const sumErrors = new Float64Array(pre.length);
    let i = 0;
    for (let c = 0; c < channels; c++)
      for (let y = 0; y < 2 * height; y++)
        for (let x = 0; x < 2 * width; x++) {
          const to = ((c * height + (y >> 1)) * width + (x >> 1)) * batch;
          for (let n = 0; n < batch; n++, i++) {
            sums[to + n] += grad_output[i];
            // Each term goes through two additions, which WGSL lets round in either direction.
            sumErrors[to + n] += 2 * 2 * EPSILON * Math.abs(grad_output[i]);
          }
        }
    const values = sums.map((sum, k) => sum * swishAt(pre[k]).slope);
    const error = sums.map((sum, k) => {
      const { slope, slopeError } = swishAt(pre[k]);
      return sumErrors[k] * Math.abs(slope) + Math.abs(sum) * slopeError + 2 * EPSILON * Math.abs(values[k]);
    });
    return {
      grad: { values, error },
      ...(residual ? { grad_residual: { values: sums, error: sumErrors } } : {}),
    };
  },
  bench: swishUpsampleAdd.bench,
  gradientOf: {
    forward: swishUpsampleAdd,
    output: 'output',
    inputs: (_shape, { input }, _outputs, cotangent) => ({ pre: input, grad_output: cotangent }),
    wrt: { input: { output: 'grad' }, residual: { output: 'grad_residual' } },
  },
};
