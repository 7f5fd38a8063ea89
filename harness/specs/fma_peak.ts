import { type FmaShape, fmaPeak } from '../../src/kernels/fma_peak';
import { eachOfWorkgroup, reference } from '../../src/reference/fma_peak';
import { EPSILON, type Spec } from './lib/spec';

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
  reference,
  // Halving is exact and halves all earlier errors, each addition adds an ulp of at most half the start (plus one): one ulp of that start
  // in all, of each chain. Then three additions.
  error: ({ iterations }, _, { output }) => {
    const ofChains = eachOfWorkgroup((starts) =>
      iterations > 0 ? starts.reduce((total, start) => total + start + 1, 0) : 0,
    );
    return {
      output: new Float64Array(output.length).map(
        (_, i) => 2 * EPSILON * (ofChains[i % ofChains.length] + 3 * output[i]),
      ),
    };
  },
  bench: () => ({ peak: { invocations: 2 ** 17, iterations: 64 } }),
};
