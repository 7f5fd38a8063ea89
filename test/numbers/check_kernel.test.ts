/** The comparison that every kernel test rests on finds each kind of fault. */
import { describe, expect, test } from 'vitest';
import { compareTensor } from '../../harness/specs/lib/check_kernel';

const GUARD = 0x5ca1ab1e;
const POISON = 0xffffffff;

/** What a GPU would leave behind: `values` and two untouched guard words, but for the words that `changed` has. */
function left(values: readonly number[], changed: Record<number, number> = {}): Uint32Array {
  const words = Uint32Array.from([...new Uint32Array(Float32Array.from(values).buffer), GUARD, GUARD]);
  for (const [i, word] of Object.entries(changed)) words[Number(i)] = word;
  return words;
}

const right = [1, -2, 3e-9, 0];
const expected = {
  values: Float64Array.from(right),
  error: Float64Array.from([1e-6, 2e-6, 3e-15, 0]),
};
const one = (value: number, error: number) => ({
  values: Float64Array.of(value),
  error: Float64Array.of(error),
});
const sizes = { c: 1, y: 3 };

describe('compareTensor of floats', () => {
  test('passes right values, and gives the share of the allowed error that they use', () => {
    const actual = 1 + 2 ** -21;
    const { failure, share, worst } = compareTensor(
      'output',
      left([actual, -2, 3e-9, 0]),
      4,
      expected,
      undefined,
    );
    expect(failure).toBeUndefined();
    expect(share).toBeCloseTo(2 ** -21 / 1e-6, 5);
    expect(worst).toEqual({ tensor: 'output', index: 0, place: '', expected: 1, actual, allowed: 1e-6 });
  });

  test.each<[string, Uint32Array, fact: string | RegExp, number?, typeof expected?]>([
    ['a wrong value', left([1, -2.001, 3e-9, 0]), '1 of 4 elements are off, first at [1]'],
    ['zero in place of a tiny output', left([1, -2, 0, 0]), 'first at [2]'],
    ['a tiny number in place of zero', left([1, -2, 3e-9, 1e-30]), 'first at [3]'],
    ['infinity', left([Infinity, -2, 3e-9, 0]), 'first at [0]'],
    [
      'NaN, the worst whatever comes after it',
      left([NaN, -2, 3e-9, 1]),
      '2 of 4 elements are off, first at [0], worst at [0]: got NaN, expected 1, Infinity x allowed',
    ],
    ['an element that was never written', left(right, { 1: POISON }), /first at \[1\].*\n.*\n.*got NaN/],
    ['a write past the end', left(right, { 5: 0 }), /^output: wrote 2 words past its end$/],
    ['NaN in the reference', left([1]), '1 of 1 elements are off', 1, one(NaN, 1)],
    ['NaN in its allowed error', left([2]), 'elements are off', 1, one(1, NaN)],
    ['a reference of another length', left([1, -2, 3e-9]), 'the reference gives 4 values of 3', 3],
  ])('finds %s', (_, words, fact, length = 4, reference = expected) => {
    expect(compareTensor('output', words, length, reference, undefined).failure).toMatch(fact);
  });

  test('names the place by dimensions, but not of an element beyond them', () => {
    const compared = (at: number, gain?: number) =>
      compareTensor('output', left(right.with(at, 7)), 4, expected, undefined, gain, sizes);
    expect(compared(2).failure).toContain('first at [2] (c 0, y 2), worst');
    expect(compared(2).failure).toMatch(/\[2\] \(c 0, y 2\) got 7, .*<--/);
    expect(compared(3).failure).toContain('first at [3], worst');
    // The bound is the variant's, whose gain is 2.
    const worst = { index: 2, place: ' (c 0, y 2)', expected: 3e-9, actual: 7, allowed: 6e-15 };
    expect(compared(2, 2).worst).toMatchObject(worst);
  });
});

const of = (...words: number[]) => Uint32Array.from(words);
test.each<[string, Parameters<typeof compareTensor>, fact?: string]>([
  ['passes right integers', ['n', of(7, GUARD), 1, { values: of(7) }, undefined]],
  ['finds an integer off by one', ['n', of(8, GUARD), 1, { values: of(7) }, undefined], 'first at [0]'],
  ['passes an unchanged input', ['x', left([5, 6]), 2, undefined, Float32Array.of(5, 6)]],
  [
    'finds an input that was changed',
    ['x', left([5, 6.5]), 2, undefined, Float32Array.of(5, 6)],
    'x[1]: an input was changed',
  ],
  [
    'finds what is neither input nor output',
    ['x', left([5, 6]), 2, undefined, undefined],
    'neither an input',
  ],
])('compareTensor %s', (_, given, fact) => {
  const { failure } = compareTensor(...given);
  if (fact) expect(failure).toContain(fact);
  else expect(failure).toBeUndefined();
});
