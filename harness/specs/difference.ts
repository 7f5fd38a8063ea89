import { type DifferenceShape, difference } from '../../src/kernels/difference';
import { reference } from '../../src/reference/difference';
import { EPSILON, type Spec, sumError } from './lib/spec';

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
    // The value that must be found, at any place.
    result[size - 1] = Number.NaN;
    if (size > 1) result[0] = Number.POSITIVE_INFINITY;
    if (size > 2) result[1] = Number.NEGATIVE_INFINITY;
    return { result, expected };
  },
  reference,
  error: ({ size }, _, { partials }) => {
    const terms = Math.ceil(size / (partials.length / 2));
    // In a pair, first one subtraction, correctly rounded; the largest f32 next to 3e38 differs from it as little. Then a sum.
    return {
      partials: Float64Array.from(partials, (v, i) => (i % 2 === 0 ? EPSILON * v : sumError(terms, v))),
    };
  },
  bench: (batch) => ({ 'down.1': { size: 64 * 14 * 14 * batch } }),
};
