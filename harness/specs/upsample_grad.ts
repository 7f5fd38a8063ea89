import type { ImageShape } from '../../src/kernels/swish_max_pool';
import { upsampleGrad } from '../../src/kernels/upsample_grad';
import { sumsOfWindows } from '../../src/reference/swish_upsample_grad';
import { reference } from '../../src/reference/upsample_grad';
import { absolute, EPSILON, imageDims, type Spec } from './lib/spec';
import { spec as upsample } from './upsample';

export const spec: Spec<ImageShape, 'grad_output' | 'grad'> = {
  kernel: upsampleGrad,
  cases: upsample.cases,
  dims: (shape) => ({ grad: imageDims(shape.channels, shape) }),
  inputs: (shape, random) => ({ grad_output: random.floats(upsampleGrad.sizes(shape).grad_output) }),
  reference,
  // Each term goes through two additions, which WGSL lets round in either direction.
  error: (shape, inputs) => ({
    grad: sumsOfWindows(shape, absolute(inputs).grad_output).map((magnitude) => 2 * 2 * EPSILON * magnitude),
  }),
  bench: upsample.bench,
  gradientOf: {
    forward: upsample,
    output: 'output',
    inputs: (_shape, _forward, _outputs, cotangent) => ({ grad_output: cotangent }),
    wrt: { input: { output: 'grad' } },
  },
};
