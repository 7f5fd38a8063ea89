/**
 * A device that stops answering: every call ends in time after an abort, destroy() or the loss of the device, and nothing is left behind.
 *
 * @module-tag nightly
 */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { GRACE_MS } from '../../src/base/resource';
import { createEngine, EngineError, type UNetConfig } from '../../src/index';
import { createWorkerClient, serve } from '../../src/worker';
import { aliveBuffers } from '../lib/buffers';
import { tutorial } from '../lib/checked_networks';
import { testGpu } from '../lib/gpu';
import { hostileGpu, makeHostile, silence } from '../lib/hostile/hostile_device';
import { refused } from '../lib/refused';
import { heard } from '../lib/worker/alone';
import { losableGpu } from '../lib/worker/losable';
import { images as few, run, STEPS } from '../lib/worker/tiny';

const { gpu } = await testGpu();
const { device } = gpu;

/** A call ends at most this many seconds after what ends it, of which it waits for the device one. */
const IN_TIME = 4;

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp();
});

/**
 * An engine with a trainer, a sampler and a data set, and a distiller if `name` is the call of one; `silence()` lets the device answer no
 * more, until `answer()`.
 */
async function setUp(name?: string) {
  const buffers = aliveBuffers(device);
  cleanUps.push(() => void vi.restoreAllMocks());
  const { begin, end, until } = silence();
  const hostile = makeHostile(device, { delaysAnswers: until });
  const engine = await createEngine({ device, tune: false, selfCheck: false });
  cleanUps.push(() => {
    engine.destroy();
    hostile[Symbol.dispose]();
  });
  const unet = await engine.createUNet(tutorial.config);
  const trainer = await engine.createTrainer(unet, tutorial.trainer);
  const sampler = await engine.createSampler(unet, { count: 4 });
  const { height, width, channels } = unet.config;
  const images = new Uint8Array(8 * height * width * channels);
  const dataset = await engine.createDataset({ images, count: 8, height, width, channels });
  const floats = new Float32Array(images.length).fill(0.5);
  const flow = name === 'distiller.run' ? await engine.createUNet(flowing) : undefined;
  const distiller =
    flow && (await engine.createDistiller(flow, { calls: 1, noises: 4, steps: 1, batchSize: 4 }));
  const controller = { current: new AbortController() };
  let seed = 1;
  const calls = {
    step: () => trainer.step({ noisy: floats, target: floats }),
    async fit() {
      const { signal } = controller.current;
      for await (const _ of trainer.fit(dataset, { epochs: 100, maxSteps: 1, signal }));
    },
    runFor: () => trainer.runFor(dataset, { milliseconds: 20, signal: controller.current.signal }),
    evaluate: () => trainer.evaluate(dataset, { signal: controller.current.signal }),
    sample: () => sampler.sample({ steps: 2, signal: controller.current.signal }),
    async 'sampler.run'() {
      const { signal } = controller.current;
      for await (const _ of sampler.run({ steps: 2, signal }));
    },
    'sampler.prepare': () => sampler.prepare({ steps: 2, signal: controller.current.signal }),
    async 'distiller.run'() {
      const { signal } = controller.current;
      for await (const _ of distiller!.run({ signal }));
      distiller!.student!.destroy();
    },
    'trainer.prepare'() {
      const { signal } = controller.current;
      // With another seed it has something to compile.
      return trainer.prepare(dataset, { seed: seed++, signal });
    },
    readLosses: () => trainer.readLosses(),
    getParameters: () => unet.getParameters(),
    predict: () => unet.predict(floats, { count: 8 }),
    getState: () => trainer.getState(),
    createUNet: async () => (await engine.createUNet(tutorial.config)).destroy(),
    createDataset: async () =>
      (await engine.createDataset({ images, count: 8, height, width, channels })).destroy(),
    createPredictor: async () => (await engine.createPredictor(unet, { count: 4 })).destroy(),
    createTrainer: async () => (await engine.createTrainer(unet, tutorial.trainer)).destroy(),
    createSampler: async () => (await engine.createSampler(unet, { count: 8 })).destroy(),
  };
  return {
    ...{ engine, sampler, calls, buffers, controller },
    objects: [trainer, sampler, distiller, unet, flow, dataset].filter((object) => object !== undefined),
    silence: begin,
    answer: end,
  };
}
type Calls = Awaited<ReturnType<typeof setUp>>['calls'];

/** A network that a distiller can learn from. */
const flowing = {
  ...{ height: 8, width: 8, widths: [4, 8], kernelSize: 3, finalActivation: 'none' as const },
  conditioning: { noiseLevel: true, classes: 3 },
} satisfies Partial<UNetConfig>;

const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

/** The error that a call ends with in time. */
async function endOf(call: Promise<unknown>, seconds = IN_TIME): Promise<unknown> {
  const end = call.then(
    () => 'done',
    (error) => error,
  );
  return Promise.race([end, pause(seconds).then(() => 'pending')]);
}

describe('a device that does not answer', () => {
  const abortable = [
    ...(['fit', 'runFor', 'evaluate', 'trainer.prepare'] as const),
    ...(['sample', 'sampler.run', 'distiller.run'] as const),
  ];
  test.each(abortable)(
    'lets go of %s after an abort; its object is busy until the device answers, and works again',
    async (name) => {
      const world = await setUp(name);
      const call = world.calls[name];
      await call();
      const before = world.buffers.size;
      for (let i = 0; i < 2; i++) {
        world.silence();
        const pending = call();
        pending.catch(() => {});
        await pause(0.2);
        const reason = new Error('enough');
        world.controller.current.abort(reason);
        expect(await endOf(pending)).toBe(reason);
        world.controller.current = new AbortController();
        await refused(call(), 'busy');
        world.answer();
        await expect
          .poll(
            () =>
              call().then(
                () => 'done',
                ({ code }) => code,
              ),
            { timeout: 20_000 },
          )
          .toBe('done');
        expect(world.buffers.size).toBe(before);
      }
    },
  );

  test('lets go of sampler.run amid its steps; the sampler is busy until the device answers', async () => {
    const { sampler, silence, answer } = await setUp();
    const controller = new AbortController();
    const events = sampler.run({ steps: 4, signal: controller.signal });
    await events.next();
    silence();
    const next = events.next();
    next.catch(() => {});
    await pause(0.2);
    controller.abort();
    expect(await endOf(next)).toBe(controller.signal.reason);
    expect(await endOf(sampler.sample({ steps: 1 }))).toMatchObject({ code: 'busy' });
    answer();
    await sampler.idle;
    await sampler.sample({ steps: 1 });
  });

  const names: readonly (keyof Calls)[] = [
    ...abortable,
    ...(['step', 'readLosses', 'getState', 'getParameters', 'predict', 'sampler.prepare'] as const),
    ...(['createUNet', 'createDataset', 'createTrainer', 'createSampler', 'createPredictor'] as const),
  ];
  /** The second that a device has to answer is a tenth of one: these calls wait for it fifty times. */
  const short = () => {
    const { setTimeout } = globalThis;
    const shortened = (work: () => void, ms?: number) => setTimeout(work, ms === GRACE_MS ? 100 : ms);
    globalThis.setTimeout = shortened as typeof setTimeout;
    cleanUps.push(() => {
      globalThis.setTimeout = setTimeout;
    });
  };
  /** They need no object that could be destroyed. */
  const alone: readonly string[] = ['createUNet', 'createDataset'];
  test.each(names)(
    'lets go of %s after destroy() and the loss of the device, and leaves no buffer',
    async (name) => {
      for (const how of ['object', 'engine', 'loss'] as const) {
        short();
        const world = await setUp(name);
        await world.calls[name]();
        const held = [...world.buffers];
        world.silence();
        const pending = world.calls[name]();
        pending.catch(() => {});
        await pause(0.2);
        const { engine, buffers } = world;
        if (how === 'engine') engine.destroy();
        else if (how === 'loss')
          (engine.gpu as unknown as { loss: { lose(info: object): void } }).loss.lose({
            reason: 'unknown',
            message: 'planted',
          });
        else for (const object of world.objects) object.destroy();
        if (how !== 'loss') {
          // But for those into which the device was ordered to copy what is read.
          const left = held.filter((b) => buffers.has(b) && !(b.usage & GPUBufferUsage.MAP_READ));
          expect(left.map(({ label }) => label)).toEqual([]);
        }
        const goesOn = how === 'object' && alone.includes(name);
        const error = await endOf(pending, goesOn ? 0.5 : IN_TIME);
        if (goesOn) expect(error).toBe('pending');
        else {
          expect(error, how).toBeInstanceOf(EngineError);
          expect((error as EngineError).code, how).toBe(how === 'loss' ? 'device-lost' : 'destroyed');
        }
        // What the device does not answer does not go on for ever.
        const idle = Promise.all(world.objects.map((object) => object.idle));
        if (how !== 'object') expect(await endOf(idle), how).toBe('done');
        world.answer();
        await pause(0.05);
        engine.destroy();
        await expect
          .poll(() => [...world.buffers].map(({ label }) => label), { timeout: 10_000 })
          .toEqual([]);
        for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp();
      }
    },
  );
});

test('a worker whose device answers late samples during training, also after an abort, and trains on', async () => {
  const { gpu: losable, devices } = losableGpu();
  let late = 0;
  const source = hostileGpu({ delaysAnswers: () => late }, losable);
  const { port1, port2 } = new MessageChannel();
  serve(port2, { store: false, images: () => few, engine: { gpu: source, selfCheck: false, tune: false } });
  const client = createWorkerClient(port1);
  let phase = '';
  client.on('phase', (event) => {
    phase = event.phase;
  });
  cleanUps.push(() => {
    client.destroy();
    port2.close();
    for (const made of devices) made.destroy();
  });
  await client.begin(run);
  const trained = client.start();
  await heard(client, 'loss');
  const order = { count: 2, steps: 2, seed: 4 };
  const { images } = await client.sample(order);
  late = 1.5;
  const controller = new AbortController();
  const { signal } = controller;
  // The training that the first one interrupts, and what the second one follows, are still under way.
  const given = client.sample({ ...order, signal });
  given.catch(() => {});
  await heard(client, 'phase', () => phase === 'sampling');
  controller.abort();
  await expect(given).rejects.toBe(signal.reason);
  const { images: again } = await client.sample(order);
  expect(again).toHaveLength(images.length);
  late = 0;
  expect(await trained).toMatchObject({ step: STEPS, complete: true });
});
