import type { Values } from '../plan/reference';

/**
 * How far a number may be from what is expected, as a share of the largest that is expected in its tensor. Of what `smallShape`
 * makes of all cases of all kernels, the least accurate form, Winograd's F(8x8, 5x5), errs by 2e-4 of it, F(7x7, 5x5) by 1e-4 and all that
 * is not Winograd by 4e-6. What is off by 0.4% is seen.
 */
const TOLERANCE = 1e-3;
/** Tensors of numbers that have nothing to do with each other: each is its own measure. */
const APART = ['state', 'records'];
/** Below, an f32 is denormal: a whole number in a tensor of floats, or nothing. */
const LEAST_NORMAL = 2 ** -126;

/** What is wrong with the numbers that a kernel left in a tensor, for a message; undefined if nothing is. */
export function faultOf(name: string, got: Values, expected: Values): string | undefined {
  if (isConstant(got) && !isConstant(expected)) return `every number of ${name} is ${got[0]}`;
  const exact = expected instanceof Uint32Array;
  let largest = 0;
  for (const value of expected) largest = Math.max(largest, Math.abs(value));
  const allowedAt = (value: number) => {
    if (exact || Math.abs(value) < LEAST_NORMAL) return 0;
    return TOLERANCE * (APART.includes(name) ? Math.abs(value) : largest);
  };
  const apart = Float64Array.from(expected, (value, i) => Math.abs(got[i] - value));
  // What is no number is no less than anything, either.
  const isWrong = (distance: number, i: number) => !(distance <= allowedAt(expected[i]));

  const wrong = apart.filter(isWrong).length;
  if (wrong === 0) return undefined;
  const first = apart.findIndex(isWrong);
  return `${name}[${first}] is ${got[first]}, expected ${expected[first]}, and ${wrong} of ${apart.length} numbers are off`;
}

const isConstant = (values: Values) => values.length > 1 && values.every((value) => value === values[0]);
