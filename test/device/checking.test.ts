/** The small cases that kernels are checked on before they are used. */
import { references, smallCases } from 'virtual:references';
import { describe, expect, test } from 'vitest';
import { specs } from '../../harness/specs/lib/registry';
import { op } from '../../src/plan/op';
import type { SmallCase } from '../../src/plan/small_case';
import { tensor } from '../../src/plan/tensor';
import { faultOf } from '../../src/trust/expected';
import { piecesOf } from '../../src/trust/forms';
import { fingerprint } from '../../src/trust/self_check';
import { smallCaseOf, smallShape, startValues } from '../../src/trust/small_case';

/** What no network uses. */
const PROBES = ['copy', 'fma_peak', 'noop'];

test('every kernel that a network may use has its reference', () => {
  const expected = [...specs].filter(([name]) => !PROBES.includes(name));
  expect(references).toEqual(Object.fromEntries(expected.map(([name, { reference }]) => [name, reference])));
});

test('every small case names only tensors and shape numbers that its kernel has', () => {
  const tried: Readonly<
    Record<string, Pick<SmallCase<never>, 'values' | 'ofStep'> & { cut?: readonly string[] }>
  > = smallCases;
  for (const name of Object.keys(references)) {
    const { kernel, cases } = specs.get(name)!;
    const shapes = Object.values(cases);
    const { values = {}, ofStep = [], cut = [] } = tried[name];
    const tensors = new Set(shapes.flatMap((shape) => Object.keys(kernel.sizes(shape))));
    for (const tensor of [...Object.keys(values), ...ofStep]) expect(tensors, name).toContain(tensor);
    for (const axis of cut) for (const shape of shapes) expect(shape[axis], name).toBeGreaterThan(0);
  }
});

const cutKernels = Object.keys(references).filter((name) => smallCaseOf(name).cut);
test.each(cutKernels)('reference %s gives the same results in pieces that do not overlap', (name) => {
  const { kernel, reference } = specs.get(name)!;
  // Larger than a piece in one channel, too, and with an odd number of pairs of rows.
  const shape = { elements: 70_000, channels: 2, height: 14, width: 30, batch: 64 };
  const inputs = startValues(name, shape, kernel.sizes(shape));
  let count = 0;
  const results: Record<string, Float64Array> = {};
  for (const piece of piecesOf(name, shape, inputs)) {
    count++;
    for (const [tensor, values] of Object.entries(piece!.outputs)) {
      results[tensor] ??= new Float64Array(kernel.sizes(shape)[tensor]).fill(NaN);
      const result = results[tensor];
      const at = Math.round((piece!.from ?? 0) * result.length);
      expect(result.subarray(at, at + values.length).every(Number.isNaN)).toBe(true);
      result.set(values, at);
    }
  }
  expect(count).toBeGreaterThan(3);
  expect(results).toEqual(reference(shape, inputs));
});

describe('smallShape of every case is legal, small, and gives finite results that change', () => {
  test.each(Object.keys(references))('%s', (name) => {
    const { kernel, cases, reference } = specs.get(name)!;
    for (const [title, shape] of Object.entries(cases)) {
      const small = smallShape(kernel, shape);
      // The small shape of a small shape is the same, and legal for each variant that takes the large one.
      expect(smallShape(kernel, small), title).toEqual(small);
      for (const [variant, { refuses }] of Object.entries(kernel.variants))
        if (!refuses?.(shape)) expect(refuses?.(small), `${variant}, ${title}`).toBeUndefined();
      const before = startValues(name, small, kernel.sizes(small));
      const size = Object.values(before).reduce((sum, { length }) => sum + length, 0);
      expect(size, title).toBeLessThan(300_000);
      // What comes out is finite, and other than what was there before.
      const after = Object.entries(reference(small, before));
      for (const [label, values] of after) {
        expect(values.length, `${label}, ${title}`).toBe(before[label].length);
        expect(values.every(Number.isFinite), `${label}, ${title}`).toBe(true);
      }
      expect(
        after.some(([label, values]) => faultOf(label, before[label], values)),
        title,
      ).toBe(true);
    }
  });
});

test('the fingerprint of a check is equal for shapes with one small case, and differs otherwise', () => {
  const { kernel, cases } = specs.get('conv2d')!;
  const checkOf = (title: string) => {
    const sizes = Object.entries<number>(kernel.sizes(cases[title]));
    return fingerprint(
      op(kernel, title, cases[title], Object.fromEntries(sizes.map(([t, n]) => [t, tensor(t, n)]))),
    );
  };
  expect(checkOf('wide, 5x5')).toBe(checkOf('even sides, channels of 8'));
  expect(checkOf('wide, 5x5')).not.toBe(checkOf('primes, 3x3'));
});

describe('faultOf decides what a fault is:', () => {
  const expected = Float64Array.of(1, -4, 0, 2 ** -149, 0.5);
  const got = (at: number, value: number) => Float32Array.from(expected, (v, i) => (i === at ? value : v));
  test.each<[string, number, number, boolean]>([
    ['a right value is no fault', 0, 1, false],
    ['a rounding is no fault', 1, -4.0001, false],
    ['an error of 0.4% of the largest value is a fault', 1, -4.016, true],
    ['a small number far from its expected value is a fault', 4, 0.505, true],
    ['a tiny number in place of 0 is a fault', 2, 1e-30, true],
    ['another whole number is a fault', 3, 2 ** -148, true],
    ['NaN is a fault', 0, NaN, true],
    ['infinity is a fault', 0, Infinity, true],
  ])('%s', (_, at, value, isFault) => {
    expect(faultOf('output', got(at, value), expected) !== undefined).toBe(isFault);
  });

  test('the same number in every element is a fault, unless it is expected', () => {
    expect(faultOf('output', new Float32Array(5), expected)).toBe('every number of output is 0');
    expect(faultOf('output', new Float32Array(5), new Float64Array(5))).toBeUndefined();
  });

  test('an error of 0.4% of one number is a fault in a state, whose numbers are unrelated', () => {
    const state = Float64Array.of(1000, 0.01);
    expect(faultOf('state', Float32Array.of(1000, 0.01004), state)).toBeDefined();
    expect(faultOf('output', Float32Array.of(1000, 0.01004), state)).toBeUndefined();
  });

  test('any other whole number is a fault in a tensor of whole numbers', () => {
    expect(faultOf('classes', Uint32Array.of(7, 8), Uint32Array.of(7, 9))).toContain(
      'classes[1] is 8, expected 9',
    );
  });
});
