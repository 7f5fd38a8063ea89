/** What the trained networks are for: digits that a classifier reads, and the beginning of runs on other pictures. */
import { expect, test } from 'vitest';
import { createEngine } from '../../../src/engine';
import { loadPretrained } from '../../../src/pretrained/index';
import { recipes } from '../../../src/recipes';
import { Sampler } from '../../../src/sampling/sampler';
import { UNet } from '../../../src/unet/unet';
import { createNetwork } from '../../../src/worker/run';
import { testGpu } from '../../lib/gpu';
import { digitsSeen } from '../../lib/seen';

const { gpu, source } = await testGpu();

test.each([
  ['digits', { ...recipes.digits.sampling, steps: 10 }],
  ['digits-instant', {}],
] as const)('the pretrained network %s writes the digits that labels ask for', async (name, how) => {
  const { config, parameters, sampling } = await loadPretrained(name);
  using unet = await UNet.create(gpu, config, { sampling });
  await unet.setParameters(parameters);
  const count = 20;
  using sampler = await Sampler.create(gpu, unet, { count });
  const labels = Array.from({ length: count }, (_, i) => i % 10);
  const images = await sampler.sample({ ...how, labels, seed: 7 });
  const seen = await digitsSeen(images);
  // 97 of 100 in the long run; by chance it would be two.
  expect(labels.filter((label, i) => seen[i] === label).length).toBeGreaterThanOrEqual(16);
});

test('a run of another size and with classes can begin with the weights of pictures', async () => {
  const engine = await createEngine({ gpu: source, selfCheck: false, tune: false });
  const model = await loadPretrained('pictures');
  const config = { ...model.config, height: 16, width: 20, conditioning: { noiseLevel: true, classes: 3 } };
  const { trainer } = recipes.pictures;
  const begin = (seed: number) => createNetwork(engine, { network: { ...model, config }, trainer }, { seed });
  const [first, again, other] = [await begin(1), await begin(1), await begin(2)];
  const weights = await first.getParameters();
  const table = 'conditioning.hidden.classes';
  for (const [name, values] of weights)
    if (name !== table) expect(values, name).toEqual(model.parameters.get(name));
  expect(weights.get(table)).toHaveLength(4 * 64);
  expect((await again.getParameters()).get(table)).toEqual(weights.get(table));
  expect((await other.getParameters()).get(table)).not.toEqual(weights.get(table));
  expect(first.sampling).toMatchObject({ method: 'adams', steps: 8 });
  engine.destroy();
});
