/** @module-tag nightly */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Gpu } from '../../src/gpu/gpu';
import { createEngine, EngineError, type EngineOptions, type Progress } from '../../src/index';
import { conv2d } from '../../src/kernels/conv2d';
import type { ConvShape } from '../../src/plan/conv_shape';
import { call, type Variant } from '../../src/plan/op';
import { memoryCache, type TuningCache } from '../../src/trust/cache';
import { AdapterMemory } from '../../src/trust/memory';
import { type Measured, type TuneOptions, tune, worthMeasuring } from '../../src/tuning/tuner';
import { checkConfig, listLayers } from '../../src/unet/config';
import {
  adapterKind,
  defaultVariants,
  layersFor,
  possibleVariants,
  TUNABLE_KERNELS,
} from '../../src/unet/variants';
import { testGpu } from '../lib/gpu';
import { makeHostile, someGpu } from '../lib/hostile/hostile_device';
import { refused } from '../lib/refused';

const { gpu } = await testGpu();

const network = { height: 8, width: 8, widths: [8, 8], kernelSize: 5 };
const layers = listLayers(checkConfig(network));
const { features } = gpu.device;
/** Without measuring. */
const usual = (of: typeof layers, adapter = adapterKind(gpu.adapter)) =>
  defaultVariants(of, 8, { features }, adapter);
/** What the tuner remembers of this device, for the time of one test. */
const rejectedVariants = new Set<string>();
/** Enough for any machine. */
const effort = { milliseconds: 600_000, images: 64 };
const noTime = { ...effort, milliseconds: 0 };

interface Given extends Partial<TuneOptions> {
  readonly on?: Gpu;
  readonly of?: typeof layers;
  readonly batch?: number;
  readonly cache?: TuningCache;
}

/** Measures what a prediction needs, unless `training` says more. */
async function run({ on = gpu, of = layers, batch = 8, cache = memoryCache(), ...options }: Given = {}) {
  // All measurements take a tenth of the time.
  pace = 10;
  const measured: Measured[] = [];
  const progress: [number, number][] = [];
  const variants = await tune(on, of, batch, {
    training: false,
    effort,
    rejectedVariants,
    memory: new AdapterMemory(gpu.device, { cache }),
    onMeasured: (m) => measured.push(m),
    onProgress: (...p) => progress.push(p),
    ...options,
  });
  /** What was measured of a variant. */
  const ofVariant = (name: string) => measured.filter(({ variant }) => variant.startsWith(name));
  return { variants, chosen: Object.values(variants), measured, ofVariant, progress };
}

type ConvVariant = Variant<ConvShape, 'input' | 'kernel' | 'bias' | 'output'>;
const variantsOfConv2d = conv2d.variants as Record<string, ConvVariant>;
const { direct } = variantsOfConv2d;
const right = { ...variantsOfConv2d };

/** A shader of the test's own: `body` for every number of a tensor. */
const dispatch = (name: string, body: string, output: Parameters<ConvVariant['calls']>[1]['output']) =>
  call(
    {
      name,
      hash: body,
      code: async () => `@group(0) @binding(1) var<storage, read_write> output: array<f32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) { let i = id.x; ${body} }`,
      workgroupSize: [64, 1, 1] as const,
      params: { size: 0, fields: {} },
      bindings: { output: { binding: 1, access: 'read_write' as const } },
    },
    {},
    { output },
    64,
  );

/** What is wrong with a variant. */
const faulty = {
  /** Quick: adds weights in place of the bias. */
  wrong: (shape, tensors) => direct.calls(shape, { ...tensors, bias: tensors.kernel }, {}),
  /** Writes nothing: must not be taken for right because the buffers still hold another variant's results. */
  lazy: (_, { output }) => [dispatch('lazy', 'if (i == ~0u) { output[0] = 0.0; }', output)],
  /** One number of all is off by a hundredth. */
  subtle: (shape, tensors) => [
    ...direct.calls(shape, tensors, {}),
    dispatch('subtle', 'if (i == 37u) { output[i] += 0.05; }', tensors.output),
  ],
  /** A driver may refuse what others take. */
  refused: (_, { output }) => [dispatch('refused', 'output[i] = no_such_function();', output)],
} satisfies Record<string, ConvVariant['calls']>;

afterEach(() => {
  for (const name of Object.keys(variantsOfConv2d)) if (!(name in right)) delete variantsOfConv2d[name];
  Object.assign(variantsOfConv2d, right);
  rejectedVariants.clear();
});

/** How many times as fast as the real one the clock runs that the tuner sees. */
let pace = 1;
beforeEach(() => {
  pace = 1;
  const now = performance.now.bind(performance);
  vi.spyOn(performance, 'now').mockImplementation(() => pace * now());
});

test('the tuner chooses the fastest variant that agrees, for every kernel and layer, and remembers it', async () => {
  const cache = memoryCache();
  const { variants, measured, progress } = await run({ cache, training: true });
  let shapes = 0;
  for (const kernel of TUNABLE_KERNELS) {
    for (const layer of layersFor(kernel, layers)) {
      const times = measured.filter((m) => m.kernel === kernel.name && m.layer === layer.name);
      if (times.length === 0) continue; // a layer of the same shape was measured before, or there is one variant only
      shapes++;
      const possible = possibleVariants(kernel, layer, 8, { features });
      const worth = worthMeasuring(kernel, possible, layer, adapterKind(gpu.adapter), rejectedVariants);
      expect(times.map((m) => m.variant)).toEqual(worth);
      expect(times.filter((m) => !Number.isFinite(m.result))).toEqual([]);
      const least = times.reduce((a, b) => (b.result < a.result ? b : a));
      expect(variants[`${kernel.name}/${layer.name}`]).toBe(least.variant);
    }
  }
  expect(shapes).toBeGreaterThan(3);
  expect(progress).toEqual(Array.from({ length: shapes + 1 }, (_, i) => [i, shapes]));
  expect(await run({ cache, training: true })).toMatchObject({ variants, measured: [], progress: [] });
});

test.each<[keyof typeof faulty, string]>([
  ['lazy', 'differs from direct'],
  ['subtle', 'differs from direct'],
  ['refused', 'refused by this browser or driver'],
])('the tuner never chooses a faulty variant: %s', async (name, why) => {
  variantsOfConv2d[name] = { calls: faulty[name] };
  const { variants, chosen, ofVariant } = await run();
  const results = ofVariant(name);
  expect(results.length).toBeGreaterThan(1);
  for (const { result } of results) expect(result).toContain(why);
  expect(Object.keys(variants)).toHaveLength(layers.length);
  expect(chosen).not.toContain(name);
});

test('the tuner never chooses the plain form where it was rejected, beside which others are measured, and measures no other rejected one', async () => {
  // The only other form that is left takes many times as long.
  variantsOfConv2d.same = {
    calls: (shape, tensors) => Array.from({ length: 30 }, () => direct.calls(shape, tensors, {})).flat(),
  };
  for (const name of Object.keys(right)) rejectedVariants.add(`conv2d.${name}`);
  const { chosen, measured } = await run();
  const tried = measured.filter(({ kernel }) => kernel === 'conv2d').map(({ variant }) => variant);
  expect(new Set(tried)).toEqual(new Set(['direct', 'same']));
  expect(new Set(chosen)).toEqual(new Set(['same']));
});

describe('the tuner on a GPU', () => {
  /** The same device, which says that it is a GPU. */
  const card: typeof gpu = Object.create(gpu, { adapter: { value: { ...gpu.adapter, software: false } } });
  const inDefault = listLayers(checkConfig());

  test('where time is up, no layer takes a variant that was left out, in batches of any size', async () => {
    // At 70 pixels tiles of 8 make fewer products, and tiles of 7 fit.
    for (const of of [inDefault, listLayers(checkConfig({ height: 140, width: 140 }))]) {
      const { variants, measured } = await run({ on: card, of, effort: noTime, training: true });
      expect(measured).toEqual([]);
      for (const kernel of TUNABLE_KERNELS) {
        for (const layer of layersFor(kernel, of)) {
          const possible = possibleVariants(kernel, layer, 8, { features });
          const worth = worthMeasuring(kernel, possible, layer, 'gpu', rejectedVariants);
          expect(worth).toContain(variants[`${kernel.name}/${layer.name}`]);
        }
      }
    }
  });

  test.each(['refused', 'wrong'] as const)(
    'measures a variant for processors in place of its twin only when the twin is %s',
    async (fault) => {
      const of = listLayers(checkConfig({ ...network, kernelSize: 3 })).slice(0, 1);
      const first = { on: card, of };
      const healthy = await run(first);
      expect(healthy.measured.map((m) => m.variant)).toEqual(['direct', 'one_input_gpu']);

      variantsOfConv2d.one_input_gpu = { ...right.one_input_gpu, calls: faulty[fault] };
      const cache = memoryCache();
      const { variants, measured } = await run({ ...first, cache });
      const timed = measured.filter((m) => m.variant === 'one_input');
      expect(timed).toMatchObject([{ result: expect.any(Number) }]);
      // Either may be chosen where two are about as fast.
      expect(['direct', 'one_input']).toContain(variants['conv2d/down.0']);
      // Where time is up before that, it takes the place by the order of preference.
      const late = await run({ ...first, effort: noTime });
      expect(late).toMatchObject({ variants: { 'conv2d/down.0': 'one_input' }, measured: [] });
      // What is remembered is the choice among those that are left, so the twin is tried at each start.
      rejectedVariants.clear();
      const again = await run({ ...first, cache });
      expect([...rejectedVariants]).toEqual(['conv2d.one_input_gpu']);
      expect(again.variants).toEqual(variants);
      expect(again.measured.map((m) => m.variant)).not.toContain('one_input');
    },
  );
});

describe('where memory is too short', () => {
  /** The device has no memory for such buffers until `end` is called. */
  function fullFor(isMeant: (requests: Parameters<Gpu['createBuffers']>[0]) => boolean) {
    const createBuffers = gpu.createBuffers.bind(gpu);
    const spy = vi.spyOn(gpu, 'createBuffers').mockImplementation((requests) => {
      if (isMeant(requests)) throw new EngineError('limit', 'full');
      return createBuffers(requests);
    });
    return { end: () => spy.mockRestore() };
  }
  /** A variant that needs memory of its own. */
  const withScratch = (bytes: number): ConvVariant => ({
    ...direct,
    scratch: () => ({ own: bytes }),
    calls: (_, __, { own }) => [dispatch('own', 'output[i] = 0.0;', own)],
  });

  test('for a variant now, the choice without it is not remembered: memory may be free next time', async () => {
    const size = 2 ** 20;
    const full = fullFor((requests) => requests.some(({ bytes }) => bytes >= 4 * size));
    variantsOfConv2d.same = withScratch(size);
    const cache = memoryCache();
    const tried = async () => {
      const { chosen, ofVariant } = await run({ cache });
      expect(chosen).not.toContain('same');
      return ofVariant('same');
    };
    const first = await tried();
    expect(first.map(({ result }) => result)).toEqual(first.map(() => 'full'));
    expect(first.length).toBeGreaterThan(0);
    full.end();
    expect((await tried()).map(({ layer }) => layer)).toEqual(first.map(({ layer }) => layer));
    // Its results differ, which lasts: the choice without it is remembered.
    expect(await tried()).toEqual([]);
  });
});

test('a tuner whose engine is destroyed ends, and does not remember the best variant by then', async () => {
  const destroyed = new Gpu(gpu.device);
  const set = vi.fn(async () => {});
  const measured: string[] = [];
  const onMeasured = ({ variant }: Measured) => {
    measured.push(variant);
    destroyed.end();
  };
  const tuning = run({ on: destroyed, cache: { get: async () => undefined, set }, onMeasured });
  await refused(tuning, 'destroyed');
  expect(measured).toEqual(['direct']);
  expect(set).not.toHaveBeenCalled();
  expect([...rejectedVariants]).toEqual([]);
});

test('a software adapter is measured with fewer images, but only variants that can do the real batch', async () => {
  variantsOfConv2d.same = { ...direct, refuses: ({ batch }) => (batch > 8 ? 'too many' : undefined) };
  const { measured, chosen, ofVariant } = await run({ batch: 64, effort: { ...effort, images: 8 } });
  expect(measured.length).toBeGreaterThan(0);
  expect(ofVariant('same')).toEqual([]);
  expect(chosen).not.toContain('same');
});

// ---------------------------------------------------------------- the engine

/** A network of few layers, which have few variants. */
const little = { height: 8, width: 8, widths: [8], kernelSize: 3 };

/** An engine, what it reports, and the reports of tuning. */
async function engineWith(options: EngineOptions) {
  const progress: Progress[] = [];
  const onProgress = (p: Progress) => progress.push(p);
  const tuningCache = memoryCache();
  const engine = await createEngine({
    device: gpu.device,
    selfCheck: false,
    tuningCache,
    onProgress,
    ...options,
  });
  const dispose = () => engine.destroy();
  return {
    engine,
    progress,
    tuning: () => progress.filter(({ task }) => task === 'tuning'),
    [Symbol.dispose]: dispose,
  };
}

test.each([
  ['a GPU', someGpu, undefined, true],
  ['a GPU', someGpu, false, false],
  ['a processor', { ...someGpu, description: 'SwiftShader' }, undefined, false],
  ['a processor', { ...someGpu, description: 'SwiftShader' }, true, true],
])('%s is measured or not: %j, where tune is %s: %s', async (_, adapterInfo, tune, isMeasured) => {
  using _device = makeHostile(gpu.device, { adapterInfo });
  // The cache knows an answer, or all forms that are made for GPUs would be measured on a processor.
  const get = vi.fn(async (_key: string) => JSON.stringify({ value: 'direct', date: Date.now() }));
  using made = await engineWith({ tuningCache: { get, set: async () => {} }, tune });
  const unet = await made.engine.createUNet(network);
  const { variants } = await made.engine.createTrainer(unet, { batchSize: 8 });
  expect(get.mock.calls.some(([key]) => key.startsWith('["choice"'))).toBe(isMeasured);
  if (!isMeasured) expect(variants).toEqual(usual(layers, adapterInfo === someGpu ? 'gpu' : 'software'));
});

test('a sampler that is not to be measured takes the defaults, and changes nothing for others', async () => {
  using made = await engineWith({ tune: true });
  const { engine, tuning } = made;
  const unet = await engine.createUNet(little);
  await Promise.all([1, 2].map(() => engine.createSampler(unet, { count: 4, tune: false })));
  expect({ tune: engine.tune, tuning: tuning() }).toEqual({ tune: true, tuning: [] });
  // Nor for few images, unless it is asked for.
  await engine.createSampler(unet, { count: 8 });
  expect(tuning()).toEqual([]);
  await engine.createSampler(unet, { count: 8, tune: true });
  expect(tuning()).not.toEqual([]);
});

test('unknown names in variants are refused in all that is made with them, which takes no memory', async () => {
  using made = await engineWith({ variants: { 'conv2d/down.7': 'direct' } });
  const { engine } = made;
  const unet = await engine.createUNet(network);
  const before = unet.bytes;
  const why = 'no conv2d/down.7 in this network, only conv2d/down.0';
  await refused(engine.createTrainer(unet, { batchSize: 8 }), 'argument', why);
  await refused(unet.predict(new Float32Array(8 * 64), { count: 8 }), 'argument', why);
  const variants = { 'conv2d/down.0': 'one_output' };
  await refused(
    engine.createTrainer(unet, { batchSize: 8, variants }),
    'argument',
    'cannot be one_output, as ',
  );
  expect(unet.bytes).toBe(before);
  await refused(engineWith({ tune: true, variants: {} }), 'argument');
});
