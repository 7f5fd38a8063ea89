/** What frameworks do to an engine: docs/getting_started.md, "Beside your framework". */
import { describe, expect, test, vi } from 'vitest';
import { typeOf } from '../../../src/base/errors';
import { createEngine, type Engine, type UNet } from '../../../src/index';
import { memoryCache } from '../../../src/trust/cache';
import { testGpu } from '../../lib/gpu';
import { refused } from '../../lib/refused';

const { gpu } = await testGpu();
const { device } = gpu;
const config = { height: 4, width: 4, widths: [4], kernelSize: 3 };
const batch = { noisy: new Float32Array(64).fill(0.5), target: new Float32Array(64) };
const images = { images: new Uint8Array(64), count: 4, height: 4, width: 4, channels: 1 };

describe('a framework that wraps state in a Proxy, as Vue does:', () => {
  const makes: Record<string, (engine: Engine, unet: UNet) => Promise<{ destroy(): void }>> = {
    engine: async (engine) => engine,
    unet: async (_, unet) => unet,
    dataset: (engine) => engine.createDataset(images),
    trainer: (engine, unet) => engine.createTrainer(unet, { batchSize: 4 }),
    sampler: (engine, unet) => engine.createSampler(unet, { count: 4 }),
    predictor: (engine, unet) => engine.createPredictor(unet, { count: 4 }),
    adam: (engine) => engine.createAdam(100),
  };

  test.each(Object.entries(makes))('%s has no type that Vue wraps', async (_, make) => {
    using engine = await createEngine({ device, selfCheck: false, variants: {} });
    const made = await make(engine, await engine.createUNet(config));
    expect(['Object', 'Array', 'Map', 'Set', 'WeakMap', 'WeakSet']).not.toContain(typeOf(made));
  });

  /** Whatever is read from it is wrapped, too, but for what `leaves` holds for. */
  function wrapped<T extends object>(target: T, leaves = (_: object) => false): T {
    return new Proxy(target, {
      get(of, name, receiver) {
        const value = Reflect.get(of, name, receiver);
        return typeof value === 'object' && value !== null && !leaves(value) ? wrapped(value, leaves) : value;
      },
    });
  }

  /** What valtio leaves alone. */
  const isLeft = (value: object) =>
    value instanceof Promise || (Symbol.iterator in value && !Array.isArray(value));

  /** What it holds is replaced by what is wrapped, in the object itself, as valtio does. */
  function occupied<T extends object>(target: T): T {
    for (const [name, value] of Object.entries(target))
      if (typeof value === 'object' && value !== null && !isLeft(value))
        Object.assign(target, { [name]: wrapped(value, isLeft) });
    return target;
  }

  const uses: Record<string, (engine: Engine, unet: UNet, wrap: typeof wrapped) => Promise<unknown>> = {
    'createUNet of a wrapped engine': (engine, _, wrap) => wrap(engine).createUNet(config),
    'createTrainer of a wrapped engine': (engine, unet, wrap) => wrap(engine).createTrainer(unet),
    'createTrainer with a wrapped network': (engine, unet, wrap) => engine.createTrainer(wrap(unet)),
    'createSampler with a wrapped network': (engine, unet, wrap) => engine.createSampler(wrap(unet)),
    predict: (_, unet, wrap) => wrap(unet).predict(new Float32Array(16)),
    getParameters: (_, unet, wrap) => wrap(unet).getParameters(),
    step: async (engine, unet, wrap) => wrap(await engine.createTrainer(unet, { batchSize: 4 })).step(batch),
    fit: async (engine, unet, wrap) => {
      const trainer = wrap(await engine.createTrainer(unet, { batchSize: 4 }));
      for await (const _ of trainer.fit(await engine.createDataset(images), { epochs: 1 }));
    },
    'fit with a wrapped data set': async (engine, unet, wrap) => {
      const trainer = await engine.createTrainer(unet, { batchSize: 4 });
      for await (const _ of trainer.fit(wrap(await engine.createDataset(images)), { epochs: 1 }));
    },
    sample: async (engine, unet, wrap) =>
      wrap(await engine.createSampler(unet, { count: 4 })).sample({ steps: 2 }),
    'step of a wrapped Adam': async (engine, _, wrap) => {
      const adam = wrap(await engine.createAdam(4));
      const [buffer] = await gpu.createBuffers([{ label: 'gradient', bytes: 16 }]);
      adam.encode(device.createCommandEncoder(), { gradient: buffer } as never);
    },
  };

  test.each(
    Object.entries(uses).flatMap(([name, use]) => [
      [name, 'around it', use, wrapped] as const,
      [name, 'in all that it holds', use, occupied] as const,
    ]),
  )('%s, with Proxies %s, is refused with a hint, and nothing is forgotten', async (_, __, use, wrap) => {
    const cache = memoryCache();
    using engine = await createEngine({ device, tuningCache: cache });
    const unet = await engine.createUNet(config);
    const forget = vi.spyOn(engine, 'forget');
    await refused(use(engine, unet, wrap), 'argument', /A Proxy wraps this .* plain variable/);
    expect(forget).not.toHaveBeenCalled();
    // What is not wrapped works on, and what is can be destroyed.
    if (wrap === wrapped) expect(await unet.predict(new Float32Array(16))).toHaveLength(16);
    wrap(unet).destroy();
    await refused(unet.predict(new Float32Array(16)), 'destroyed');
  });
});

describe('an effect that runs twice, as React does in development', () => {
  /** What the docs say: the clean-up of the effect. */
  function effect(used: (values: Float32Array) => void): { end(): void; done: Promise<Error | undefined> } {
    const stop = new AbortController();
    const { signal } = stop;
    let engine: Engine | undefined;
    const work = async () => {
      engine = await createEngine({ signal, tuningCache: memoryCache() });
      const unet = await engine.createUNet(config, { signal });
      used(await unet.predict(new Float32Array(16).fill(0.5)));
    };
    const done = work().then(
      () => undefined,
      (error: Error) => error,
    );
    return {
      done,
      end() {
        stop.abort();
        engine?.destroy();
      },
    };
  }

  test.each([0, 1, 5, 20, 100, 1000])('works when it is cleaned up after %i loop turns', async (turns) => {
    const { requestAdapter } = navigator.gpu;
    const devices: GPUDevice[] = [];
    const destroyed: GPUDevice[] = [];
    vi.spyOn(navigator.gpu, 'requestAdapter').mockImplementation(async (options) => {
      const adapter = (await requestAdapter.call(navigator.gpu, options))!;
      const requestDevice = adapter.requestDevice.bind(adapter);
      const value = async (descriptor: GPUDeviceDescriptor) => {
        const device = await requestDevice(descriptor);
        devices.push(device);
        const destroy = device.destroy.bind(device);
        device.destroy = () => {
          destroyed.push(device);
          destroy();
        };
        return device;
      };
      return Object.defineProperty(adapter, 'requestDevice', { value });
    });
    const used = [vi.fn(), vi.fn()];
    const first = effect(used[0]);
    for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
    first.end();
    const second = effect(used[1]);
    expect(await second.done).toBeUndefined();
    const reason = await first.done;
    if (reason) expect(['AbortError', 'EngineError']).toContain(reason.name);
    else expect(used[0].mock.calls).toEqual(used[1].mock.calls);
    expect(used[1]).toHaveBeenCalledTimes(1);
    expect(destroyed).toEqual(devices.slice(0, -1));
    second.end();
    expect(destroyed).toEqual(devices);
  });
});
