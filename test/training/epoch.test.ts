import { expect, test } from 'vitest';
import { imagesOfEpoch, imagesOfStep, stepsPerEpoch } from '../../src/training/epoch';

test.each([
  // images, batch, dropLast: steps, images, of each step
  [10, 4, false, 3, 10, [4, 4, 2]],
  [10, 4, true, 2, 8, [4, 4]],
  [8, 4, true, 2, 8, [4, 4]],
  [3, 4, true, 1, 3, [3]],
  [3, 4, false, 1, 3, [3]],
])(
  'steps and images of an epoch: %i images in batches of %i, dropLast %s',
  (imageCount, batchSize, dropLast, steps, images, sizes) => {
    const parts = { imageCount, batchSize, dropLast };
    expect([stepsPerEpoch(parts), imagesOfEpoch(parts)]).toEqual([steps, images]);
    const twice = Array.from({ length: 2 * steps }, (_, step) => imagesOfStep(parts, step));
    expect(twice).toEqual([...sizes, ...sizes]);
  },
);
