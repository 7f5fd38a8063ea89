/**
 * Long runs leave nothing behind.
 *
 * @module-tag nightly
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { TestRandom } from '../../harness/specs/lib/spec';
import { createEngine, type Engine } from '../../src/engine';
import type { Compilation } from '../../src/gpu/compiler';
import { Gpu } from '../../src/gpu/gpu';
import { Program } from '../../src/gpu/program';
import { requestDevice } from '../../src/gpu/request_device';
import { Sampler } from '../../src/sampling/sampler';
import { Trainer } from '../../src/training/trainer';
import { memoryCache } from '../../src/trust/cache';
import { UNet } from '../../src/unet/unet';
import { connect, createSession, expose, type SessionClient } from '../../src/worker';
import { watchBuffers } from '../lib/buffers';
import { testGpu } from '../lib/gpu';
import { roomFor, submit } from '../lib/on_gpu';
import { trained } from '../lib/worker/alone';
import { images as ofRun, run } from '../lib/worker/tiny';

const { gpu } = await testGpu();

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/**
 * Lets the turn of the event loop end, to which a WeakRef holds what was looked at, and finalizers of GPU objects run: the device answers in
 * a later one. Then collects.
 */
async function turned(): Promise<void> {
  await gpu.device.queue.onSubmittedWorkDone();
  collect();
}

/** Collects, and what that lets go, too. */
async function settled(): Promise<void> {
  collect();
  for (let turn = 0; turn < 3; turn++) await turned();
}

const random = new TestRandom(1);
const batch = { noisy: random.floats(64, 0, 1), target: random.floats(64, 0, 1) };

test('500 small steps do not add to the memory of the process', async () => {
  using unet = await UNet.create(gpu, { height: 4, width: 4, widths: [4], kernelSize: 3 });
  using trainer = await Trainer.create(gpu, unet, { batchSize: 4 });
  const run = async (steps: number) => {
    for (let i = 0; i < steps; i++) await trainer.step(batch);
    await settled();
    return { js: usedMemory(), rss: process.memoryUsage.rss() };
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

test('recorded runs in 500 different orders make no buffer', async () => {
  using unet = await UNet.create(gpu, {
    height: 4,
    width: 4,
    widths: [4],
    kernelSize: 3,
    finalActivation: 'none',
    conditioning: { noiseLevel: true, classes: 3 },
  });
  using sampler = await Sampler.create(gpu, unet, { count: 4 });
  const images = roomFor(gpu, 64);
  const createBuffer = vi.spyOn(gpu.device, 'createBuffer');
  for (let i = 0; i < 500; i++) {
    const labels = [i % 4, (i >> 2) % 4, (i >> 4) % 4, (i >> 6) % 4];
    const order = { labels, guidance: 1 + i / 100, steps: 1 + (i % 3), seed: i };
    submit(gpu, (encoder) => sampler.encodeRun(encoder, images, order));
  }
  expect(createBuffer).not.toHaveBeenCalled();
  images.destroy();
});

/** Makes an engine on the borrowed device, uses and destroys it. What is left is for the garbage collector. */
async function useEngine(device: GPUDevice): Promise<Map<string, WeakRef<object>[]>> {
  const engine = await createEngine({ device });
  const unet = await engine.createUNet({ height: 4, width: 4, widths: [4], kernelSize: 3 });
  const trainer = await engine.createTrainer(unet, { batchSize: 4 });
  await trainer.step(batch);
  const sampler = await engine.createSampler(unet, { count: 4 });
  await sampler.sample({ steps: 2 });
  engine.destroy();
  const { compilations } = engine.gpu.compiler as unknown as { compilations: Map<string, Compilation> };
  const { pipeline } = await compilations.values().next().value!.compiled;
  const all = { engine, gpu: engine.gpu, chooser: engine.chooser, unet, trainer, sampler, pipeline };
  return new Map(Object.entries(all).map(([name, object]) => [name, [new WeakRef<object>(object)]]));
}

/** The names of those that are never collected. */
async function leftOf(refs: ReadonlyMap<string, readonly WeakRef<object>[]>): Promise<string[]> {
  const left = () =>
    [...refs].filter(([_, all]) => all.some((ref) => ref.deref() !== undefined)).map(([name]) => name);
  for (let turn = 0; turn < 20 && left().length > 0; turn++) await turned();
  return left();
}

const config = { height: 4, width: 4, widths: [4, 8], kernelSize: 3 };

async function useTrainer(engine: Engine, unet: UNet): Promise<void> {
  using trainer = await engine.createTrainer(unet, { batchSize: 4 });
  // The kernels are compared at their real size before the second step.
  for (let step = 0; step < 2; step++) await trainer.step(batch);
}

async function useSampler(engine: Engine, unet: UNet): Promise<void> {
  using sampler = await engine.createSampler(unet, { count: 4, tune: engine.tune });
  await sampler.sample({ steps: 2 });
}

/** Calls `work`, and returns the ops and tensors that it compiled, without the ones of a network that stays. */
async function compiledBy(work: () => Promise<void>, unet?: UNet): Promise<Map<string, WeakRef<object>[]>> {
  const refs = new Map<string, WeakRef<object>[]>();
  const note = (name: string, object: object) =>
    refs.set(name, [...(refs.get(name) ?? []), new WeakRef(object)]);
  const { compile } = Program;
  Program.compile = (...args) => {
    const [_, label, ops] = args;
    for (const o of ops) {
      note(`${label}: ${o.kernel} ${o.layer}`, o);
      for (const t of o.calls.flatMap(({ tensors }) => Object.values(tensors)))
        if (!unet?.weights.boundBuffers.has(t.base ?? t)) note(`${label}: ${t.label}`, t);
    }
    return compile.call(Program, ...args);
  };
  try {
    await work();
  } finally {
    Program.compile = compile;
  }
  return refs;
}

/** The labels of what compiled them. */
const partsOf = (refs: ReadonlyMap<string, unknown>) => [
  ...new Set([...refs.keys()].map((name) => name.split(':', 1)[0])),
];

/** What compiles ops beside trainers and samplers: small checks, checks at the real size, and the tuner. */
const EVERYTHING = ['self-check', 'comparison', 'tune'];

/** Bytes of JavaScript's memory. */
function usedMemory(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** The growth of JavaScript's memory with each use, in KiB. */
async function kilobytesEach(use: () => Promise<unknown>, times = 200): Promise<number> {
  for (let i = 0; i < 20; i++) await use();
  await settled();
  const before = usedMemory();
  for (let i = 0; i < times; i++) await use();
  await settled();
  return (usedMemory() - before) / times / 1024;
}

describe('while an engine lives', () => {
  test.each([
    ['trainer', useTrainer],
    ['sampler', useSampler],
  ])('nothing that a destroyed %s computed with stays', async (_, use) => {
    using engine = await createEngine({ device: gpu.device, tuningCache: memoryCache(), tune: true });
    const unet = await engine.createUNet(config);
    const refs = await compiledBy(() => use(engine, unet), unet);
    expect(partsOf(refs)).toEqual(expect.arrayContaining(EVERYTHING));
    expect(await leftOf(refs)).toEqual([]);
  });

  test('no buffer stays with everything on: checks, comparison at size, tuner, recorded runs', async () => {
    const left = watchBuffers(gpu.device);
    const engine = await createEngine({ device: gpu.device, tuningCache: memoryCache(), tune: true });
    const unet = await engine.createUNet(config);
    const before = left().length;
    const images = roomFor(gpu, 4 * 16);
    for (let twice = 0; twice < 2; twice++) {
      using trainer = await engine.createTrainer(unet, { batchSize: 4 });
      for (let step = 0; step < 3; step++) await trainer.step(batch);
      using sampler = await engine.createSampler(unet, { count: 4 });
      await sampler.sample({ steps: 2 });
      for (const steps of [1, 2, 3]) submit(gpu, (encoder) => sampler.encodeRun(encoder, images, { steps }));
    }
    images.destroy();
    expect(left()).toHaveLength(before);
    engine.destroy();
    expect(left()).toEqual([]);
  });

  test('200 calls of sample(), 200 samplers and 200 trainers leave less than some kilobytes each', async () => {
    using engine = await createEngine({ device: gpu.device, tuningCache: memoryCache() });
    const unet = await engine.createUNet(config);
    using sampler = await engine.createSampler(unet, { count: 4 });
    const sample = await kilobytesEach(() => sampler.sample({ steps: 2 }));
    const ofSampler = await kilobytesEach(() => useSampler(engine, unet));
    const ofTrainer = await kilobytesEach(() => useTrainer(engine, unet));
    expect(sample).toBeLessThan(1);
    expect(ofSampler).toBeLessThan(8);
    expect(ofTrainer).toBeLessThan(20);
  });
});

describe('while a worker lives', () => {
  /** A worker in this thread, with checks, comparison at size and the tuner. */
  function serveHere(): SessionClient {
    const { port1, port2 } = new MessageChannel();
    const engine = { device: gpu.device, tuningCache: memoryCache(), tune: true };
    expose(port2, createSession({ store: false, images: () => ofRun, engine }));
    const client = connect(port1);
    onTestFinished(() => {
      client.destroy();
      port2.close();
    });
    return client;
  }
  const useRun = async (client: SessionClient) => {
    await client.begin(run);
    await trained(client, { steps: 3 });
    await client.sample({ count: 2, steps: 2 });
    await client.close({ keep: false });
  };

  test('nothing that a run computed with stays after its end', async () => {
    const client = serveHere();
    const refs = await compiledBy(() => useRun(client));
    expect(partsOf(refs)).toEqual(expect.arrayContaining(['training step', 'sampling step', ...EVERYTHING]));
    expect(await leftOf(refs)).toEqual([]);
  });

  test('30 runs leave less than 20 kilobytes each', async () => {
    const client = serveHere();
    expect(await kilobytesEach(() => useRun(client), 30)).toBeLessThan(20);
  });
});

/** Works on a device that is lost meanwhile. What is left is for the garbage collector. */
async function loseDevice(device: GPUDevice, signal: AbortSignal, isDestroyed: boolean) {
  const objects = new Map<string, WeakRef<object>[]>();
  const compiled = await compiledBy(async () => {
    let lose = () => {};
    const onProgress = () => lose();
    const engine = await createEngine({ device, tuningCache: memoryCache(), tune: true, onProgress });
    const unet = await engine.createUNet(config);
    const trainer = await engine.createTrainer(unet, { batchSize: 4 });
    const images = { images: new Uint8Array(64), count: 4, height: 4, width: 4, channels: 1 };
    const dataset = await engine.createDataset(images);
    const sampler = await engine.createSampler(unet, { count: 4 });
    const train = async (epochs: number) => {
      for await (const _ of trainer.fit(dataset, { epochs, signal }));
    };
    await train(2);
    const work = [
      train(1e6),
      sampler.sample({ steps: 1000, signal }),
      engine.createSampler(unet, { count: 8, tune: true }),
    ];
    // While the last one compiles.
    lose = () => device.destroy();
    const ends = await Promise.allSettled(work);
    const lost = { status: 'rejected', reason: expect.objectContaining({ code: 'device-lost' }) };
    expect(ends).toEqual(work.map(() => lost));
    if (isDestroyed) engine.destroy();
    const all = { engine, gpu: engine.gpu, unet, trainer, dataset, sampler };
    for (const [name, object] of Object.entries(all)) objects.set(name, [new WeakRef(object)]);
  });
  return new Map([...objects, ...compiled]);
}

test.each([true, false])(
  'the garbage collector frees an engine whose device was lost, destroyed: %s',
  async (isDestroyed) => {
    const { device } = await requestDevice();
    const controller = new AbortController();
    const refs = await loseDevice(device, controller.signal, isDestroyed);
    expect(refs.size).toBeGreaterThan(100);
    expect(await leftOf(refs)).toEqual([]);
    // The app keeps what is its own.
    expect({ reason: (await device.lost).reason, aborted: controller.signal.aborted }).toEqual({
      reason: 'destroyed',
      aborted: false,
    });
  },
);

test('the garbage collector frees an engine that was destroyed while its device lives', async () => {
  // The test has its own device: the device that tests share keeps its pipelines alive.
  const { device } = await requestDevice();
  expect(await leftOf(await useEngine(device))).toEqual([]);
  // Not because the device is gone.
  const [buffer] = await new Gpu(device).createBuffers([{ label: 'the device lives', bytes: 4 }]);
  buffer.destroy();
  device.destroy();
});
