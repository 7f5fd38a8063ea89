import { maxPoolGrad } from '../../src/kernels/max_pool_grad';
import type { ImageShape } from '../../src/kernels/swish_max_pool';
import { reference } from '../../src/reference/max_pool_grad';
import { exact, imageDims, type Spec } from './lib/spec';
import { spec as maxPool } from './max_pool';

export const spec: Spec<ImageShape, 'input' | 'grad_output' | 'grad'> = {
  kernel: maxPoolGrad,
  cases: maxPool.cases,
  dims: (shape) => ({ grad: imageDims(shape.channels, shape) }),
  inputs: (shape, random) => {
    const { input: size } = maxPoolGrad.sizes(shape);
    // Few values, so that the maxima of many windows are equal.
    const input = random.floats(size).map((v) => Math.round(3 * v));
    return { input, grad_output: random.floats(size / 4) };
  },
  reference,
  error: exact,
  bench: maxPool.bench,
  gradientOf: {
    forward: maxPool,
    output: 'output',
    inputs: (_shape, { input }, _outputs, cotangent) => ({ input, grad_output: cotangent }),
    wrt: { input: { output: 'grad' } },
  },
};
