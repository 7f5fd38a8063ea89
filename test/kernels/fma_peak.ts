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
    // Invocations of a workgroup differ, workgroups do not.
    const sums = Array.from({ length: 4 * 64 }, (_, i) => sumOfChains((i & 3) + (i >> 2), iterations));
    const at = (i: number) => sums[i % sums.length];
    return {
      output: {
        values: Float64Array.from({ length: 4 * invocations }, (_, i) => at(i).value),
        error: Float64Array.from({ length: 4 * invocations }, (_, i) => at(i).error),
      },
    };
  },
  bench: () => ({ peak: { invocations: 2 ** 17, iterations: 64 } }),
};

/** One component of an invocation's output; `first` is where its first chain starts. */
function sumOfChains(first: number, iterations: number): { value: number; error: number } {
  const sum = { value: 0, error: 0 };
  for (let chain = 0; chain < 8; chain++) {
    // The fixed point of a / 2 + 1/4 is 1/2.
    const start = first + 4 * chain;
    const a = 0.5 + (start - 0.5) * 0.5 ** (4 * iterations);
    sum.value += a;
    // Halving is exact and halves all earlier errors, each addition adds an ulp of at most half the start (plus one): one ulp
    // of that start in all. Then three additions.
    sum.error += 2 * EPSILON * ((iterations > 0 ? start + 1 : 0) + 3 * a);
  }
  return sum;
}
