/** The small cases that kernels are checked on before they are used. */
import { references } from 'virtual:references';
import { describe, expect, test } from 'vitest';
import { specs } from '../../harness/specs/lib/registry';
import { op } from '../../src/plan/op';
import { tensor } from '../../src/plan/tensor';
import { fingerprint } from '../../src/trust/admission';
import { findFault, smallShape, startValues } from '../../src/trust/small';

const kernels = Object.keys(references);

describe.each(kernels)('%s', (name) => {
  const { kernel, cases, reference } = specs.get(name)!;

  test('its small shapes are legal, small, and give finite results that change', () => {
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
      const changes = after.some(([label, values]) => findFault(label, before[label], values));
      expect(changes, title).toBe(true);
    }
  });
});

test('the fingerprint of a check is equal for shapes with one small case, and differs otherwise', () => {
  const { kernel, cases } = specs.get('conv2d')!;
  const checkOf = (title: string) => {
    const sizes = Object.entries<number>(kernel.sizes(cases[title]));
    const tensors = Object.fromEntries(sizes.map(([label, size]) => [label, tensor(label, size)]));
    return fingerprint(op(kernel, title, cases[title], tensors));
  };
  expect(checkOf('wide, 5x5')).toBe(checkOf('even sides, channels of 8'));
  expect(checkOf('wide, 5x5')).not.toBe(checkOf('primes, 3x3'));
});

const floats = Float64Array.of(1, -4, 0, 2 ** -149, 0.5);
const got = (at: number, value: number) => Float32Array.from(floats, (v, i) => (i === at ? value : v));
const state = [Float32Array.of(1000, 0.01004), Float64Array.of(1000, 0.01)] as const;

test.each<[string, string, ReturnType<typeof got> | Uint32Array, Float64Array | Uint32Array, string?]>([
  ['a rounding', 'output', got(1, -4.0001), floats],
  ['an error of 0.4% of the largest value', 'output', got(1, -4.016), floats, 'output[1] is -4.0'],
  ['a small number far from its expected value', 'output', got(4, 0.505), floats, 'output[4] is 0.50'],
  ['another whole number', 'output', got(3, 2 ** -148), floats, 'output[3] is 2.8'],
  ['NaN', 'output', got(0, NaN), floats, 'output[0] is NaN'],
  ['the same number everywhere', 'output', new Float32Array(5), floats, 'every number of output is 0'],
  ['the same number everywhere, which is expected', 'output', new Float32Array(5), new Float64Array(5)],
  [
    'an error of 0.4% of one number of a state, which are unrelated',
    'state',
    ...state,
    'state[1] is 0.01004',
  ],
  ['an error of 0.4% of one number of an output', 'output', ...state],
  ['any other integer', 'classes', Uint32Array.of(7, 8), Uint32Array.of(7, 9), 'classes[1] is 8, expected 9'],
])('findFault decides whether it is a fault: %s', (_, label, values, expected, fault) => {
  const found = findFault(label, values, expected);
  if (fault) expect(found).toContain(fault);
  else expect(found).toBeUndefined();
});
