import type { FmaShape } from '../kernels/fma_peak';

/** Number of chains that an invocation adds up. */
const CHAINS = 8;

/** Start values of the chains for component `i` of the output. They differ within a workgroup, not between workgroups. */
export const startsOf = (i: number) =>
  Array.from({ length: CHAINS }, (_, chain) => (i & 3) + ((i >> 2) % 64) + 4 * chain);

/** [invocations][4]: sums of chains. Four times per iteration, each chain is halved and increased by 1/4. The fixed point is 1/2. */
export function reference({ invocations, iterations }: FmaShape) {
  const after = (start: number) => 0.5 + (start - 0.5) * 0.5 ** (4 * iterations);
  const output = Float64Array.from({ length: 4 * invocations }, (_, i) =>
    startsOf(i).reduce((sum, start) => sum + after(start), 0),
  );
  return { output };
}
