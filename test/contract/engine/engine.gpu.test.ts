/** The engine as a guest on somebody's device. */
import { describe, expect, test, vi } from 'vitest';
import { TestRandom } from '../../../harness/specs/lib/spec';
import { createEngine, type Variants } from '../../../src/index';
import { installWebGPU } from '../../../src/node';
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
  const images = new TestRandom(2).floats(2 * 16, 0, 1);
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

test('gpu.scoped leaves no error scope behind where its work throws', async () => {
  const work = () => {
    throw new Error('not the device');
  };
  await expect(gpu.scoped('nothing', work)).rejects.toThrow('not the device');
  await expect(gpu.device.popErrorScope()).rejects.toThrow();
});

describe('arrays of the caller', () => {
  const conditioned = {
    ...config,
    finalActivation: 'none',
    conditioning: { noiseLevel: true, classes: 3 },
  } as const;
  const n = 64;
  const random = new TestRandom(4);
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
    const world = await setUp();
    const other = await setUp();
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
    const world = await setUp(channels, {});
    const other = await setUp(channels, {});
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
    await gpu.device.queue.onSubmittedWorkDone();
    collect();
    expect(source.deref()).toBeDefined();
    unet.destroy();
  });
}

test('objects of another device are refused', async () => {
  using engine = await createEngine({ device: gpu.device, selfCheck: false });
  using other = await createEngine({ selfCheck: false });
  const unet = await engine.createUNet(config);
  const trainer = await engine.createTrainer(unet, { batchSize: 4 });
  const set = { images: new Uint8Array(16), count: 1, height: 4, width: 4, channels: 1 };
  const foreign = await other.createDataset(set);
  await refused(other.createTrainer(unet), 'argument', 'lies on another device');
  await refused(other.createSampler(unet), 'argument', 'lies on another device');
  await refused(trainer.fit(foreign, { epochs: 1 }).next(), 'argument', 'not a data set on this');
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

test('installWebGPU, called twice at once, makes one GPU', async () => {
  vi.stubGlobal('navigator', {});
  const made = await Promise.all([installWebGPU(), installWebGPU()]);
  expect(made.map((gpu) => gpu === navigator.gpu)).toEqual([true, true]);
  vi.unstubAllGlobals();
});

test('parameters that do not fit are refused by name, and change nothing', async () => {
  using engine = await createEngine({ device: gpu.device, selfCheck: false });
  const unet = await engine.createUNet();
  const parameters = await unet.getParameters();
  const broken = new Map(parameters);
  broken.delete('up.2.bias');
  broken.set('up.2.kernel', new Float32Array(3)).set('up.3.bias', new Float32Array(1));
  await expect(unet.setParameters(broken)).rejects.toThrow(
    /unknown up\.3\.bias.*up\.2\.kernel has 3.*missing up\.2\.bias/,
  );
  expect(await unet.getParameters()).toEqual(parameters);
});
