/** How long what was found on an adapter is trusted: the checks of kernels are counted. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  createEngine,
  type Engine,
  type EngineOptions,
  requestDevice,
  type UNetConfig,
  type Variants,
  type Warning,
} from '../../src/index';
import { memoryCache, type TuningCache } from '../../src/trust/cache';
import { AdapterMemory } from '../../src/trust/memory';
import { tutorial } from '../engine/checked_networks';
import { losableGpu } from '../gpu/worker/losable';
import { hostileGpu, makeHostile, someGpu } from '../hostile/hostile_device';
import { aged, cacheOf } from '../hostile/rows';
import { testGpu } from '../lanes/gpu';

const { gpu, source } = await testGpu();
const { device } = gpu;
const network = { height: 8, width: 8, widths: [8, 8], kernelSize: 3 };

let labels: (string | undefined)[] = [];
let warnings = 0;
beforeEach(() => {
  labels = [];
  warnings = 0;
  const create = device.createCommandEncoder.bind(device);
  vi.spyOn(device, 'createCommandEncoder').mockImplementation((descriptor) => {
    labels.push(descriptor?.label);
    return create(descriptor);
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

const engineWith = (tuningCache: TuningCache, options: EngineOptions = {}) =>
  createEngine({ device, tune: false, tuningCache, onWarning: () => warnings++, ...options });

/** A batch of four small images; those of `tutorial` are larger. */
const values = new Float32Array(4 * 64).map((_, i) => (i % 7) / 7);
const batch = { target: values, noisy: values };

const train = async (engine: Engine, config: Partial<UNetConfig> = network) => {
  const trainer = await engine.createTrainer(await engine.createUNet(config), { batchSize: 4 });
  const { height = 8, width = 8 } = config;
  const images = new Float32Array(4 * height * width);
  await trainer.step({ target: images, noisy: images });
  return trainer;
};

/** How many checks a visit makes. */
async function visit(
  cache: TuningCache,
  use: (engine: Engine) => Promise<unknown> = (engine) => train(engine),
  options?: EngineOptions,
) {
  labels = [];
  using engine = await engineWith(cache, options);
  await use(engine);
  return labels.filter((label) => label === 'self-check').length;
}

describe('what passed', () => {
  const entries = new Map<string, string>();
  const shared = {
    get: async (key: string) => entries.get(key),
    set: async (key: string, value: string) => void entries.set(key, value),
  };
  const images = new Uint8Array(4 * 64);
  const uses: Record<string, (engine: Engine) => Promise<unknown>> = {
    step: (engine) => train(engine),
    async fit(engine) {
      const dataset = await engine.createDataset({ images, count: 4, height: 8, width: 8, channels: 1 });
      const trainer = await engine.createTrainer(await engine.createUNet(network), { batchSize: 4 });
      for await (const _ of trainer.fit(dataset, { epochs: 2 }));
    },
    async runFor(engine) {
      const trainer = await engine.createTrainer(await engine.createUNet(network), { batchSize: 4 });
      await trainer.runFor(() => batch, { milliseconds: 4 });
    },
    async encodeStep(engine) {
      const trainer = await engine.createTrainer(await engine.createUNet(network), { batchSize: 4 });
      const encoder = device.createCommandEncoder({ label: 'training step' });
      const [noisy, target] = await engine.gpu.createBuffers(
        ['a', 'b'].map((label) => ({ label, bytes: 1024 })),
      );
      trainer.encodeStep(encoder, { noisy, target });
      device.queue.submit([encoder.finish()]);
      await trainer.readLosses();
    },
    async sample(engine) {
      const sampler = await engine.createSampler(await engine.createUNet(network), { count: 4 });
      await sampler.sample({ steps: 2 });
    },
    async predict(engine) {
      await (await engine.createUNet(network)).predict(values, { count: 4 });
    },
  };

  test.each(Object.entries(uses))(
    'is checked again after 7 days, once there is a result: %s',
    async (_, use) => {
      await visit(shared);
      await visit(shared, use);
      expect(await visit(shared, use)).toBe(0);
      expect(await visit(cacheOf(aged(entries, 6)), use)).toBe(0);
      const cache = cacheOf(aged(entries, 8));
      expect(await visit(cache, use)).toBe(1);
      const work = labels.findIndex((label) => /training step|^parts|^sampling|recorded/.test(label ?? ''));
      expect(work).toBeGreaterThanOrEqual(0);
      expect(labels.indexOf('self-check')).toBeGreaterThan(work);
      // That is remembered; what was not used is not taken for checked.
      expect(await visit(cache, use)).toBe(0);
      if (use === uses.predict) expect(await visit(cache)).toBeGreaterThan(0);
    },
  );

  test('is not believed where the caller says so, and then remembered', async () => {
    await visit(shared);
    expect(await visit(shared, undefined, { selfCheck: 'always' })).toBeGreaterThan(0);
    expect(await visit(shared)).toBe(0);
  });

  test('and is wrong now is an error of the first step; the engine goes on with another form', async () => {
    await visit(shared, (engine) => train(engine, tutorial.config));
    const cache = cacheOf(aged(entries, 8));
    const rewrites = (shader: string, text: string) =>
      /^conv2d\.winograd\w*_output/.test(shader)
        ? text.replace('output[at] = value', 'output[at] = 2.0 * value')
        : text;
    using _ = makeHostile(device, { rewrites });
    using engine = await engineWith(cache);
    const error = await train(engine, tutorial.config).catch((error) => error);
    expect(error).toMatchObject({ code: 'wrong-kernel', kernel: 'conv2d', wasUsed: true });
    const { variants } = await train(engine, tutorial.config);
    const forms = Object.entries(variants).filter(([place]) => place.startsWith('conv2d/'));
    expect(forms.length).toBeGreaterThan(0);
    expect(forms.flat().join()).not.toContain('winograd');
  });
});

describe('a visit forgets what is remembered of its adapter', () => {
  const createsUNet = (engine: Engine) => engine.createUNet(network);
  /** Whether the next visit checks what an earlier one did. */
  const isForgotten = async (cache: TuningCache) => (await visit(cache, createsUNet)) > 0;
  const code = (error: { readonly code: string }) => error.code;

  test.each([
    ['shader', { refuses: (shader: string) => shader === 'adam' }],
    [
      'wrong-kernel',
      {
        rewrites: (shader: string, text: string) =>
          shader === 'adam' ? text.replace(') - change', ') + change') : text,
      },
    ],
  ])('that ends in %s', async (why, hostility) => {
    const cache = memoryCache();
    await visit(cache, createsUNet);
    {
      using _ = makeHostile(device, hostility);
      await visit(cache, async (engine) => expect(await train(engine).catch(code)).toBe(why));
    }
    expect(await isForgotten(cache)).toBe(true);
    expect(await isForgotten(cache)).toBe(false);
  });

  test('that ends in shader, after a step', async () => {
    const cache = memoryCache();
    await visit(cache, async (engine) => {
      const trainer = await train(engine);
      // Between these two the kernels are compared at their real size, which may fail.
      await trainer.step(batch);
      vi.spyOn(device.queue, 'submit').mockImplementationOnce(() => {
        throw new TypeError('no');
      });
      expect(await trainer.step(batch).catch(code)).toBe('shader');
    });
    expect(await isForgotten(cache)).toBe(true);
  });

  test('that ends in shader, as a map is read', async () => {
    const cache = memoryCache();
    await visit(cache, createsUNet);
    await visit(cache, async (engine) => {
      const unet = await engine.createUNet(network);
      const trainer = await engine.createTrainer(unet, { batchSize: 4, reuseMemory: false });
      await trainer.step(batch);
      vi.spyOn(device.queue, 'submit').mockImplementationOnce(() => {
        throw new TypeError('no');
      });
      expect(await trainer.maps.read('down.0').catch(code)).toBe('shader');
    });
    expect(await isForgotten(cache)).toBe(true);
  });

  test('that ends in device-lost, but not if its owner destroyed the device', async () => {
    const visitOf = async (cache: TuningCache, end: (engine: Engine, lose: () => void) => void) => {
      const { gpu: source, lose } = losableGpu();
      const engine = await createEngine({ gpu: source, tune: false, tuningCache: cache });
      const memory = new AdapterMemory(engine.device, { cache, gpu: source });
      const trainer = await train(engine);
      expect(await memory.get('check', '')).toBeDefined();
      end(engine, lose);
      expect(await trainer.step(batch).catch(code)).toMatch(/device-lost|destroyed/);
      return (await memory.get('check', '')) === undefined;
    };
    expect(await visitOf(memoryCache(), (_, lose) => lose())).toBe(true);
    expect(await visitOf(memoryCache(), (engine) => engine.destroy())).toBe(false);
    // One that the app made, and ends.
    const { device: own } = await requestDevice();
    const cache = memoryCache();
    using engine = await engineWith(cache, { device: own });
    const trainer = await train(engine);
    own.destroy();
    expect(await trainer.step(batch).catch(code)).toBe('device-lost');
    expect(await new AdapterMemory(own, { cache }).get('check', '')).toBeDefined();
  });

  test('that asks for it; and checks anew itself', async () => {
    const cache = memoryCache();
    expect(
      await visit(cache, async (engine) => {
        await createsUNet(engine);
        await createsUNet(engine);
        await engine.forget();
        await createsUNet(engine);
      }),
    ).toBe(2);
    expect(await isForgotten(cache)).toBe(false);
  });

  test('but not where another form takes its place, or a mistake is the caller’s', async () => {
    const cache = memoryCache();
    await visit(cache, (engine) => train(engine, tutorial.config));
    using _ = makeHostile(device, { refuses: (shader) => shader.startsWith('conv2d.winograd') });
    await visit(cache, async (engine) => {
      const { variants } = await train(engine, tutorial.config);
      expect(Object.entries(variants).join(' ')).not.toMatch(/conv2d\/\S*winograd/);
      expect(warnings).toBeGreaterThan(0);
      await expect(engine.createUNet({ ...network, height: -1 })).rejects.toMatchObject({ code: 'argument' });
    });
    expect(await visit(cache, (engine) => engine.createUNet(tutorial.config))).toBe(0);
  });

  test('and after a divergence only comparisons', async () => {
    const cache = memoryCache();
    const memory = new AdapterMemory(device, { cache });
    await memory.set('comparison', 'a', 'b');
    await visit(cache, async (engine) => {
      const unet = await engine.createUNet(network);
      const trainer = await engine.createTrainer(unet, { batchSize: 4 });
      const good = await unet.getParameters();
      await unet.setParameters(new Map(good).set('up.1.bias', new Float32Array(1).fill(1e25)));
      expect(await trainer.step(batch).catch(code)).toBe('diverged');
    });
    expect(await memory.get('comparison', 'a')).toBeUndefined();
    expect(await isForgotten(cache)).toBe(false);
  });
});

describe('what was compiled or measured when a device was lost', () => {
  const suspected: Warning[] = [];
  const nothing = /^nothing$/;
  /** Creates a trainer on a card, whose device is lost when it compiles such a shader, or when the tuner measures such a variant. */
  async function visitOf(
    tuningCache: TuningCache,
    fatal: RegExp,
    { tune = false, adapterInfo = someGpu as object, forgets = false } = {},
  ) {
    const losable = fatal === nothing ? undefined : losableGpu();
    const delays = (shader: string) => {
      if (!fatal.test(shader)) return 0;
      losable!.lose();
      return Number.POSITIVE_INFINITY;
    };
    suspected.length = 0;
    const onWarning = (warning: Warning) => suspected.push(warning);
    // The tests' device, which is never lost, has compiled everything already.
    using _ = losable ? undefined : makeHostile(device, { adapterInfo });
    const gpu = losable ? hostileGpu({ delays, adapterInfo }, losable.gpu) : source;
    using engine = await createEngine({ gpu, tune, tuningCache, onWarning });
    const trying = engine.gpu.trying.bind(engine.gpu);
    vi.spyOn(engine.gpu, 'trying').mockImplementation((trial, work) => {
      const all = trying(trial, work);
      if (!trial.compilation && fatal.test(trial.variant)) losable!.lose();
      return all;
    });
    const unet = await engine.createUNet(tutorial.config);
    let trainer = await engine.createTrainer(unet, tutorial.trainer).catch((error) => error);
    if (forgets) {
      await engine.forget();
      trainer = await engine.createTrainer(unet, tutorial.trainer);
    }
    const { losses } = await engine.report();
    return {
      losses,
      error: trainer.code,
      variants: (trainer.variants ?? {}) as Variants,
      engine,
    };
  }
  const inDays = (cache: Map<string, string>, days: number) => {
    for (const [key, text] of cache) {
      if (!key.startsWith('["losses"')) continue;
      const losses = JSON.parse(text).map((loss: { date: string }) => ({
        ...loss,
        date: new Date(Date.parse(loss.date) - days * 24 * 3600 * 1000).toISOString(),
      }));
      cache.set(key, JSON.stringify(losses));
    }
  };

  test.each([
    ['compiled', 'winograd8_gpu', /^conv2d\.winograd8_gpu_input$/, false, 17],
    ['measured', 'tile', /^conv2d\.tile$/, true, 11],
  ])('is left out for seven days, and told of: %s', async (_, variant, fatal, tune, wanted) => {
    const entries = new Map<string, string>();
    const cache = {
      get: async (key: string) => entries.get(key),
      set: async (key: string, value: string) => void entries.set(key, value),
    };
    const before = await visitOf(cache, nothing);
    expect(suspected).toEqual([]);
    expect((await visitOf(cache, fatal, { tune })).error).toBe('device-lost');
    const name = `conv2d.${variant}`;
    const after = await visitOf(cache, nothing);
    expect(after.losses[0].underWay).toContain(name);
    // What waits for its turn to be compiled is not. The later word of the loss comes, the less waits.
    expect(after.losses[0].underWay!.length).toBeLessThan(wanted);
    const warning = { code: 'suspect-kernel', kernel: 'conv2d', variant };
    expect(suspected).toEqual(expect.arrayContaining([expect.objectContaining(warning)]));
    for (const { code, message, ...suspect } of suspected) {
      expect([code, message]).toEqual(['suspect-kernel', expect.stringContaining('For seven days another')]);
      expect(after.losses[0].underWay).toContain(`${suspect.kernel}.${suspect.variant}`);
    }
    if (!tune) {
      expect(before.variants['conv2d/down.1']).toBe(variant);
      expect(after.variants['conv2d/down.1']).not.toBe(variant);
    }
    inDays(entries, 8);
    expect((await visitOf(cache, nothing)).variants).toEqual(before.variants);
    expect(suspected).toEqual([]);
    // Sooner where the caller asks for it.
    inDays(entries, -8);
    expect((await visitOf(cache, nothing, { forgets: true })).variants).toEqual(before.variants);
    expect(suspected).not.toEqual([]);
    expect((await visitOf(cache, nothing)).variants).toEqual(before.variants);
    expect(suspected).toEqual([]);
  });

  test('is chosen again on a processor, where forms never change', async () => {
    const cache = memoryCache();
    const software = { adapterInfo: device.adapterInfo };
    const { variants } = await visitOf(cache, nothing, software);
    expect((await visitOf(cache, /^conv2d_pool\.one_input/, software)).error).toBe('device-lost');
    const after = await visitOf(cache, nothing, software);
    expect(after.losses[0].underWay).not.toEqual([]);
    expect([after.variants, suspected]).toEqual([variants, []]);
  });
});
