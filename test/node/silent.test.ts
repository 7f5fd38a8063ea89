/** A device that stops answering: every call ends in time after an abort, destroy() or the loss of the device, and nothing is left behind. */
import { afterEach, describe, expect, test } from 'vitest';
import { createEngine, EngineError } from '../../src/index';
import { tutorial } from '../checked_networks';
import { makeHostile } from '../hostile/hostile_device';
import { testGpu } from '../lanes/gpu';

const { gpu } = await testGpu();
const { device } = gpu;

/** A call ends at most this many seconds after what ends it, of which it waits for the device one. */
const IN_TIME = 4;

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp();
});

/** Buffers that were created and not destroyed. */
function watchBuffers(): Set<GPUBuffer> {
  const buffers = new Set<GPUBuffer>();
  const { createBuffer } = device;
  const own = Object.getOwnPropertyDescriptor(device, 'createBuffer');
  device.createBuffer = (descriptor) => {
    const buffer = createBuffer.call(device, descriptor);
    buffers.add(buffer);
    const destroy = buffer.destroy.bind(buffer);
    buffer.destroy = () => {
      buffers.delete(buffer);
      destroy();
    };
    return buffer;
  };
  cleanUps.push(() => {
    if (own) Object.defineProperty(device, 'createBuffer', own);
    else Reflect.deleteProperty(device, 'createBuffer');
  });
  return buffers;
}

/** An engine with a trainer, a sampler and a data set; `silence()` lets the device answer no more, until `answer()`. */
async function setUp() {
  const buffers = watchBuffers();
  let silence: Promise<void> | undefined;
  let answer = () => {};
  const hostile = makeHostile(device, { delaysAnswers: () => silence ?? 0 });
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
  const controller = { current: new AbortController() };
  const calls = {
    step: () => trainer.step({ noisy: floats, target: floats }),
    async fit() {
      const { signal } = controller.current;
      for await (const _ of trainer.fit(dataset, { epochs: 1, signal }));
    },
    runFor: () => trainer.runFor(dataset, { milliseconds: 20, signal: controller.current.signal }),
    evaluate: () => trainer.evaluate(dataset, { signal: controller.current.signal }),
    sample: () => sampler.sample({ steps: 2, signal: controller.current.signal }),
    readLosses: () => trainer.readLosses(),
    getParameters: () => unet.getParameters(),
    predict: () => unet.predict(floats, { count: 8 }),
    createTrainer: async () => (await engine.createTrainer(unet, tutorial.trainer)).destroy(),
    createSampler: async () => (await engine.createSampler(unet, { count: 8 })).destroy(),
  };
  return {
    ...{ engine, unet, trainer, sampler, calls, buffers, controller },
    silence() {
      silence = new Promise((resolve) => {
        answer = () => {
          silence = undefined;
          resolve();
        };
      });
    },
    answer: () => answer(),
  };
}
type Calls = Awaited<ReturnType<typeof setUp>>['calls'];

const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

/** The error that a call ends with in time. */
async function endOf(call: Promise<unknown>): Promise<unknown> {
  const end = call.then(
    () => 'done',
    (error) => error,
  );
  return Promise.race([end, pause(IN_TIME).then(() => 'pending')]);
}

describe('a device that does not answer', () => {
  test.each(['fit', 'runFor', 'evaluate', 'sample'] as const)(
    'lets go of %s after an abort; the object is busy until it answers, and works again',
    async (name) => {
      const world = await setUp();
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
        await expect(call()).rejects.toMatchObject({ code: 'busy' });
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

  const names: readonly (keyof Calls)[] = [
    ...(['step', 'fit', 'runFor', 'evaluate', 'sample', 'readLosses'] as const),
    ...(['getParameters', 'predict', 'createTrainer', 'createSampler'] as const),
  ];
  test.each(names)(
    'lets go of %s after destroy() and the loss of the device, and leaves no buffer',
    async (name) => {
      for (const how of ['object', 'engine', 'loss'] as const) {
        const world = await setUp();
        await world.calls[name]();
        world.silence();
        const pending = world.calls[name]();
        pending.catch(() => {});
        await pause(0.2);
        const { engine, trainer, sampler, unet } = world;
        if (how === 'engine') engine.destroy();
        else if (how === 'loss')
          (engine.gpu as unknown as { loss: { lose(info: object): void } }).loss.lose({
            reason: 'unknown',
            message: 'planted',
          });
        else for (const object of [trainer, sampler, unet]) object.destroy();
        const error = await endOf(pending);
        if (how === 'object' && name.startsWith('create')) expect(error).toBe('pending');
        else {
          expect(error, how).toBeInstanceOf(EngineError);
          expect((error as EngineError).code, how).toBe(how === 'loss' ? 'device-lost' : 'destroyed');
        }
        world.answer();
        await pause(0.2);
        engine.destroy();
        await expect
          .poll(() => [...world.buffers].map(({ label }) => label), { timeout: 10_000 })
          .toEqual([]);
        for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp();
      }
    },
  );
});
