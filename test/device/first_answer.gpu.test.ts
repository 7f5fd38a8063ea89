/**
 * What a GPU compiles before its first answer, with checks, comparison at size and tuner, and nothing remembered.
 *
 * @module-tag nightly
 */
import { expect, onTestFinished, test } from 'vitest';
import { requestDevice } from '../../src/gpu/request_device';
import { createEngine, type Engine, recipes } from '../../src/index';
import { loadPretrained } from '../../src/pretrained';
import { memoryCache } from '../../src/trust/cache';
import { testGpu } from '../lib/gpu';

await testGpu();

/** An engine whose device says that it is a GPU, and what it has compiled by now. */
async function engineOfCard(): Promise<{
  engine: Engine;
  compiled: { pipelines: number; characters: number };
}> {
  const { device } = await requestDevice();
  Object.defineProperty(device, 'adapterInfo', { value: { vendor: 'some', architecture: 'card' } });
  const compiled = { pipelines: 0, characters: 0 };
  const codes = new WeakMap<GPUShaderModule, string>();
  const createModule = device.createShaderModule.bind(device);
  device.createShaderModule = (descriptor) => {
    const module = createModule(descriptor);
    codes.set(module, descriptor.code);
    return module;
  };
  const createPipeline = device.createComputePipelineAsync.bind(device);
  device.createComputePipelineAsync = (descriptor) => {
    compiled.pipelines++;
    compiled.characters += codes.get(descriptor.compute.module)!.length;
    return createPipeline(descriptor);
  };
  const engine = await createEngine({ device, tuningCache: memoryCache() });
  onTestFinished(() => {
    engine.destroy();
    device.destroy();
  });
  expect([engine.tune, engine.adapter.software]).toEqual([true, false]);
  return { engine, compiled };
}

test('before the first sample of the pretrained network, at most 22 pipelines are compiled', async () => {
  const { engine, compiled } = await engineOfCard();
  const { config, parameters, sampling } = await loadPretrained('digits');
  const unet = await engine.createUNet(config, { sampling });
  await unet.setParameters(parameters);
  const sampler = await engine.createSampler(unet, { count: 1 });
  await sampler.sample({ ...recipes.digits.sampling, labels: [3], seed: 1 });
  expect(compiled.pipelines).toBeGreaterThan(10);
  expect(compiled.pipelines).toBeLessThanOrEqual(22);
  expect(compiled.characters).toBeLessThanOrEqual(80_000);
});

test('before the first step of the recipe digits, at most 44 pipelines are compiled', async () => {
  const { engine, compiled } = await engineOfCard();
  const { network, trainer: options } = recipes.digits;
  const unet = await engine.createUNet(network);
  const trainer = await engine.createTrainer(unet, { ...options, batchSize: 64 });
  await trainer.prepare();
  expect(compiled.pipelines).toBeGreaterThan(20);
  expect(compiled.pipelines).toBeLessThanOrEqual(44);
  expect(compiled.characters).toBeLessThanOrEqual(240_000);
});
