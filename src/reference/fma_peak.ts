import type { FmaShape } from '../kernels/fma_peak';

/** Number of chains that an invocation adds up. */
const CHAINS = 8;

/** Start values of the chains for component `i` of the output. They differ within a workgroup, not between workgroups. */
const startsOf = (i: number) =>
  Array.from({ length: CHAINS }, (_, chain) => (i & 3) + ((i >> 2) % 64) + 4 * chain);

/** Calls `make` with the start values of each component that a workgroup writes, 4 of each of 64 invocations. */
export const eachOfWorkgroup = (make: (starts: number[]) => number) =>
  Array.from({ length: 4 * 64 }, (_, i) => make(startsOf(i)));

/** [invocations][4]: sums of chains. Four times per iteration, each chain is halved and increased by 1/4. The fixed point is 1/2. */
export function reference({ invocations, iterations }: FmaShape) {
  const after = (start: number) => 0.5 + (start - 0.5) * 0.5 ** (4 * iterations);
  const sums = eachOfWorkgroup((starts) => starts.reduce((sum, start) => sum + after(start), 0));
  return { output: new Float64Array(4 * invocations).map((_, i) => sums[i % sums.length]) };
}
