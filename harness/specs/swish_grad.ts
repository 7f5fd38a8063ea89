import { type SwishGradShape, swishGrad } from '../../src/kernels/swish_grad';
import { reference } from '../../src/reference/swish_grad';
import { EPSILON, type Spec } from './lib/spec';
import { additionError, elementwiseCases, preActivations, spec as swish, swishAt } from './swish';

export const spec: Spec<SwishGradShape, 'pre' | 'grad'> = {
  kernel: swishGrad,
  cases: {
    ...elementwiseCases,
    'a residual': { elements: 4 * 67, residual: true },
    'a residual layer behind': { elements: 4 * 67, sum: true },
    'a residual, and a residual layer behind': { elements: 4 * 67, residual: true, sum: true },
  },
  inputs: ({ elements, sum }, random) => {
    const pre = preActivations(random, elements, -8, 8);
    pre.set([0, -100, 100, -1.2785]); // both tails; at the minimum of swish the derivative cancels
    return {
      pre,
      grad: random.floats(elements),
      ...(sum ? { grad_residual: random.floats(elements) } : {}),
    };
  },
  reference,
  error: ({ residual, sum }, { pre, grad, grad_residual }) => {
    const sums = Float64Array.from(grad, (g, i) => g + (sum ? grad_residual[i] : 0));
    const sumErrors = sums.map((g) => (sum ? additionError(g) : 0));
    const error = sums.map((g, i) => {
      const { slope, slopeError } = swishAt(pre[i]);
      return sumErrors[i] * Math.abs(slope) + Math.abs(g) * slopeError + 2 * EPSILON * Math.abs(g * slope);
    });
    return { grad: error, ...(residual ? { grad_residual: sumErrors } : {}) };
  },
  bench: (batch) => ({ 'down.2': { elements: 64 * 7 * 7 * batch } }),
  gradientOf: {
    forward: swish,
    output: 'output',
    // A part of the gradient comes through each way.
    inputs: ({ sum }, { input: pre }, _outputs, cotangent) => ({
      pre,
      grad: cotangent.map((c) => (sum ? 0.25 : 1) * c),
      ...(sum ? { grad_residual: cotangent.map((c) => 0.75 * c) } : {}),
    }),
    wrt: { input: { output: 'grad' }, residual: { output: 'grad_residual' } },
  },
};
