/** What frameworks do to an engine: docs/getting_started.md, "Beside your framework". */
import { describe, expect, test, vi } from 'vitest';
import { typeName } from '../../../src/base/errors';
import { createEngine, type Engine, type UNet } from '../../../src/index';
import { memoryCache } from '../../../src/trust/cache';
import { testGpu } from '../../lib/gpu';
import { refused } from '../../lib/refused';
import { until } from '../../lib/until';

const { gpu } = await testGpu();
const { device } = gpu;
const config = { height: 4, width: 4, widths: [4], kernelSize: 3 };
const batch = { noisy: new Float32Array(64).fill(0.5), target: new Float32Array(64) };
const images = { images: new Uint8Array(64), count: 4, height: 4, width: 4, channels: 1 };

describe('a framework that wraps state in a Proxy, as Vue does:', () => {
  const makes: Record<string, (engine: Engine, unet: UNet) => unknown> = {
    engine: (engine) => engine,
    unet: (_, unet) => unet,
    dataset: (engine) => engine.createDataset(images),
    trainer: (engine, unet) => engine.createTrainer(unet, { batchSize: 4 }),
    sampler: (engine, unet) => engine.createSampler(unet, { count: 4 }),
    predictor: (engine, unet) => engine.createPredictor(unet, { count: 4 }),
    adam: (engine) => engine.createAdam(100),
  };
  test.each(Object.entries(makes))('%s has no type that Vue wraps', async (_, make) => {
    using engine = await createEngine({ device, selfCheck: false, variants: {} });
    const made = await make(engine, await engine.createUNet(config));
    expect(['Object', 'Array', 'Map', 'Set', 'WeakMap', 'WeakSet']).not.toContain(typeName(made));
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
    'createTrainer with a wrapped network': (engine, unet, wrap) => engine.createTrainer(wrap(unet)),
    'createSampler with a wrapped network': (engine, unet, wrap) => engine.createSampler(wrap(unet)),
    predict: (_, unet, wrap) => wrap(unet).predict(new Float32Array(16)),
    getParameters: (_, unet, wrap) => wrap(unet).getParameters(),
    step: async (engine, unet, wrap) => wrap(await engine.createTrainer(unet, { batchSize: 4 })).step(batch),
    'fit with a wrapped data set': async (engine, unet, wrap) => {
      const trainer = await engine.createTrainer(unet, { batchSize: 4 });
      await trainer.fit(wrap(await engine.createDataset(images)), { epochs: 1 }).next();
    },
    sample: async (engine, unet, wrap) =>
      wrap(await engine.createSampler(unet, { count: 4 })).sample({ steps: 2 }),
    'step of a wrapped Adam': async (engine, _, wrap) => {
      const adam = wrap(await engine.createAdam(4));
      adam.encode(device.createCommandEncoder(), {} as never);
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
  function effect(gpu: GPU) {
    const stop = new AbortController();
    const { signal } = stop;
    let engine: Engine | undefined;
    const work = async () => {
      engine = await createEngine({ gpu, signal, tuningCache: memoryCache() });
      const unet = await engine.createUNet(config, { signal });
      return unet.predict(new Float32Array(16).fill(0.5));
    };
    const end = () => {
      stop.abort();
      engine?.destroy();
    };
    return { end, done: work().catch((error: Error) => error) };
  }

  const moments = [
    'at once',
    'requestAdapter',
    'requestDevice',
    'createBuffer',
    'submit',
    'its end',
  ] as const;
  test.each(moments)('works when it is cleaned up at %s', async (moment) => {
    const devices: GPUDevice[] = [];
    const destroyed: GPUDevice[] = [];
    let reach = (_: string) => {};
    /** The same object, with a method that says when it has been called. */
    const telling = <T extends object>(
      object: T,
      name: keyof T & string,
      result = (made: unknown) => made,
    ) => {
      const method = (object[name] as (...args: unknown[]) => unknown).bind(object);
      const value = (...args: unknown[]) => {
        const made = method(...args);
        reach(name);
        return made instanceof Promise ? made.then(result) : made;
      };
      return Object.defineProperty(object, name, { value, configurable: true });
    };
    const { gpu: source } = navigator;
    const told = {
      requestAdapter: (options: object) =>
        source.requestAdapter(options).then((adapter) => {
          reach('requestAdapter');
          return telling(adapter!, 'requestDevice', (made) => {
            const device = made as GPUDevice;
            devices.push(device);
            device.lost.then(() => destroyed.push(device));
            telling(device.queue, 'submit');
            return telling(device, 'createBuffer');
          });
        }),
    } as GPU;
    const first = effect(told);
    if (moment === 'at once') first.end();
    else if (moment === 'its end') await first.done;
    else
      await new Promise<void>((resolve) => {
        reach = (name) => {
          if (name !== moment) return;
          reach = () => {};
          first.end();
          resolve();
        };
      });
    first.end();
    const second = effect(told);
    const values = await second.done;
    expect(values).toHaveLength(16);
    const ended = await first.done;
    if (moment === 'its end') expect(ended).toEqual(values);
    else expect(['AbortError', 'EngineError']).toContain((ended as Error).name);
    await until(() => destroyed.length === devices.length - 1);
    second.end();
    await until(() => destroyed.length === devices.length);
  });
});
