import type { Values } from '../plan/reference';

/**
 * How far a number may be from what is expected, as a share of the largest that is expected in its tensor. In cases of `smallShape` the
 * least accurate form, Winograd's F(8x8, 5x5), errs by TODO.
 */
const TOLERANCE = 1e-3;
/** Below, an f32 is denormal: a whole number in a tensor of floats, or nothing. */
const LEAST_NORMAL = 2 ** -126;

/** What is wrong with the numbers that a kernel left in a tensor, for a message; undefined if nothing is. */
export function faultOf(name: string, got: Values, expected: Values): string | undefined {
  if (isConstant(got) && !isConstant(expected)) return `every number of ${name} is ${got[0]}`;
  const exact = expected instanceof Uint32Array;
  let largest = 0;
  for (const value of expected) largest = Math.max(largest, Math.abs(value));
  const allowedAt = (value: number) => (exact || Math.abs(value) < LEAST_NORMAL ? 0 : TOLERANCE * largest);
  const apart = Float64Array.from(expected, (value, i) => Math.abs(got[i] - value));
  // What is no number is no less than anything, either.
  const isWrong = (distance: number, i: number) => !(distance <= allowedAt(expected[i]));
  console.log("ERR", name, expected.length, Math.max(...apart) / largest, largest);
  const wrong = apart.filter(isWrong).length;
  if (wrong === 0) return undefined;
  const first = apart.findIndex(isWrong);
  return `${name}[${first}] is ${got[first]}, expected ${expected[first]}, and ${wrong} of ${apart.length} numbers are off`;
}

const isConstant = (values: Values) => values.length > 1 && values.every((value) => value === values[0]);
