import type { ElementwiseShape } from '../../src/kernels/swish';
import { swishGrad } from '../../src/kernels/swish_grad';
import { reference } from '../../src/reference/swish_grad';
import { EPSILON, type Spec } from '../spec';
import { preActivations, spec as swish, swishAt } from './swish';

export const spec: Spec<ElementwiseShape, 'pre' | 'grad'> = {
  kernel: swishGrad,
  cases: {
    'one vec4': { elements: 4 },
    'not a multiple of the workgroup': { elements: 4 * 67 },
    'more than one row of workgroups': { elements: 4 * 64 * 1024 + 4 },
  },
  inputs: ({ elements }, random) => {
    const pre = preActivations(random, elements, -8, 8);
    pre.set([0, -100, 100, -1.2785]); // both tails; at the minimum of swish the derivative cancels
    return { pre, grad: random.floats(elements) };
  },
  reference,
  error: (_, { pre, grad }) => ({
    grad: Float64Array.from(grad, (g, i) => {
      const { slope, slopeError } = swishAt(pre[i]);
      return Math.abs(g) * slopeError + 2 * EPSILON * Math.abs(g * slope);
    }),
  }),
  bench: (batch) => ({ 'down.2': { elements: 64 * 7 * 7 * batch } }),
  gradientOf: {
    forward: swish,
    output: 'output',
    inputs: (_shape, forward, _outputs, cotangent) => ({ pre: forward.input, grad: cotangent }),
    wrt: { input: { output: 'grad' } },
  },
};
