import { type DifferenceShape, difference, differencePairs } from '../../src/kernels/difference';
import { EPSILON, type Spec, sumError } from '../spec';

export const spec: Spec<DifferenceShape, 'result' | 'expected' | 'partials'> = {
  kernel: difference,
  cases: {
    'one number': { size: 1 },
    'prime size': { size: 131 },
    'several numbers an invocation': { size: 3 * 16384 + 17 },
  },
  inputs: ({ size }, random) => {
    const expected = random.floats(size);
    const result = expected.map((v) => v + 1e-3 * (random.next() - 0.5));
    // What must be found, wherever it stands.
    result[size - 1] = Number.NaN;
    if (size > 1) result[0] = Number.POSITIVE_INFINITY;
    if (size > 2) result[1] = Number.NEGATIVE_INFINITY;
    return { result, expected };
  },
  reference: (shape, { result, expected }) => {
    const pairs = differencePairs(shape);
    const values = new Float64Array(2 * pairs);
    const error = new Float64Array(2 * pairs);
    for (let i = 0; i < shape.size; i++) {
      const k = i % pairs;
      const apart = Number.isFinite(result[i]) ? Math.abs(result[i] - expected[i]) : 3e38;
      values[2 * k] = Math.max(values[2 * k], apart);
      values[2 * k + 1] += expected[i] ** 2;
    }
    for (let k = 0; k < pairs; k++) {
      // One subtraction, correctly rounded; the largest f32 next to 3e38 differs from it as little.
      error[2 * k] = EPSILON * values[2 * k];
      error[2 * k + 1] = sumError(Math.ceil(shape.size / pairs), values[2 * k + 1]);
    }
    return { partials: { values, error } };
  },
  bench: (batch) => ({ 'down.1': { size: 64 * 14 * 14 * batch } }),
};
