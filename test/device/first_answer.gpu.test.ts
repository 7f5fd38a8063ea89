/**
 * What a GPU compiles before its first answer, with checks, comparison at size and tuner, and nothing remembered.
 *
 * @module-tag nightly
 */
import { expect, test } from 'vitest';
import { requestDevice } from '../../src/gpu/request_device';
import { createEngine, type Engine, recipes } from '../../src/index';
import { loadPretrained } from '../../src/pretrained';
import { memoryCache } from '../../src/trust/cache';
import { testGpu } from '../lib/gpu';
import { someGpu } from '../lib/hostile/hostile_device';

await testGpu();

test.each<[string, (engine: Engine) => Promise<unknown>, pipelines: number, characters: number]>([
  [
    'the first sample of the pretrained network',
    async (engine) => {
      const { config, parameters, sampling } = await loadPretrained('digits');
      const unet = await engine.createUNet(config, { sampling });
      await unet.setParameters(parameters);
      const sampler = await engine.createSampler(unet, { count: 1 });
      await sampler.sample({ ...recipes.digits.sampling, labels: [3], seed: 1 });
    },
    20,
    80_000,
  ],
  [
    'the first step of the recipe digits',
    async (engine) => {
      const unet = await engine.createUNet(recipes.digits.network);
      const trainer = await engine.createTrainer(unet, { ...recipes.digits.trainer, batchSize: 64 });
      await trainer.prepare();
    },
    38,
    242_000,
  ],
])('before %s, few pipelines are compiled', async (_, work, pipelines, characters) => {
  const { device } = await requestDevice();
  Object.defineProperty(device, 'adapterInfo', { value: someGpu });
  const codes = new WeakMap<GPUShaderModule, string>();
  const compiled: string[] = [];
  const createModule = device.createShaderModule.bind(device);
  device.createShaderModule = (descriptor) => {
    const module = createModule(descriptor);
    codes.set(module, descriptor.code);
    return module;
  };
  const createPipeline = device.createComputePipelineAsync.bind(device);
  device.createComputePipelineAsync = (descriptor) => {
    compiled.push(codes.get(descriptor.compute.module)!);
    return createPipeline(descriptor);
  };
  using engine = await createEngine({ device, tuningCache: memoryCache() });
  expect({ tune: engine.tune, software: engine.adapter.software }).toEqual({ tune: true, software: false });
  await work(engine);
  device.destroy();
  expect(compiled.length).toBe(pipelines);
  expect(compiled.join('').length).toBeLessThanOrEqual(characters);
});
