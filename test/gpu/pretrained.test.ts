/** What the trained networks of digits are for, from their files to digits that a classifier reads. */
import { expect, test } from 'vitest';
import { loadPretrained } from '../../src/pretrained/index';
import { loadClassifier } from '../../src/quality/index';
import { recipes } from '../../src/recipes';
import { Sampler } from '../../src/sampling/sampler';
import { UNet } from '../../src/unet/unet';
import { testGpu } from '../lanes/gpu';

const { gpu } = await testGpu();

test.each([
  ['digits', { ...recipes.digits.sampling, steps: 10 }],
  ['digits-instant', {}],
] as const)('%s writes the digits that it is asked for', async (name, how) => {
  const { config, parameters, sampling } = await loadPretrained(name);
  using unet = await UNet.create(gpu, config, { sampling });
  await unet.setParameters(parameters);
  const count = 20;
  using sampler = await Sampler.create(gpu, unet, { count });
  const labels = Array.from({ length: count }, (_, i) => i % 10);
  const images = await sampler.sample({ ...how, labels, seed: 7 });
  const { probabilities } = (await loadClassifier()).classify(
    images.map((v) => Number(v > 0.5)),
    count,
  );
  const seen = labels.filter((label, i) => {
    const row = probabilities.subarray(10 * i, 10 * i + 10);
    return row.indexOf(Math.max(...row)) === label;
  });
  // 97 of 100 in the long run; by chance it would be two.
  expect(seen.length).toBeGreaterThanOrEqual(16);
});
