import type { SampledShape } from '../../src/kernels/flow_step';
import { unitRange } from '../../src/kernels/unit_range';
import { guidedPlaces } from '../../src/reference/flow_step';
import { reference } from '../../src/reference/unit_range';
import { sampledBench, sampledCases } from './flow_step';
import { EPSILON, type Spec } from './lib/spec';

export const spec: Spec<SampledShape, 'x' | 'output'> = {
  kernel: unitRange,
  cases: sampledCases,
  inputs: ({ elements, batch, guided }, random) => {
    const x = random.floats(elements * batch * (guided ? 2 : 1), -1.5, 1.5); // often beyond the clamp
    x.set([-1, 1, 0, -0.999999]);
    return { x };
  },
  reference,
  // Halving is exact; the addition errs by an ulp, and clamping makes no error larger.
  error: (shape, { x }, { output }) => ({
    output: Float64Array.from(
      output,
      (_, i) => 2 * EPSILON * Math.abs(0.5 * x[guidedPlaces(shape, i)[0]] + 0.5),
    ),
  }),
  bench: sampledBench,
};
