import type { ResidualShape } from '../../src/kernels/swish';
import type { ImageShape } from '../../src/kernels/swish_max_pool';
import { swishMaxPoolGrad } from '../../src/kernels/swish_max_pool_grad';
import { reference, throughPooling } from '../../src/reference/swish_max_pool_grad';
import { EPSILON, imageDims, type Spec } from './lib/spec';
import { additionError, swishAt } from './swish';
import { spec as swishMaxPool } from './swish_max_pool';

export const spec: Spec<ImageShape & ResidualShape, 'pre' | 'grad_output' | 'grad'> = {
  kernel: swishMaxPoolGrad,
  cases: swishMaxPool.cases,
  dims: (shape) => ({ grad: imageDims(shape.channels, shape) }),
  inputs: (shape, random) => {
    const { grad: size } = swishMaxPoolGrad.sizes(shape);
    // Multiples of 1/16: swish has either the same value or one that differs by more than f32 could confuse. Ties abound: every fifth
    // image has whole numbers only, the next one no positive values, the one after is flat.
    const pre = random.floats(size, -4, 3).map((v, i) => {
      const kind = (i % shape.batch) % 5;
      if (kind === 0) return Math.round(v);
      if (kind === 1) return Math.floor(v / 2) - 1;
      return kind === 2 ? -0.5 : Math.round(16 * v) / 16;
    });
    const given = { pre, grad_output: random.floats(size / 4), grad: random.floats(size) };
    // Sums with different residuals are further apart than swish reaches here, from -0.3 to 2.9.
    const residuals = () => random.floats(size, -1.5, 1.5).map((v) => 4 * Math.round(v));
    return { ...given, ...(shape.residual ? { residual: residuals() } : {}) };
  },
  reference,
  // An addition, which WGSL lets round in either direction, and a product.
  error: (shape, inputs) => {
    const sums = throughPooling(shape, inputs);
    const error = sums.map((sum, k) => {
      const { slope, slopeError } = swishAt(inputs.pre[k]);
      return Math.abs(sum) * (slopeError + 2 * 2 * EPSILON * Math.abs(slope));
    });
    return { grad: error, ...(shape.residual ? { grad_residual: sums.map(additionError) } : {}) };
  },
  bench: swishMaxPool.bench,
  gradientOf: {
    forward: swishMaxPool,
    output: 'output',
    inputs: (_shape, { input, ...more }, _outputs, cotangent) => ({
      pre: input,
      ...more,
      grad_output: cotangent,
      grad: new Float64Array(input.length),
    }),
    wrt: { input: { output: 'grad' }, residual: { output: 'grad_residual' } },
  },
};
