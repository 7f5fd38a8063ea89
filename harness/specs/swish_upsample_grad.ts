import type { UpsampleAddShape } from '../../src/kernels/swish_upsample_add';
import { swishUpsampleGrad } from '../../src/kernels/swish_upsample_grad';
import { reference, sumsOfWindows } from '../../src/reference/swish_upsample_grad';
import { absolute, EPSILON, imageDims, type Spec } from './lib/spec';
import { swishAt } from './swish';
import { spec as swishUpsampleAdd } from './swish_upsample_add';

export const spec: Spec<UpsampleAddShape, 'pre' | 'grad_output' | 'grad'> = {
  kernel: swishUpsampleGrad,
  cases: swishUpsampleAdd.cases,
  dims: (shape) => ({ grad: imageDims(shape.channels, shape) }),
  inputs: (shape, random) => {
    const { pre, grad_output } = swishUpsampleGrad.sizes(shape);
    return { pre: random.floats(pre, -3, 2), grad_output: random.floats(grad_output) };
  },
  reference,
  error: (shape, inputs, { grad }) => {
    const sums = sumsOfWindows(shape, inputs.grad_output);
    const magnitudes = sumsOfWindows(shape, absolute(inputs).grad_output);
    // Each term goes through two additions, which WGSL lets round in either direction.
    const ofSums = magnitudes.map((magnitude) => 2 * 2 * EPSILON * magnitude);
    const error = sums.map((sum, k) => {
      const { slope, slopeError } = swishAt(inputs.pre[k]);
      return ofSums[k] * Math.abs(slope) + Math.abs(sum) * slopeError + 2 * EPSILON * Math.abs(grad[k]);
    });
    return { grad: error, ...(shape.residual ? { grad_residual: ofSums } : {}) };
  },
  bench: swishUpsampleAdd.bench,
  gradientOf: {
    forward: swishUpsampleAdd,
    output: 'output',
    inputs: (_shape, { input }, _outputs, cotangent) => ({ pre: input, grad_output: cotangent }),
    wrt: { input: { output: 'grad' }, residual: { output: 'grad_residual' } },
  },
};
