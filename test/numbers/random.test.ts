/** Threefry against the published vectors, and what is shuffled with it. The shader follows by harness/specs/noise.ts. */
import { expect, test } from 'vitest';
import { permutation, threefry } from '../../src/base/random';

// `threefry2x32 20` in Random123's tests/kat_vectors: key, counter, result.
test.each([
  [
    [0, 0],
    [0, 0],
    [0x6b200159, 0x99ba4efe],
  ],
  [
    [0xffffffff, 0xffffffff],
    [0xffffffff, 0xffffffff],
    [0x1cb996fc, 0xbb002be7],
  ],
  // Digits of pi.
  [
    [0x13198a2e, 0x03707344],
    [0x243f6a88, 0x85a308d3],
    [0xc4923a9c, 0x483df7a0],
  ],
])('threefry of key %j and counter %j gives the published result', ([k0, k1], [c0, c1], result) => {
  expect(threefry(k0, k1, c0, c1)).toEqual(result);
});

test('each seed and each epoch has its own order of the images, in which every image comes once', () => {
  const orders = [1, 2].flatMap((seed) => [0, 1, 2].map((epoch) => permutation(20, seed, epoch)));
  for (const order of orders) expect(order.toSorted()).toEqual(Uint32Array.from({ length: 20 }, (_, i) => i));
  expect(new Set(orders.map(String)).size).toBe(orders.length);
});
