/** What the trained networks are for: digits that a classifier reads, and the beginning of runs on other pictures. */
import { expect, test, vi } from 'vitest';
import { normal, STREAM, threefry } from '../../../src/base/random';
import { createEngine } from '../../../src/engine';
import { enlarge, loadPretrained } from '../../../src/pretrained/index';
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

/** A disc with a ring, of `side` pixels: the means of 4 x 4 points. */
function drawing(side: number): Float32Array {
  const at = (y: number, x: number) => {
    const r = Math.hypot(y / side - 0.47, x / side - 0.52);
    return r < 0.2 ? [0.9, 0.3, 0.1] : r < 0.28 || r > 0.4 ? [1, 1, 1] : [0.1, 0.4, 0.8];
  };
  return Float32Array.from({ length: side * side * 3 }, (_, i) => {
    const y = Math.floor(i / 3 / side);
    const x = Math.floor(i / 3) % side;
    const points = Array.from({ length: 16 }, (_, k) =>
      at(y + (k >> 2) / 4 + 0.125, x + (k % 4) / 4 + 0.125),
    );
    return points.reduce((sum, point) => sum + point[i % 3], 0) / 16;
  });
}

test('the enlarger draws outlines nearer to the large picture than what it is given', async () => {
  const { config, parameters } = await loadPretrained('enlarger');
  const side = 40;
  using unet = await UNet.create(gpu, { ...config, height: side, width: side });
  await unet.setParameters(parameters);
  const predict = vi.spyOn(unet, 'predict');
  const made = await enlarge(unet, drawing(side / 2));
  // Its input has noise, too: at level 0.12, which is removed for the comparison.
  const [[input]] = predict.mock.calls as [[Float32Array]];
  const blurred = input.map((value, i) => {
    const noise = normal(threefry(0, STREAM.enlarge, 0, i >> 1))[i % 2];
    return ((value - 0.12 * noise) / 0.88 + 1) / 2;
  });
  const large = drawing(side);
  const error = (values: Float32Array) => Math.hypot(...values.map((value, i) => value - large[i]));
  // 0.37 on lavapipe.
  expect(error(made) / error(blurred)).toBeLessThan(0.5);
});

test('a run of another size and with classes can begin with the weights of pictures', async () => {
  const engine = await createEngine({ gpu: source, selfCheck: false, tune: false });
  const model = await loadPretrained('pictures');
  const config = { ...model.config, height: 16, width: 20, conditioning: { noiseLevel: true, classes: 3 } };
  const { trainer } = recipes.pictures;
  const begin = (seed: number) => createNetwork(engine, { network: { ...model, config }, trainer }, { seed });
  const first = await begin(1);
  const again = await begin(1);
  const other = await begin(2);
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
