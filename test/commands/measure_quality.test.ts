/**
 * What `evaluate` samples, and the figures of its card.
 *
 * @module-tag nightly
 */
import { expect, test } from 'vitest';
import { CARD_RUNS, manySamples, measureCard } from '../../harness/cli/measure_quality';
import { createQualityMeter } from '../../harness/quality/quality';
import { checkSeed } from '../../src/base/errors';
import { loadDigits } from '../../src/data/digits';
import type { Engine, UNet } from '../../src/index';
import type { SampleOptions } from '../../src/sampling/options';

const SIZE = 28 * 28;
const digits = await loadDigits();
const size = digits.images.length;
const unet = {
  config: { height: 28, width: 28, channels: 1, conditioning: { noiseLevel: true, classes: 10 } },
} as UNet;

/** Its images, digits, follow from the seed and the place in the batch, as a sampler's noise does. */
const engine = {
  createSampler: async (_: UNet, { count }: { count: number }) => ({
    destroy() {},
    sample: async ({ seed = 0, labels }: SampleOptions) => {
      checkSeed(seed);
      expect(labels).toHaveLength(count);
      return Float32Array.from(
        { length: count * SIZE },
        (_, i) => digits.images[(seed * SIZE + i) % size] / 255,
      );
    },
  }),
} as unknown as Engine;

test.each([7, 0xffffffff])(
  'no two of many samples by seed %d have the same noise, and each class has its turn',
  async (seed) => {
    const { images, labels } = await manySamples(engine, unet, { count: 510, seed });
    const all = Array.from({ length: 510 }, (_, i) => images.subarray(i * SIZE, (i + 1) * SIZE).join());
    expect(new Set(all).size).toBe(510);
    expect(labels!.subarray(248, 252)).toEqual(Uint8Array.of(8, 9, 0, 1));
  },
);

test('each run of a quality card measures its own tenth of the samples', async () => {
  const run = { count: 20, seed: 7 };
  const card = await measureCard(engine, unet, run);
  const { images, labels } = await manySamples(engine, unet, { ...run, count: CARD_RUNS * run.count });
  const meter = await createQualityMeter();
  const tenths = Array.from({ length: CARD_RUNS }, (_, i) => {
    const from = i * run.count;
    const to = (i + 1) * run.count;
    return meter.measure(images.subarray(from * SIZE, to * SIZE), labels!.subarray(from, to));
  });
  expect(card.map(({ samples }) => samples)).toEqual(tenths);
  expect(new Set(tenths.map((tenth) => tenth.digitDistance)).size).toBe(CARD_RUNS);
});
