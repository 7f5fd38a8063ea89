import { expect, test } from 'vitest';
import { createEngine, recipes } from '../../src/index';
import { testGpu } from '../lanes/gpu';

const { gpu } = await testGpu();

test('tmp: digits', async () => {
  const t0 = performance.now();
  using engine = await createEngine({ device: gpu.device });
  const r = recipes.digits;
  const unet = await engine.createUNet(r.network);
  const t1 = performance.now();
  await engine.createTrainer(unet, { ...r.trainer, batchSize: 16 });
  const t2 = performance.now();
  const sampler = await engine.createSampler(unet, { count: 4 });
  await sampler.sample({ steps: 2, labels: [1, 2, 3, 4], guidance: 2 });
  const t3 = performance.now();
  console.log('times', t1 - t0, t2 - t1, t3 - t2);
  expect(1).toBe(1);
});
