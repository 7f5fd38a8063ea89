import { denoiseStep } from '../../src/kernels/denoise_step';
import type { ElementwiseShape } from '../../src/kernels/swish';
import { reference } from '../../src/reference/denoise_step';
import { EPSILON, type Spec } from './lib/spec';
import { elementwiseCases } from './swish';

export const spec: Spec<ElementwiseShape, 'prediction' | 'mix' | 'x'> = {
  kernel: denoiseStep,
  cases: {
    ...elementwiseCases,
    'the last step': { elements: 4 * 64 },
  },
  inputs: ({ elements }, random) => ({
    prediction: random.floats(elements, -0.5, 1.5), // often beyond the clamp
    mix: Float32Array.of(1 / (elements === 4 * 64 ? 1 : 7)),
    x: random.floats(elements, 0, 1),
  }),
  reference,
  error: (_, { prediction, mix: [m], x }) => ({
    x: Float64Array.from(x, (value, i) => {
      const old = value * (1 - m);
      const fresh = prediction[i] * m;
      // A subtraction and a product, a product, an addition; clamping makes no error larger.
      return 2 * EPSILON * (2 * Math.abs(old) + Math.abs(fresh) + Math.abs(old + fresh));
    }),
  }),
  bench: (batch) => ({ 'up.2': { elements: 28 * 28 * Math.ceil(batch / 4) * 4 } }),
};
