import type { ElementwiseShape } from '../../src/kernels/swish';
import { swishGrad } from '../../src/kernels/swish_grad';
import { EPSILON, type Spec } from '../spec';
import { spec as swish } from './swish';

export const spec: Spec<ElementwiseShape, 'pre' | 'grad'> = {
  kernel: swishGrad,
  cases: {
    'one vec4': { elements: 4 },
    'not a multiple of the workgroup': { elements: 4 * 67 },
    'more than one row of workgroups': { elements: 4 * 64 * 1024 + 4 },
  },
  inputs: ({ elements }, random) => {
    const pre = random.floats(elements, -8, 8);
    pre.set([0, -100, 100, -1.2785]); // both tails; at the minimum of swish the derivative cancels
    return { pre, grad: random.floats(elements) };
  },
  reference: (_, { pre, grad }) => {
    const values = new Float64Array(grad.length);
    const error = new Float64Array(grad.length);
    for (let i = 0; i < grad.length; i++) {
      const z = pre[i];
      const s = 1 / (1 + Math.exp(-z));
      const t = 1 + z * (1 - s);
      values[i] = grad[i] * s * t;
      // In ulp of 2 EPSILON: exp errs by 3 + 2|z| (WGSL), which reaches s with weight 1 - s; then an addition and a division
      // (2.5). 1 - s, its product with z and the last sum round by half an ulp each, as do the two products at the end.
      const ofS = s * ((1 - s) * (3 + 2 * Math.abs(z)) + 3);
      const ofT = Math.abs(z) * (ofS + (1 - s)) + 0.5 * Math.abs(t);
      error[i] = Math.abs(grad[i]) * 2 * EPSILON * (ofS * Math.abs(t) + s * ofT + s * Math.abs(t)) + 1e-30; // cut off at exp(80)
    }
    return { grad: { values, error } };
  },
  bench: (batch) => ({
    'down.0': { elements: 32 * 28 * 28 * batch },
    'down.1': { elements: 64 * 14 * 14 * batch },
    'down.2': { elements: 64 * 7 * 7 * batch },
    'up.0': { elements: 64 * 7 * 7 * batch },
    'up.1': { elements: 32 * 14 * 14 * batch },
    'up.2': { elements: 28 * 28 * batch },
  }),
  gradientOf: {
    forward: swish,
    output: 'output',
    inputs: (_shape, forward, _outputs, cotangent) => ({ pre: forward.input, grad: cotangent }),
    wrt: { input: { output: 'grad' } },
  },
};
