/** How long what was found on an adapter is trusted: the checks of kernels are counted. */
import { beforeEach, describe, expect, test, vi } from 'vitest';
import {
  createEngine,
  type Engine,
  type EngineOptions,
  requestDevice,
  type UNetConfig,
} from '../../src/index';
import { memoryCache, type TuningCache } from '../../src/trust/cache';
import { AdapterMemory } from '../../src/trust/memory';
import { tutorial } from '../lib/checked_networks';
import { testGpu } from '../lib/gpu';
import { type Hostility, makeHostile, wrongAdam } from '../lib/hostile/hostile_device';
import { refused } from '../lib/refused';
import { losableGpu } from '../lib/worker/losable';

const { gpu } = await testGpu();
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
const engineWith = (tuningCache: TuningCache, options: EngineOptions = {}) =>
  createEngine({ device, tune: false, tuningCache, onWarning: () => warnings++, ...options });

/** A batch of four small images; the images of `tutorial` are larger. */
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

const DAY = 24 * 3600 * 1000;

test.each<[string, (engine: Engine) => Promise<unknown>]>([
  ['step', (engine) => train(engine)],
  ['predict', async (engine) => (await engine.createUNet(network)).predict(values, { count: 4 })],
])('a kernel that passed its check is checked anew before its use after 7 days: %s', async (name, use) => {
  const cache = memoryCache();
  const begun = Date.now();
  const after = (days: number) => {
    vi.spyOn(Date, 'now').mockReturnValue(begun + days * DAY);
    return visit(cache, use);
  };
  await visit(cache);
  await visit(cache, use);
  expect(await visit(cache, use)).toBe(0);
  expect(await after(6)).toBe(0);
  expect(await after(8)).toBeGreaterThan(0);
  const work = labels.findIndex((label) => /training step|^parts|recorded/.test(label ?? ''));
  expect(work).toBeGreaterThan(labels.indexOf('self-check'));
  // That is remembered; what was not used is not taken for checked.
  expect(await after(8)).toBe(0);
  if (name === 'predict') expect(await visit(cache)).toBeGreaterThan(0);
});

describe('what is remembered of an adapter is forgotten in a visit', () => {
  /** The device refuses the next submission. */
  const refuseOnce = () =>
    vi.spyOn(device.queue, 'submit').mockImplementationOnce(() => {
      throw new TypeError('no');
    });
  const createsUNet = (engine: Engine) => engine.createUNet(network);
  /** Whether the next visit checks what an earlier one did. */
  const isForgotten = async (cache: TuningCache) => (await visit(cache, createsUNet)) > 0;
  const code = (error: { readonly code: string }) => error.code;

  test.each<[string, Hostility, (engine: Engine) => Promise<unknown>]>([
    ['shader', { refuses: (shader) => shader === 'adam' }, (engine) => train(engine)],
    ['wrong-kernel', wrongAdam, (engine) => train(engine)],
    ['engine.forget()', {}, (engine) => engine.forget().then(() => 'engine.forget()')],
    [
      'shader, after a step',
      {},
      async (engine) => {
        const trainer = await train(engine);
        // Between these two the kernels are compared at their real size, which may fail.
        await trainer.step(batch);
        refuseOnce();
        await trainer.step(batch);
      },
    ],
  ])('that ends in %s', async (why, hostility, use) => {
    const cache = memoryCache();
    await visit(cache, createsUNet);
    {
      using _ = makeHostile(device, hostility);
      await visit(cache, async (engine) => expect(await use(engine).catch(code)).toBe(why.split(',')[0]));
    }
    expect(await isForgotten(cache)).toBe(true);
    expect(await isForgotten(cache)).toBe(false);
  });

  test.each<[string, (engine: Engine, lose: () => void) => void, boolean]>([
    ['is lost', (_, lose) => lose(), true],
    ['goes with its engine', (engine) => engine.destroy(), false],
  ])(
    'that ends in device-lost, but not where the caller destroyed it: a device that %s',
    async (_, end, forgets) => {
      const { gpu: source, lose } = losableGpu();
      const cache = memoryCache();
      using engine = await createEngine({ gpu: source, tune: false, tuningCache: cache });
      const memory = new AdapterMemory(engine.device, { cache, gpu: source });
      const trainer = await train(engine);
      expect(await memory.get('check', '')).toBeDefined();
      end(engine, lose);
      expect(await trainer.step(batch).catch(code)).toMatch(/device-lost|destroyed/);
      expect((await memory.get('check', '')) === undefined).toBe(forgets);
    },
  );

  test('unless it ends in device-lost since the app destroyed the device that it made', async () => {
    const { device: own } = await requestDevice();
    const cache = memoryCache();
    using engine = await engineWith(cache, { device: own });
    const trainer = await train(engine);
    own.destroy();
    expect(await trainer.step(batch).catch(code)).toBe('device-lost');
    expect(await new AdapterMemory(own, { cache }).get('check', '')).toBeDefined();
  });

  test('that calls engine.forget(), and is checked again in this visit', async () => {
    const cache = memoryCache();
    const checks = await visit(cache, async (engine) => {
      await createsUNet(engine);
      await createsUNet(engine);
      await engine.forget();
      await createsUNet(engine);
    });
    expect(checks).toBe(2);
    expect(await isForgotten(cache)).toBe(false);
  });

  test('unless another variant takes the place of a refused one, or the caller made the mistake', async () => {
    const cache = memoryCache();
    await visit(cache, (engine) => train(engine, tutorial.config));
    using _ = makeHostile(device, { refuses: (shader) => shader.startsWith('conv2d.winograd') });
    await visit(cache, async (engine) => {
      const { variants } = await train(engine, tutorial.config);
      expect(Object.entries(variants).join(' ')).not.toMatch(/conv2d\/\S*winograd/);
      expect(warnings).toBeGreaterThan(0);
      await refused(engine.createUNet({ ...network, height: -1 }), 'argument');
    });
    expect(await visit(cache, (engine) => engine.createUNet(tutorial.config))).toBe(0);
  });
});
