import { type ElementwiseShape, swish } from '../../src/kernels/swish';
import { EPSILON, type Spec } from '../spec';

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));

export const spec: Spec<ElementwiseShape, 'input' | 'output'> = {
  kernel: swish,
  cases: {
    'one vec4': { elements: 4 },
    'not a multiple of the workgroup': { elements: 4 * 67 },
    'more than one row of workgroups': { elements: 4 * 64 * 1024 + 4 },
  },
  inputs: ({ elements }, random) => {
    const input = random.floats(elements, -8, 8);
    input.set([0, -100, 100, -1.2785]); // zero, both tails, the minimum of swish
    return { input };
  },
  reference: (_, { input }) => {
    const values = Float64Array.from(input, (z) => z * sigmoid(z));
    // exp errs by up to 3 + 2|z| ulp (WGSL), carried with weight |z|(1-s) <= min(|z|, 1); then an addition, a division
    // (2.5 ulp) and a product.
    const error = Float64Array.from(values, (v, i) => {
      const z = Math.abs(input[i]);
      return 2 * EPSILON * Math.abs(v) * (3 + 2 * z + 4) + 1e-30; // the tail is cut off at exp(80)
    });
    return { output: { values, error } };
  },
  bench: (batch) => ({ 'down.2': { elements: 64 * 7 * 7 * batch } }),
};
