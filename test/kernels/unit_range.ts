import type { SampledShape } from '../../src/kernels/flow_step';
import { unitRange } from '../../src/kernels/unit_range';
import { EPSILON, type Spec } from '../spec';
import { placeOf, sampledBench, sampledCases } from './flow_step';

export const spec: Spec<SampledShape, 'x' | 'output'> = {
  kernel: unitRange,
  cases: sampledCases,
  inputs: ({ elements, batch, guided }, random) => {
    const x = random.floats(elements * batch * (guided ? 2 : 1), -1.5, 1.5); // often beyond what is clamped
    x.set([-1, 1, 0, -0.999999]);
    return { x };
  },
  reference: (shape, { x }) => {
    const values = new Float64Array(shape.elements * shape.batch);
    const error = new Float64Array(values.length);
    for (let i = 0; i < values.length; i++) {
      const value = 0.5 * x[placeOf(shape, i)] + 0.5;
      values[i] = Math.min(Math.max(value, 0), 1);
      // Halving is exact; the addition errs by an ulp, and clamping makes no error larger.
      error[i] = 2 * EPSILON * Math.abs(value);
    }
    return { output: { values, error } };
  },
  bench: sampledBench,
};
