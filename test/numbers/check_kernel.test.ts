/** The comparison that every kernel test rests on finds each kind of fault. */
import { describe, expect, test } from 'vitest';
import { compareTensor } from '../../harness/specs/lib/check_kernel';

const GUARD = 0x5ca1ab1e;
const POISON = 0xffffffff;

/** What a GPU would leave behind: `values` and two untouched guard words. */
function left(values: readonly number[]): Uint32Array {
  const floats = Float32Array.from(values);
  return Uint32Array.from([...new Uint32Array(floats.buffer), GUARD, GUARD]);
}

const expected = {
  values: Float64Array.from([1, -2, 3e-9, 0]),
  error: Float64Array.from([1e-6, 2e-6, 3e-15, 0]),
};
const compared = (words: Uint32Array) => compareTensor('output', words, 4, expected, undefined);
const failureOf = (words: Uint32Array) => compared(words).failure;

describe('compareTensor of floats', () => {
  test('right values pass, and the share of the allowed error that they use is given', () => {
    const { failure, share, worst } = compared(left([1 + 2 ** -21, -2, 3e-9, 0]));
    expect(failure).toBeUndefined();
    expect(share).toBeCloseTo(2 ** -21 / 1e-6, 5);
    const actual = 1 + 2 ** -21;
    expect(worst).toEqual({ tensor: 'output', index: 0, place: '', expected: 1, actual, allowed: 1e-6 });
  });
  test('values without any error have no worst element', () => {
    const own = { values: Float64Array.from([1, -2]), error: Float64Array.from([1e-6, 2e-6]) };
    expect(compareTensor('output', left([1, -2]), 2, own, undefined)).toEqual({ share: 0 });
  });
  test('a wrong value fails', () => {
    expect(failureOf(left([1, -2.001, 3e-9, 0]))).toMatch(/1 of 4 elements are off, first at \[1\]/);
  });
  test('zeros in place of tiny outputs fail', () => {
    expect(failureOf(left([1, -2, 0, 0]))).toMatch(/first at \[2\]/);
  });
  test('a tiny number fails where exactly zero is expected', () => {
    expect(failureOf(left([1, -2, 3e-9, 1e-30]))).toMatch(/first at \[3\]/);
  });
  test('infinity and NaN fail', () => {
    expect(failureOf(left([Infinity, -2, 3e-9, 0]))).toMatch(/first at \[0\]/);
    expect(failureOf(left([1, -2, 3e-9, NaN]))).toMatch(/first at \[3\]/);
  });
  test('NaN is the worst element, whatever comes after it', () => {
    const { failure, share } = compareTensor('output', left([NaN, -2, 3e-9, 1]), 4, expected, undefined);
    expect(failure).toContain(
      '2 of 4 elements are off, first at [0], worst at [0]: got NaN, expected 1, Infinity x allowed',
    );
    expect(share).toBe(Infinity);
  });
  test('a failure names the place by dimensions, but not for an element beyond them', () => {
    const failure = (at: number) => {
      const values = [1, -2, 3e-9, 0].map((v, i) => (i === at ? 7 : v));
      return compareTensor('output', left(values), 4, expected, undefined, 1, { c: 1, y: 3 }).failure;
    };
    expect(failure(2)).toContain('first at [2] (c 0, y 2), worst');
    expect(failure(2)).toMatch(/\[2\] \(c 0, y 2\) got 7, .*<--/);
    expect(failure(3)).toContain('first at [3], worst');
    const { worst } = compareTensor('output', left([1, -2, 7, 0]), 4, expected, undefined, 2, { c: 1, y: 3 });
    // The bound is the variant's, whose gain is 2.
    expect(worst).toMatchObject({
      index: 2,
      place: ' (c 0, y 2)',
      expected: 3e-9,
      actual: 7,
      allowed: 6e-15,
    });
  });
  test('an element that was never written fails', () => {
    const words = left([1, -2, 3e-9, 0]);
    words[1] = POISON;
    expect(failureOf(words)).toMatch(/first at \[1\].*\n.*\n.*got NaN/);
  });
  test('a NaN in the reference or in its allowed error fails', () => {
    const nan = { values: Float64Array.from([NaN]), error: Float64Array.from([1]) };
    expect(compareTensor('output', left([1]), 1, nan, undefined).failure).toMatch(/1 of 1 elements are off/);
    const noError = { values: Float64Array.from([1]), error: Float64Array.from([NaN]) };
    expect(compareTensor('output', left([2]), 1, noError, undefined).failure).toMatch(/elements are off/);
  });
  test('a write past the end of the tensor fails', () => {
    const words = left([1, -2, 3e-9, 0]);
    words[5] = 0;
    expect(failureOf(words)).toBe('output: wrote 2 words past its end');
  });
  test('a reference of the wrong length fails', () => {
    expect(compareTensor('output', left([1, -2, 3e-9]), 3, expected, undefined).failure).toMatch(
      /the reference gives 4 values of 3/,
    );
  });
});

describe('compareTensor of integers', () => {
  const integers = { values: Uint32Array.from([7, 0xfffffffe]) };
  const compare = (words: number[]) =>
    compareTensor('count', Uint32Array.from([...words, GUARD]), 2, integers, undefined).failure;
  test('right values pass', () => expect(compare([7, 0xfffffffe])).toBeUndefined());
  test('a value that is off by one fails', () => expect(compare([7, 0xffffffff])).toMatch(/first at \[1\]/));
});

describe('compareTensor of inputs', () => {
  const input = Float32Array.from([5, 6]);
  test('an input that is unchanged passes', () => {
    expect(compareTensor('input', left([5, 6]), 2, undefined, input).failure).toBeUndefined();
  });
  test('an input that was changed fails', () => {
    expect(compareTensor('input', left([5, 6.5]), 2, undefined, input).failure).toBe(
      'input[1]: an input was changed',
    );
  });
  test('a tensor that is neither input nor output fails', () => {
    expect(compareTensor('lost', left([5, 6]), 2, undefined, undefined).failure).toMatch(/neither an input/);
  });
});
