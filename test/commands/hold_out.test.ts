import { expect, test } from 'vitest';
import { split, usualHoldOut } from '../../harness/pictures/hold_out';
import type { ImageSet } from '../../src/data/idx';

const set: ImageSet = {
  count: 3,
  height: 1,
  width: 2,
  channels: 1,
  images: Uint8Array.of(1, 2, 3, 4, 5, 6),
  labels: Uint8Array.of(7, 8, 9),
};

test('the last images are held out, with their labels', () => {
  const { train, held } = split(set, 1);
  expect(train).toMatchObject({ count: 2, images: Uint8Array.of(1, 2, 3, 4), labels: Uint8Array.of(7, 8) });
  expect(held).toMatchObject({ count: 1, images: Uint8Array.of(5, 6), labels: Uint8Array.of(9) });
  expect(split(set, 0)).toEqual({ train: set, held: undefined });
  expect(split({ ...set, labels: undefined }, 1).held?.labels).toBeUndefined();
});

test('by default a tenth of the images is held out: none of few, at most 1,000, and none in the tutorial', () => {
  expect([99, 100, 329, 10_000, 70_000].map((count) => usualHoldOut(true, count))).toEqual([
    0, 10, 32, 1000, 1000,
  ]);
  expect(usualHoldOut(false, 10_000)).toBe(0);
});
