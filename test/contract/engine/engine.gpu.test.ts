/** The engine as a guest on somebody's device. */
import { describe, expect, test, vi } from 'vitest';
import { Random } from '../../../harness/specs/lib/spec';
import { readBuffer } from '../../../src/gpu/staging';
import {
  createEngine,
  type Engine,
  EngineError,
  saveModel,
  type UNet,
  type Variants,
} from '../../../src/index';
import { watchBuffers } from '../../lib/buffers';
import { testGpu } from '../../lib/gpu';
import { refused } from '../../lib/refused';

const { gpu, lane } = await testGpu();

const config = { height: 4, width: 4, widths: [4], kernelSize: 3 };

test('two engines share a device; either may be destroyed first, and the device stays', async () => {
  const [first, second] = await Promise.all([
    createEngine({ device: gpu.device, selfCheck: false }),
    createEngine({ device: gpu.device, selfCheck: false }),
  ]);
  const unets = await Promise.all([first, second].map((engine) => engine.createUNet(config, { seed: 1 })));
  const images = new Random(2).floats(2 * 16, 0, 1);
  const before = await unets[1].predict(images, { count: 2 });
  first.destroy();
  first.destroy();
  await refused(first.createUNet(config), 'destroyed');
  await refused(unets[0].predict(images, { count: 2 }), 'destroyed');
  expect(await unets[1].predict(images, { count: 2 })).toEqual(before);
  second.destroy();
  const [buffer] = await gpu.createBuffers([{ label: 'still there', bytes: 4 }]);
  buffer.destroy();
});

test('saving a UNet that is destroyed meanwhile is an error, not a file of zeros', async () => {
  const engine = await createEngine({ device: gpu.device, selfCheck: false });
  const unet = await engine.createUNet(config);
  const saving = saveModel(unet);
  engine.destroy();
  await refused(saving, 'destroyed');
});

test('a submission that the device refuses is thrown, and does not reach the device’s own error handlers', async () => {
  const [buffer] = await gpu.createBuffers([{ label: 'gone', bytes: 4 }]);
  buffer.destroy();
  await expect(readBuffer(gpu, buffer, 1)).rejects.toMatchObject({ code: 'shader' });
});

test('gpu.scoped leaves no error scope behind where its work throws', async () => {
  const work = () => {
    throw new Error('not the device');
  };
  await expect(gpu.scoped('nothing', work)).rejects.toThrow('not the device');
  await expect(gpu.device.popErrorScope()).rejects.toThrow();
});

test('a buffer that the device refuses is an error, and does not reach the device’s own error handlers', async () => {
  const request = { label: 'impossible', bytes: 4, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE };
  await refused(gpu.createBuffers([request]), 'limit', 'for impossible');
  await expect(gpu.device.popErrorScope()).rejects.toThrow();
});

describe('arrays of the caller', () => {
  const conditioned = {
    ...config,
    finalActivation: 'none',
    conditioning: { noiseLevel: true, classes: 3 },
  } as const;
  const n = 64;
  const random = new Random(4);
  const floats = (count: number) => new Float32Array(random.floats(count, 0, 1));
  const grey = () => floats(n * 16);
  const labels = () => [...random.integers(n, 3)];

  async function setUp(channels = 1, variants?: Variants) {
    const engine = await createEngine({ device: gpu.device, variants });
    const unet = await engine.createUNet({ ...conditioned, channels }, { seed: 1 });
    const trainer = await engine.createTrainer(unet, { batchSize: n, objective: 'flow' });
    return { engine, unet, trainer, sampler: await engine.createSampler(unet, { count: n }) };
  }
  type World = Awaited<ReturnType<typeof setUp>>;
  type Arrays = Record<string, Float32Array<ArrayBuffer> | number[] | Uint8Array<ArrayBuffer>>;
  interface Row {
    readonly arrays: (values?: () => Float32Array<ArrayBuffer>) => Arrays;
    // biome-ignore lint/suspicious/noExplicitAny: each call takes the arrays of its row.
    readonly call: (world: World, arrays: any) => Promise<unknown>;
  }
  const picture = { data: new Uint8ClampedArray(4 * 16).fill(99), width: 4, height: 4 };
  const calls: Record<string, Row> = {
    step: {
      arrays: (values = grey) => ({ noisy: values(), target: values(), levels: floats(n), labels: labels() }),
      call: ({ trainer }, arrays) => trainer.step(arrays),
    },
    sample: {
      arrays: (values = grey) => ({ noise: values(), start: values(), mask: values(), labels: labels() }),
      call: ({ sampler }, arrays) => sampler.sample({ ...arrays, from: 0.7, steps: 2 }),
    },
    'sample beside a picture': {
      arrays: () => ({ noise: grey(), mask: grey(), labels: labels() }),
      call: ({ sampler }, arrays) => sampler.sample({ ...arrays, start: picture, from: 0.7, steps: 2 }),
    },
    predict: {
      arrays: (values = grey) => ({ images: values(), levels: floats(n), labels: labels() }),
      call: ({ unet }, { images, ...rest }) => unet.predict(images, rest),
    },
    'predict with a list of pictures': {
      arrays: () => ({ levels: floats(n), labels: Uint8Array.from(labels()) }),
      call: ({ unet }, arrays) => unet.predict(Array(n).fill(picture), arrays),
    },
  };
  test.each(Object.entries(calls))('are copied before %s has returned', async (_, { arrays, call }) => {
    const [world, other] = [await setUp(), await setUp()];
    for (const how of ['filled', 'transferred', 'filled', 'transferred']) {
      const given = arrays();
      const expected = await call(other, structuredClone(given));
      const called = call(world, given);
      for (const array of Object.values(given)) {
        if (how === 'transferred' && ArrayBuffer.isView(array))
          structuredClone(array, { transfer: [array.buffer] });
        else array.fill(1);
      }
      expect(await called, how).toEqual(expected);
    }
    world.engine.destroy();
    other.engine.destroy();
  });

  test.each(Object.entries(calls))('are written at once by the second %s', async (_, { arrays, call }) => {
    const world = await setUp();
    const write = vi.spyOn(gpu.device.queue, 'writeBuffer');
    const counts: number[] = [];
    for (let times = 0; times < 4; times++) {
      write.mockClear();
      await call(world, arrays());
      counts.push(write.mock.calls.length);
      // The first calls check and compare the kernels.
      if (times === 0) await world.trainer.prepare();
    }
    expect(counts.slice(1)).toEqual([1, 1, 1]);
    world.engine.destroy();
  });

  test.each([
    ['step', 7],
    // What has room for the rows of the longest run has it for the noise.
    ['sample', 3],
    ['predict', 4],
  ])('are written one by one by %s where a buffer for all is too large', async (name, writes) => {
    // With these no tensor of the network is larger than the images.
    const channels = 16;
    const size = n * 16 * channels;
    // Plain kernels: others are chosen where memory is short.
    const [world, other] = [await setUp(channels, {}), await setUp(channels, {})];
    const bytes = ({ unet, sampler, trainer }: World) => unet.bytes + sampler.bytes + trainer.bytes;
    const { arrays, call } = calls[name];
    const write = vi.spyOn(gpu.device.queue, 'writeBuffer');
    const counts: number[] = [];
    for (let times = 0; times < 3; times++) {
      const given = arrays(() => floats(size));
      const limit = vi.spyOn(gpu.device.limits, 'maxBufferSize', 'get').mockReturnValue(4 * size);
      write.mockClear();
      const alone = await call(world, given);
      counts.push(write.mock.calls.length);
      limit.mockRestore();
      expect(alone).toEqual(await call(other, given));
      if (times === 0) await Promise.all([world, other].map(({ trainer }) => trainer.prepare()));
    }
    expect(counts.slice(1)).toEqual([writes, writes]);
    expect(bytes(other)).toBeGreaterThan(bytes(world));
    world.engine.destroy();
    other.engine.destroy();
  });

  test.each(['images', 'labels'] as const)(
    'that a data set is made of, %s transferred meanwhile, are missed',
    async (name) => {
      const { engine, trainer } = await setUp();
      for (const make of ['createDataset', 'evaluate', 'createDataset', 'evaluate']) {
        const set = {
          images: new Uint8Array(5 * 16),
          labels: new Uint8Array(5),
          count: 5,
          height: 4,
          width: 4,
          channels: 1,
        };
        const createBuffer = gpu.device.createBuffer.bind(gpu.device);
        // When it is checked, and before it is written.
        const spy = vi.spyOn(gpu.device, 'createBuffer').mockImplementation((descriptor) => {
          if (set[name].length > 0) structuredClone(set[name], { transfer: [set[name].buffer] });
          return createBuffer(descriptor);
        });
        const made: Promise<unknown> =
          make === 'evaluate' ? trainer.evaluate(set) : engine.createDataset(set);
        await refused(made, 'data', name === 'images' ? 'has 0 bytes' : 'has 0 labels');
        spy.mockRestore();
        (
          await engine.createDataset({ ...set, [name]: new Uint8Array(name === 'images' ? 5 * 16 : 5) })
        ).destroy();
      }
      engine.destroy();
    },
  );
});

describe('no buffer is left behind', () => {
  const create = {
    unet: (engine: Engine) => engine.createUNet(config),
    trainer: (engine: Engine, unet: UNet) => engine.createTrainer(unet, { batchSize: 4 }),
    sampler: (engine: Engine, unet: UNet) => engine.createSampler(unet, { count: 4 }),
    predictor: (engine: Engine, unet: UNet) => engine.createPredictor(unet, { count: 3 }),
    dataset: (engine: Engine) =>
      engine.createDataset({ images: new Uint8Array(16), count: 1, height: 4, width: 4, channels: 1 }),
    prediction: (_: Engine, unet: UNet) => unet.predict(new Float32Array(16), { count: 1 }),
  };

  test.each(Object.entries(create))('when an engine is destroyed while it makes a %s', async (_, make) => {
    const left = watchBuffers(gpu.device);
    for (let turns = 0; turns < 5; turns++) {
      const engine = await createEngine({ device: gpu.device, selfCheck: false });
      const unet = await engine.createUNet(config);
      const making = make(engine, unet);
      for (let i = 0; i < turns; i++) await gpu.device.queue.onSubmittedWorkDone();
      engine.destroy();
      // What was ready before is destroyed with the engine.
      const [result] = await Promise.allSettled([making]);
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'destroyed' });
      else expect(turns).toBeGreaterThan(0);
      expect(left(), `after ${turns}`).toEqual([]);
    }
  });

  test.each(['one by one', 'with their engine'])(
    'when trainer, sampler, data sets and UNet have worked and are destroyed %s',
    async (how) => {
      const left = watchBuffers(gpu.device);
      const engine = await createEngine({ device: gpu.device, selfCheck: false });
      const unet = await engine.createUNet(config);
      const trainer = await engine.createTrainer(unet, { batchSize: 4 });
      const sampler = await engine.createSampler(unet, { count: 4 });
      const set = { images: new Uint8Array(16), count: 1, height: 4, width: 4, channels: 1 };
      const datasets = [await engine.createDataset(set), await engine.createDataset(set)];
      // The second takes the place of what the trainer holds for the first.
      for (const dataset of datasets) for await (const _ of trainer.fit(dataset, { epochs: 3, maxSteps: 1 }));
      await trainer.step({ noisy: new Float32Array(16), target: new Float32Array(16) });
      await trainer.evaluate(set);
      await trainer.getGradients();
      for await (const _ of sampler.run({ steps: 1 }));
      await sampler.sample({ steps: 1 });
      for (const count of [1, 9]) await unet.predict(new Float32Array(16 * count), { count });
      expect(left()).not.toEqual([]);
      if (how === 'one by one') for (const each of [trainer, sampler, ...datasets, unet]) each.destroy();
      else engine.destroy();
      expect(left()).toEqual([]);
      engine.destroy();
    },
  );

  test.each(Object.entries(create))('when the engine fails half way to a %s', async (_, make) => {
    const left = watchBuffers(gpu.device);
    let failures = 0;
    for (const method of ['createBuffers', 'pipeline', 'scoped', 'run'] as const) {
      for (let n = 1; n < 9; n++) {
        const engine = await createEngine({ device: gpu.device, selfCheck: false });
        const unet = await engine.createUNet(config);
        const owner: object = method === 'pipeline' ? engine.gpu.compiler : engine.gpu;
        const methods = owner as Record<typeof method, () => unknown>;
        const call = methods[method].bind(owner);
        let calls = 0;
        const failing = (...args: []) => {
          if (++calls !== n) return call(...args);
          const failure = Promise.reject(new EngineError('limit', 'no more'));
          return method === 'pipeline' ? { compiled: failure, late: new Promise(() => {}) } : failure;
        };
        vi.spyOn(methods, method).mockImplementation(failing as never);
        const made = await make(engine, unet).catch((error: EngineError) => error);
        if (calls >= n) {
          failures++;
          expect(made).toMatchObject({ message: 'no more' });
        }
        engine.destroy();
        expect(left(), `${method} ${n}`).toEqual([]);
      }
    }
    expect(failures).toBeGreaterThan(0);
  });

  test('when a prediction takes several submissions, and the last but one is refused', async () => {
    const left = watchBuffers(gpu.device);
    const submissionsOf = async (refused: number) => {
      const engine = await createEngine({ device: gpu.device, selfCheck: false });
      const unet = await engine.createUNet(config);
      await unet.predict(new Float32Array(16), { count: 1 });
      const { gpu: own } = engine;
      own.pacer.maxMilliseconds = 1e-6;
      const scoped = own.scoped.bind(own);
      let submissions = 0;
      vi.spyOn(own, 'scoped').mockImplementation(((what: string, work: () => unknown) =>
        what === 'a submission' && submissions++ === refused
          ? Promise.reject(new EngineError('limit', 'no more'))
          : scoped(what, work)) as never);
      const [{ status }] = await Promise.allSettled([unet.predict(new Float32Array(16), { count: 1 })]);
      engine.destroy();
      expect(left()).toEqual([]);
      return { submissions, status };
    };
    const { submissions, status } = await submissionsOf(-1);
    expect(status).toBe('fulfilled');
    expect(submissions).toBeGreaterThan(2);
    const failed = await submissionsOf(submissions - 2);
    expect(failed.status).toBe('rejected');
    // The last one, unless it is on its way already, is not submitted any more.
    expect(failed.submissions).toBeGreaterThan(submissions - 2);
  });
});

test('an engine that asked for its device destroys it', async () => {
  const engine = await createEngine({ selfCheck: false });
  const { device } = engine;
  engine.destroy();
  expect((await device.lost).reason).toBe('destroyed');
});

// Only Node's binding needs that.
if (lane === 'node') {
  test('Node’s WebGPU instance lives as long as what was made on its devices', async () => {
    process.getBuiltinModule('node:v8').setFlagsFromString('--expose-gc');
    const collect = process.getBuiltinModule('node:vm').runInNewContext('gc') as () => void;
    const make = async () => {
      const source = { requestAdapter: () => navigator.gpu.requestAdapter() } as GPU;
      const engine = await createEngine({ gpu: source, tune: false, selfCheck: false });
      return { unet: await engine.createUNet(config), source: new WeakRef(source) };
    };
    const { unet, source } = await make();
    // What was looked at through a WeakRef stays until the end of the turn.
    await new Promise((resolve) => setTimeout(resolve, 0));
    collect();
    expect(source.deref()).toBeDefined();
    unet.destroy();
  });
}

test('a lost device is one clear error in every call', async () => {
  const engine = await createEngine({ selfCheck: false });
  const unet = await engine.createUNet(config);
  engine.device.destroy();
  await engine.device.lost;
  await refused(unet.predict(new Float32Array(16), { count: 1 }), 'device-lost');
  await expect(engine.createUNet(config)).rejects.toThrow('create the engine again');
  await refused(createEngine({ device: engine.device }), 'device-lost');
});

test('objects of another device, and values of the wrong type, are refused', async () => {
  using engine = await createEngine({ device: gpu.device, selfCheck: false });
  using other = await createEngine({ selfCheck: false });
  const unet = await engine.createUNet(config);
  await expect(other.createTrainer(unet)).rejects.toThrow('lies on another device');
  await expect(other.createSampler(unet)).rejects.toThrow('lies on another device');
  const trainer = await engine.createTrainer(unet, { batchSize: 4 });
  const set = { images: new Uint8Array(16), count: 1, height: 4, width: 4, channels: 1 };
  const foreign = await other.createDataset(set);
  await expect(trainer.fit(foreign, { epochs: 1 }).next()).rejects.toThrow('not a data set on this');
  await expect(trainer.fit(set as never, { epochs: 1 }).next()).rejects.toThrow('not a data set on this');
  const floats = new Float32Array(16) as never;
  await expect(engine.createDataset({ ...set, images: floats })).rejects.toThrow('of type Float32Array');
  const batch = { noisy: floats, target: new Uint8Array(16) as never };
  await expect(trainer.step(batch)).rejects.toThrow('target is of type Uint8Array');
  for (const [bad, fact] of [
    [{ devise: gpu.device }, 'no setting devise'],
    [{ device: Promise.resolve() }, 'device is of type Promise'],
    [{ device: gpu.device, maxSubmitMilliseconds: 0 }, 'maxSubmitMilliseconds is 0'],
  ] as [object, string][]) {
    await expect(createEngine(bad)).rejects.toThrow(fact);
  }
});

test('a missing adapter and missing WebGPU are different errors that say what to do', async () => {
  const none = { requestAdapter: async () => null } as unknown as GPU;
  await refused(createEngine({ gpu: none }), 'no-adapter');
  const navigator = globalThis.navigator as { gpu?: GPU };
  const { requestDevice } = await import('../../../src/gpu/request_device');
  Object.defineProperty(navigator, 'gpu', { value: undefined, configurable: true });
  try {
    await refused(requestDevice(), 'no-webgpu');
  } finally {
    Reflect.deleteProperty(navigator, 'gpu');
    if (!navigator.gpu) Object.defineProperty(navigator, 'gpu', { value: saved, configurable: true });
  }
});
const saved = globalThis.navigator.gpu;

test('in Node without the globals of WebGPU, createEngine says how to get them', async () => {
  vi.stubGlobal('GPUBufferUsage', undefined);
  try {
    for (const options of [{ device: gpu.device }, { gpu: saved }]) {
      const refused = expect(createEngine(options)).rejects;
      const message = expect.stringContaining('Object.assign(globalThis, globals)');
      await refused.toMatchObject({ name: 'EngineError', code: 'no-webgpu', message });
    }
  } finally {
    vi.unstubAllGlobals();
  }
});

test('parameters follow from the seed, can be set as read, and are refused where they do not fit', async () => {
  using engine = await createEngine({ device: gpu.device, selfCheck: false });
  const unet = await engine.createUNet({}, { seed: 123 });
  expect(unet.parameterCount).toBe(309057);
  expect(unet.parameters.slice(0, 2)).toMatchObject([
    { name: 'down.0.kernel', shape: [5, 5, 1, 32], offset: 0, size: 800 },
    { name: 'down.0.bias', shape: [32], offset: 800, size: 32 },
  ]);
  const parameters = await unet.getParameters();
  expect(await (await engine.createUNet({}, { seed: 123 })).getParameters()).toEqual(parameters);
  expect(await (await engine.createUNet({}, { seed: 124 })).getParameters()).not.toEqual(parameters);
  const kernel = parameters.get('down.1.kernel')!;
  const limit = Math.sqrt(6 / (25 * (32 + 64)));
  expect(Math.max(...kernel)).toBeLessThanOrEqual(limit);
  expect(Math.max(...kernel)).toBeGreaterThan(0.99 * limit);
  expect(parameters.get('down.1.bias')!.every((v) => v === 0)).toBe(true);

  const broken = new Map(parameters);
  broken.delete('up.2.bias');
  broken.set('up.2.kernel', new Float32Array(3));
  broken.set('up.3.bias', new Float32Array(1));
  await expect(unet.setParameters(broken)).rejects.toThrow(
    /unknown up\.3\.bias.*up\.2\.kernel has 3.*missing up\.2\.bias/,
  );
  expect(await unet.getParameters()).toEqual(parameters);
});

test('configurations out of range are refused', async () => {
  using engine = await createEngine({ device: gpu.device, selfCheck: false });
  for (const [bad, fact] of [
    [{ height: 30 }, 'height is 30'],
    [{ kernelSize: 4 }, 'kernelSize is 4'],
    [{ widths: [] }, 'widths is []'],
    [{ widths: [0] }, 'widths is 0'],
    [{ channels: 1.5 }, 'channels is 1.5'],
    [{ depth: 3 }, 'no setting depth'],
  ] as [object, string][]) {
    await expect(engine.createUNet(bad)).rejects.toThrow(fact);
  }
  await expect(engine.createUNet({}, { sed: 1 } as object)).rejects.toThrow('no setting sed');
});
