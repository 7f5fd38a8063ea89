/** Compares the contents of a tensor with what a reference expects. */
import type { Values } from '../plan/reference';

/**
 * Maximum difference from an expected value, as a share of the largest expected value in its tensor. Over the cases that `smallShape`
 * makes for all kernels, the least accurate form, Winograd's F(8x8, 5x5), has an error of 2e-4, F(7x7, 5x5) of 1e-4, and all forms other
 * than Winograd of 4e-6. The check detects an error of 0.4%.
 */
const TOLERANCE = 1e-3;
/** Tensors whose values are unrelated: each value is compared relative to itself. */
const APART = ['state', 'records'];
/** Smaller f32 values are denormal: an integer in a tensor of floats, or zero. */
const LEAST_NORMAL = 2 ** -126;

/** Describes, for a message, the first wrong value that a kernel wrote to a tensor; undefined if there is none. */
export function faultOf(name: string, got: Values, expected: Values): string | undefined {
  if (isConstant(got) && !isConstant(expected)) return `every number of ${name} is ${got[0]}`;
  const exact = expected instanceof Uint32Array;
  const apart = APART.includes(name);
  const count = expected.length;
  const share = exact ? 0 : TOLERANCE;
  let [largest, furthest, denormals] = [0, 0, 0];
  // Loops by index, of few operations: they run over millions of numbers.
  for (let i = 0; i < count; i++) {
    const value = expected[i];
    const size = Math.abs(value);
    if (size > largest) largest = size;
    const off = Math.abs(got[i] - value);
    // NaN is infinitely far: no comparison with NaN is true.
    if (!(off <= furthest)) furthest = off >= 0 ? off : Infinity;
    if (size < LEAST_NORMAL && off !== 0) denormals++;
  }
  if (!apart && denormals === 0 && furthest <= share * largest) return undefined;
  let [wrong, first] = [0, -1];
  for (let i = 0; i < count; i++) {
    const value = expected[i];
    const size = Math.abs(value);
    const allowed = share * (apart ? size : largest);
    if (Math.abs(got[i] - value) <= allowed && (size >= LEAST_NORMAL || got[i] === value)) continue;
    if (wrong++ === 0) first = i;
  }
  if (wrong === 0) return undefined;
  return `${name}[${first}] is ${got[first]}, expected ${expected[first]}, and ${wrong} of ${expected.length} numbers are off`;
}

const isConstant = (values: Values) => values.length > 1 && values.every((value) => value === values[0]);

/** The contents of a buffer, of the type and size of `values`: slices are added up. */
export function valuesLike(values: Values, buffer: ArrayBuffer): Values {
  const all = values instanceof Uint32Array ? new Uint32Array(buffer) : new Float32Array(buffer);
  return all.length > values.length ? sumOfSlices(all, values.length) : all;
}

/** Stride between slices of a gradient: each slice consists of whole vec4s. */
export const pitchOf = (size: number) => Math.ceil(size / 4) * 4;

function sumOfSlices(slices: Values, size: number): Float64Array {
  const pitch = pitchOf(size);
  const sums = new Float64Array(size);
  for (let at = 0; at < slices.length; at += pitch) for (let i = 0; i < size; i++) sums[i] += slices[at + i];
  return sums;
}
