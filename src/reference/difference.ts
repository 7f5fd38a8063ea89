import type { DifferenceShape } from '../kernels/difference';
import type { Arrays } from '../plan/reference';
import { atMost, type SmallCase } from '../plan/small_case';

/** One pair per invocation: the largest |result - expected|, and the sum of squares of `expected`. */
export function reference({ size }: DifferenceShape, { result, expected }: Arrays) {
  const pairs = Math.min(size, 16384);
  const partials = new Float64Array(2 * pairs);
  for (let i = 0; i < size; i++) {
    const k = i % pairs;
    const apart = Number.isFinite(result[i]) ? Math.abs(result[i] - expected[i]) : 3e38;
    partials[2 * k] = Math.max(partials[2 * k], apart);
    partials[2 * k + 1] += expected[i] ** 2;
  }
  return { partials };
}

export const small: SmallCase<DifferenceShape> = { shape: atMost<DifferenceShape>({ size: 300 }) };
