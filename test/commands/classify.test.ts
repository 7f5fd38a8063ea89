/** The arithmetic of the diffusion model as a classifier, with a network that knows the answer. */
import { expect, test } from 'vitest';
import { CLASSIFY_LEVELS, classLosses } from '../../harness/pictures/classify';
import { checkConfig, presets } from '../../src/unet/config';
import type { PredictOptions } from '../../src/unet/unet';

test('the error of a class is the distance of its prediction from noise - image, on inputs that all classes share', async () => {
  const image = Float32Array.from({ length: 784 }, (_, i) => (i % 7) / 6);
  const inputs: Float32Array[] = [];
  const unet = {
    config: checkConfig(presets.digits),
    async predict(x: Float32Array, { count = 0, levels, labels }: PredictOptions) {
      expect(count).toBe(10 * CLASSIFY_LEVELS.length);
      inputs.push(...Array.from({ length: count }, (_, n) => x.slice(784 * n, 784 * (n + 1))));
      // x = (1 - t) image + t noise, so noise - image is (x - image) / t. The class 3 is right; others are off by their distance to it.
      return x.map((v, i) => {
        const n = Math.floor(i / 784);
        return (v - (2 * image[i % 784] - 1)) / levels![n] + labels![n] - 3;
      });
    },
  };
  const losses = await classLosses(unet, image, 5);
  losses.forEach((loss, digit) => {
    expect(loss).toBeCloseTo((digit - 3) ** 2, 3);
  });
  const ofClass = (digit: number) =>
    inputs.slice(digit * CLASSIFY_LEVELS.length, (digit + 1) * CLASSIFY_LEVELS.length);
  expect(ofClass(9)).toEqual(ofClass(0));
  expect(new Set(ofClass(0).map((x) => x.join())).size).toBe(CLASSIFY_LEVELS.length);
});
