/** A run that takes a moment. */

import { TestRandom } from '../../../harness/specs/lib/spec';
import type { ImageSet } from '../../../src/data/idx';
import type { BeginOptions } from '../../../src/worker';

const random = new TestRandom(7);
export const images = {
  images: Uint8Array.from({ length: 10 * 64 }, () => 255 * random.next()),
  count: 10,
  height: 8,
  width: 8,
  channels: 1,
} satisfies ImageSet;

/** Three steps an epoch. */
export const run = {
  network: { height: 8, width: 8, widths: [4, 8], kernelSize: 3 },
  trainer: { batchSize: 4, learningRate: 0.01 },
  fit: { epochs: 8, seed: 5 },
} satisfies BeginOptions;
export const STEPS = 24;
