/** What can be done before it is needed, and what can be given up while it is under way. */
import { expect, test, vi } from 'vitest';
import { createEngine } from '../../../src/index';
import { memoryCache } from '../../../src/trust/cache';
import { testGpu } from '../../lib/gpu';

const { gpu } = await testGpu();
const { device } = gpu;

const config = { height: 4, width: 4, widths: [4, 8], kernelSize: 3 };
const images = { images: new Uint8Array(64).fill(9), count: 4, height: 4, width: 4, channels: 1 };
const batch = { noisy: new Float32Array(64).fill(0.5), target: new Float32Array(64) };

/** What an engine that remembers nothing makes of a seed, and how many shaders it compiles for that once it has made, and perhaps prepared, its objects. */
async function work(isPrepared: boolean) {
  using engine = await createEngine({ device, tuningCache: memoryCache() });
  const unet = await engine.createUNet(config, { seed: 1 });
  const trainer = await engine.createTrainer(unet, { batchSize: 4 });
  const dataset = await engine.createDataset(images);
  const sampler = await engine.createSampler(unet, { count: 4 });
  if (isPrepared) {
    await trainer.prepare(dataset, { seed: 3 });
    await sampler.prepare({ steps: 2, seed: 9 });
  }
  const compile = vi.spyOn(device, 'createComputePipelineAsync');
  const sampled = await sampler.sample({ steps: 2, seed: 4 });
  const ofSampler = compile.mock.calls.length;
  const losses = [await trainer.step(batch), await trainer.step(batch)];
  for await (const { loss } of trainer.fit(dataset, { epochs: 3, seed: 3 })) losses.push(loss);
  const ofTrainer = compile.mock.calls.length - ofSampler;
  compile.mockRestore();
  return { made: { losses, sampled }, ofTrainer, ofSampler };
}

test('a trainer and a sampler that were prepared compile nothing when they work, and give the same bits', async () => {
  const plain = await work(false);
  expect(plain.ofTrainer).toBeGreaterThan(0);
  expect(plain.ofSampler).toBeGreaterThan(0);
  expect(await work(true)).toEqual({ made: plain.made, ofTrainer: 0, ofSampler: 0 });
});

test('an engine whose creation is aborted destroys its own device, even one that does not answer', async () => {
  const stop = new AbortController();
  const destroy = vi.fn();
  const onSubmittedWorkDone = () => {
    stop.abort('the page is left');
    return new Promise(() => {});
  };
  const own: Record<string, unknown> = { queue: { submit() {}, onSubmittedWorkDone }, destroy };
  const silent = new Proxy(device, {
    get(target, name) {
      if (name in own) return own[name as string];
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const asked = {
    requestAdapter: async () => ({ features: new Set(), limits: {}, requestDevice: async () => silent }),
  };
  const making = createEngine({ gpu: asked as never, signal: stop.signal });
  await expect(making).rejects.toBe('the page is left');
  expect(destroy).toHaveBeenCalled();
  await expect(createEngine({ device, signal: stop.signal })).rejects.toBe('the page is left');
});
