import { type FmaShape, fmaPeak } from '../../src/kernels/fma_peak';
import { EPSILON, type Spec } from '../spec';

export const spec: Spec<FmaShape, 'output'> = {
  kernel: fmaPeak,
  cases: {
    'one invocation, no iteration': { invocations: 1, iterations: 0 },
    'prime sizes': { invocations: 67, iterations: 1 },
    'iterations in fours': { invocations: 67, iterations: 4 },
    'until nothing changes': { invocations: 64, iterations: 104 },
    'more than one row of workgroups': { invocations: 64 * 1024 + 1, iterations: 1 },
  },
  inputs: () => ({}),
  reference: ({ invocations, iterations }) => {
    const values = new Float64Array(4 * invocations);
    const error = new Float64Array(4 * invocations);
    for (let i = 0; i < values.length; i++) {
      const [index, component] = [i >> 2, i & 3];
      const start = component + (index % 64);
      for (let chain = 0; chain < 8; chain++) {
        // The fixed point of a / 2 + 1/4 is 1/2.
        const a = 0.5 + (start + 4 * chain - 0.5) * 0.5 ** (4 * iterations);
        values[i] += a;
        // Halving is exact and halves all earlier errors, each addition adds an ulp of at most half the start (plus one): one ulp
        // of that start in all. Then three additions.
        error[i] += 2 * EPSILON * ((iterations > 0 ? start + 4 * chain + 1 : 0) + 3 * a);
      }
    }
    return { output: { values, error } };
  },
  bench: () => ({ peak: { invocations: 2 ** 17, iterations: 256 } }),
};
