import type { FmaShape } from '../kernels/fma_peak';

/** Chains that an invocation adds up. */
const CHAINS = 8;

/** Where the chains of component `i` of the output start. Invocations of a workgroup differ, workgroups do not. */
export const startsOf = (i: number) =>
  Array.from({ length: CHAINS }, (_, chain) => (i & 3) + ((i >> 2) % 64) + 4 * chain);

/** [invocations][4]: sums of chains, each of which is halved and moved up by 1/4, four times an iteration. Their fixed point is 1/2. */
export function reference({ invocations, iterations }: FmaShape) {
  const after = (start: number) => 0.5 + (start - 0.5) * 0.5 ** (4 * iterations);
  const output = Float64Array.from({ length: 4 * invocations }, (_, i) =>
    startsOf(i).reduce((sum, start) => sum + after(start), 0),
  );
  return { output };
}
