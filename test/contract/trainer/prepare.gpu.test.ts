/** What can be done before it is needed, and what can be given up while it is under way. */
import { expect, test, vi } from 'vitest';
import { createEngine, type Engine, type UNet } from '../../../src/index';
import { memoryCache } from '../../../src/trust/cache';
import { watchBuffers } from '../../lib/buffers';
import { testGpu } from '../../lib/gpu';

const { gpu } = await testGpu();
const { device } = gpu;

const config = { height: 4, width: 4, widths: [4, 8], kernelSize: 3 };
const images = { images: new Uint8Array(64).fill(9), count: 4, height: 4, width: 4, channels: 1 };
const batch = { noisy: new Float32Array(64).fill(0.5), target: new Float32Array(64) };

/** How many shaders `work` compiles, in an engine that remembers nothing. */
async function compiledBy(
  work: (engine: Engine, unet: UNet) => Promise<() => Promise<unknown>>,
): Promise<number> {
  using engine = await createEngine({ device, tuningCache: memoryCache() });
  const call = await work(engine, await engine.createUNet(config));
  const compile = vi.spyOn(device, 'createComputePipelineAsync');
  await call();
  const { length } = compile.mock.calls;
  compile.mockRestore();
  return length;
}

const trains = (isPrepared: boolean) => async (engine: Engine, unet: UNet) => {
  const trainer = await engine.createTrainer(unet, { batchSize: 4 });
  const dataset = await engine.createDataset(images);
  if (isPrepared) await trainer.prepare(dataset);
  return async () => {
    for (let i = 0; i < 2; i++) await trainer.step(batch);
    for await (const _ of trainer.fit(dataset, { epochs: 3 }));
  };
};

const samples = (isPrepared: boolean) => async (engine: Engine, unet: UNet) => {
  const sampler = await engine.createSampler(unet, { count: 4 });
  if (isPrepared) await sampler.prepare({ steps: 2 });
  return () => sampler.sample({ steps: 2 });
};

test.each([
  ['trainer', trains],
  ['sampler', samples],
])('a %s that was prepared compiles nothing when it works', async (_, use) => {
  expect(await compiledBy(use(true))).toBe(0);
  expect(await compiledBy(use(false))).toBeGreaterThan(0);
});

test('preparing a trainer and a sampler changes no bit of losses and images', async () => {
  const work = async (isPrepared: boolean) => {
    using engine = await createEngine({ device, tuningCache: memoryCache() });
    const unet = await engine.createUNet(config, { seed: 1 });
    const trainer = await engine.createTrainer(unet, { batchSize: 4 });
    const dataset = await engine.createDataset(images);
    const sampler = await engine.createSampler(unet, { count: 4 });
    if (isPrepared) {
      await trainer.prepare(dataset, { seed: 3 });
      await sampler.prepare({ steps: 2, seed: 9 });
    }
    const losses: number[] = [];
    for await (const { loss } of trainer.fit(dataset, { epochs: 3, seed: 3 })) losses.push(loss);
    return { losses, images: [...(await sampler.sample({ steps: 2, seed: 4 }))] };
  };
  expect(await work(true)).toEqual(await work(false));
});

test('trainer.prepare throws the reason of a signal that is aborted, before or meanwhile', async () => {
  using engine = await createEngine({ device, selfCheck: false });
  using unet = await engine.createUNet(config);
  using trainer = await engine.createTrainer(unet, { batchSize: 4 });
  using dataset = await engine.createDataset(images);
  const reason = new Error('enough');
  const signal = AbortSignal.abort(reason);
  await expect(trainer.prepare(dataset, { signal })).rejects.toBe(reason);
  const stop = new AbortController();
  const preparing = trainer.prepare(dataset, { signal: stop.signal });
  stop.abort(reason);
  await expect(preparing).rejects.toBe(reason);
  await trainer.prepare(dataset);
});

const makes: Record<string, (engine: Engine, unet: UNet, signal: AbortSignal) => Promise<unknown>> = {
  unet: (engine, _, signal) => engine.createUNet(config, { signal }),
  dataset: (engine, _, signal) => engine.createDataset(images, { signal }),
  trainer: (engine, unet, signal) => engine.createTrainer(unet, { batchSize: 4, signal }),
  sampler: (engine, unet, signal) => engine.createSampler(unet, { count: 4, signal }),
  predictor: (engine, unet, signal) => engine.createPredictor(unet, { count: 4, signal }),
  painter: (engine, _, signal) =>
    engine.createPainter({ height: 4, width: 4, channels: 1, count: 4, signal }),
  adam: (engine, _, signal) => engine.createAdam(100, { signal }),
};

test.each(Object.entries(makes))('a %s whose creation is aborted leaves no buffer', async (_, make) => {
  const left = watchBuffers(device);
  using engine = await createEngine({ device, tuningCache: memoryCache() });
  const unet = await engine.createUNet(config);
  const before = left().length;
  for (let turns = 0; turns < 4; turns++) {
    const stop = new AbortController();
    const making = make(engine, unet, stop.signal);
    making.catch(() => {});
    for (let i = 0; i < turns; i++) await device.queue.onSubmittedWorkDone();
    const reason = new Error('not needed any more');
    stop.abort(reason);
    const [result] = await Promise.allSettled([making]);
    if (result.status === 'rejected') expect(result.reason).toBe(reason);
    else (result.value as { destroy(): void }).destroy();
    await vi.waitFor(() => expect(left()).toHaveLength(before));
    await expect(make(engine, unet, stop.signal)).rejects.toBe(reason);
  }
  // What is there lives on.
  const stop = new AbortController();
  const made = (await make(engine, unet, stop.signal)) as { check(): void };
  stop.abort();
  made.check();
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
