/** Long runs leave nothing behind. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { Random } from '../../harness/specs/lib/spec';
import { createEngine } from '../../src/engine';
import type { Compilation } from '../../src/gpu/compilation';
import { Gpu } from '../../src/gpu/gpu';
import { requestDevice } from '../../src/gpu/request_device';
import { Sampler } from '../../src/sampling/sampler';
import { Trainer } from '../../src/training/trainer';
import { UNet } from '../../src/unet/unet';
import { testGpu } from '../lanes/gpu';

const { gpu } = await testGpu();

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

test('the host memory of 500 small steps is flat', async () => {
  using unet = await UNet.create(gpu, { height: 4, width: 4, widths: [4], kernelSize: 3 });
  using trainer = await Trainer.create(gpu, unet, { batchSize: 4 });
  const random = new Random(1);
  const batch = { noisy: random.floats(64, 0, 1), target: random.floats(64, 0, 1) };
  const run = async (steps: number) => {
    for (let i = 0; i < steps; i++) await trainer.step(batch);
    collect();
    await new Promise((resolve) => setTimeout(resolve, 50)); // finalizers of GPU objects
    collect();
    const { heapUsed, external, rss } = process.memoryUsage();
    return { js: heapUsed + external, rss };
  };
  let before = await run(200);
  let growth = Infinity;
  // The driver's own pools grow at first and shrink again: a leak grows in every stretch of 500 steps, pools do not.
  for (let stretch = 0; stretch < 5 && growth >= 4; stretch++) {
    const after = await run(500);
    expect((after.js - before.js) / 2 ** 20, 'MiB of JavaScript memory').toBeLessThan(1);
    growth = (after.rss - before.rss) / 2 ** 20;
    before = after;
  }
  expect(growth, 'MiB of the process, in each of five stretches').toBeLessThan(4);
});

test('recorded runs in 500 different orders leave no more buffers than in 16', async () => {
  using unet = await UNet.create(gpu, {
    ...{ height: 4, width: 4, widths: [4], kernelSize: 3, finalActivation: 'none' },
    conditioning: { noiseLevel: true, classes: 3 },
  });
  using sampler = await Sampler.create(gpu, unet, { count: 4 });
  const [images] = await gpu.createBuffers([{ label: 'images', bytes: 4 * 64 }]);
  const { device } = gpu;
  const createBuffer = device.createBuffer.bind(device);
  let alive = 0;
  const collected = new FinalizationRegistry(() => alive--);
  // A mock would keep all that it has returned.
  device.createBuffer = (descriptor) => {
    const buffer = createBuffer(descriptor);
    collected.register(buffer, undefined);
    alive++;
    return buffer;
  };
  for (let i = 0; i < 500; i++) {
    const encoder = device.createCommandEncoder();
    const labels = [i % 4, (i >> 2) % 4, (i >> 4) % 4, (i >> 6) % 4];
    sampler.encodeRun(encoder, images, { labels, guidance: 1 + i / 100, steps: 1 + (i % 3), seed: i });
    device.queue.submit([encoder.finish()]);
  }
  Reflect.deleteProperty(device, 'createBuffer');
  expect(alive).toBeGreaterThan(16);
  await device.queue.onSubmittedWorkDone();
  for (let turn = 0; turn < 20 && alive > 16; turn++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(alive).toBeLessThanOrEqual(16);
  images.destroy();
});

/** Makes an engine on the borrowed device, uses and destroys it. What is left is for the garbage collector. */
async function useEngine(device: GPUDevice): Promise<Record<string, WeakRef<object>>> {
  const engine = await createEngine({ device });
  const unet = await engine.createUNet({ height: 4, width: 4, widths: [4], kernelSize: 3 });
  const trainer = await engine.createTrainer(unet, { batchSize: 4 });
  const random = new Random(1);
  await trainer.step({ noisy: random.floats(64, 0, 1), target: random.floats(64, 0, 1) });
  const sampler = await engine.createSampler(unet, { count: 4 });
  await sampler.sample({ steps: 2 });
  engine.destroy();
  const { compilations } = engine.gpu.compiler as unknown as { compilations: Map<string, Compilation> };
  const { pipeline } = await compilations.values().next().value!.compiled;
  const all = { engine, gpu: engine.gpu, chooser: engine.chooser, unet, trainer, sampler, pipeline };
  return Object.fromEntries(Object.entries(all).map(([name, object]) => [name, new WeakRef<object>(object)]));
}

test('an engine that was destroyed can be collected while the device lives', async () => {
  // Of its own: the device of the tests keeps its pipelines alive.
  const { device } = await requestDevice();
  const before = await useEngine(device);
  const left = () =>
    Object.entries(before)
      .filter(([, ref]) => ref.deref())
      .map(([name]) => name);
  // A WeakRef that was looked at holds its object until the turn of the event loop is over.
  for (let turn = 0; turn < 20 && left().length > 0; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    collect();
  }
  expect(left()).toEqual([]);
  // Not because the device is gone.
  const [buffer] = await new Gpu(device).createBuffers([{ label: 'the device lives', bytes: 4 }]);
  buffer.destroy();
  device.destroy();
});
