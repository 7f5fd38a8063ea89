/** @module-tag nightly */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Random } from '../../harness/specs/lib/spec';
import { Gpu } from '../../src/gpu/gpu';
import {
  createEngine,
  type Engine,
  EngineError,
  type EngineOptions,
  type Progress,
  type UNet,
} from '../../src/index';
import { conv2d } from '../../src/kernels/conv2d';
import type { ConvShape } from '../../src/plan/conv_shape';
import { call, type Variant } from '../../src/plan/op';
import { memoryCache, type TuningCache } from '../../src/trust/cache';
import { AdapterMemory } from '../../src/trust/memory';
import { type Measured, type TuneOptions, tune, tuningEffort, worthMeasuring } from '../../src/tuning/tuner';
import { checkConfig, layersOf } from '../../src/unet/config';
import {
  adapterKind,
  defaultVariants,
  layersFor,
  possibleVariants,
  TUNABLE_KERNELS,
  type Variants,
} from '../../src/unet/variants';
import { testGpu } from '../lib/gpu';
import { makeHostile, someGpu } from '../lib/hostile/hostile_device';
import { refused } from '../lib/refused';

const { gpu } = await testGpu();

const network = { height: 8, width: 8, widths: [8, 8], kernelSize: 5 };
const layers = layersOf(checkConfig(network));
const { features } = gpu.device;
/** Without measuring. */
const usual = (of: typeof layers, adapter = adapterKind(gpu.adapter)) =>
  defaultVariants(of, 8, { features }, adapter);
/** What the tuner remembers of this device, for the time of one test. */
const rejectedVariants = new Set<string>();
/** Enough for any machine. */
const effort = { milliseconds: 600_000, images: 64 };
const noTime = { ...effort, milliseconds: 0 };

const memoryIn = (cache: TuningCache) => new AdapterMemory(gpu.device, { cache });

interface Given extends Partial<TuneOptions> {
  readonly on?: Gpu;
  readonly of?: typeof layers;
  readonly batch?: number;
  readonly cache?: TuningCache;
}

async function run({ on = gpu, of = layers, batch = 8, cache = memoryCache(), ...options }: Given = {}) {
  // All measurements take a tenth of the time.
  pace = 10;
  const measured: Measured[] = [];
  const progress: [number, number][] = [];
  const variants = await tune(on, of, batch, {
    training: true,
    effort,
    rejectedVariants,
    memory: memoryIn(cache),
    onMeasured: (m) => measured.push(m),
    onProgress: (...p) => progress.push(p),
    ...options,
  });
  return { variants, measured, progress };
}

type ConvVariant = Variant<ConvShape, 'input' | 'kernel' | 'bias' | 'output'>;
const variantsOfConv2d = conv2d.variants as Record<string, ConvVariant>;
const { direct } = variantsOfConv2d;
const right = { ...variantsOfConv2d };
/** Quick and wrong: adds weights in place of the bias. */
const weightsAsBias: ConvVariant['calls'] = (shape, tensors) =>
  direct.calls(shape, { ...tensors, bias: tensors.kernel }, {});
/** A driver may refuse what others take. */
const refusedCalls: ConvVariant['calls'] = (_, { output }) => [
  call(shaderOf('refused', 'output[i] = no_such_function();'), {}, { output }, 64),
];

afterEach(() => {
  for (const name of ['wrong', 'lazy', 'subtle', 'refused', 'same']) delete variantsOfConv2d[name];
  Object.assign(variantsOfConv2d, right);
  rejectedVariants.clear();
});

/** The clock that the tuner sees: how many times as fast as the real one it runs, and how far it is ahead. */
let pace = 1;
let ahead = 0;
beforeEach(() => {
  [pace, ahead] = [1, 0];
  const now = performance.now.bind(performance);
  vi.spyOn(performance, 'now').mockImplementation(() => pace * now() + ahead);
});

/** Expects that others were measured, and `same` was neither measured nor chosen. */
function leavesOut({ measured, variants }: Awaited<ReturnType<typeof run>>): void {
  expect(measured.length).toBeGreaterThan(0);
  expect(measured.map((m) => m.variant)).not.toContain('same');
  expect(Object.values(variants)).not.toContain('same');
}

/** Makes it jump to the end of all patience. */
const jump = () => {
  ahead = 2 * effort.milliseconds;
};

/** Shaders of such names are never compiled. The time that the tuner gives to compiling is up when the others are, however long they take. */
function neverCompile(names: RegExp): void {
  const pipeline = gpu.compiler.pipeline.bind(gpu.compiler);
  const others: Promise<unknown>[] = [];
  vi.spyOn(gpu.compiler, 'pipeline').mockImplementation((shader) => {
    const compilation = pipeline(shader);
    if (names.test(shader.name)) return { ...compilation, compiled: new Promise(() => {}) };
    others.push(compilation.compiled);
    return compilation;
  });
  const later = globalThis.setTimeout;
  const patient = ((act: () => void, ms?: number) =>
    (ms ?? 0) > 60_000
      ? later(() => void Promise.allSettled(others).then(act), 0)
      : later(act, ms)) as typeof setTimeout;
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(patient);
}

/** A shader of the test's own: `body` for every number of `output`. */
const shaderOf = (name: string, body: string) => ({
  name,
  hash: body,
  code: async () => `@group(0) @binding(1) var<storage, read_write> output: array<f32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) { let i = id.x; ${body} }`,
  workgroupSize: [64, 1, 1] as const,
  params: { size: 0, fields: {} },
  bindings: { output: { binding: 1, access: 'read_write' as const } },
});

test('the tuner chooses the fastest variant that agrees, for every kernel and layer, and remembers it', async () => {
  const cache = memoryCache();
  const { variants, measured, progress } = await run({ cache });
  let shapes = 0;
  for (const kernel of TUNABLE_KERNELS) {
    for (const layer of layersFor(kernel, layers)) {
      const times = measured.filter((m) => m.kernel === kernel.name && m.layer === layer.name);
      if (times.length === 0) continue; // a layer of the same shape was measured before, or there is one variant only
      shapes++;
      expect(times.map((m) => m.variant)).toEqual(
        worthMeasuring(
          kernel,
          possibleVariants(kernel, layer, 8, { features }),
          layer,
          8,
          adapterKind(gpu.adapter),
          rejectedVariants,
        ),
      );
      expect(times.filter((m) => !Number.isFinite(m.result))).toEqual([]);
      const least = times.reduce((a, b) => (b.result < a.result ? b : a));
      expect(variants[`${kernel.name}/${layer.name}`]).toBe(least.variant);
    }
  }
  expect(shapes).toBeGreaterThan(3);
  expect(progress).toEqual(Array.from({ length: shapes + 1 }, (_, i) => [i, shapes]));

  const again = await run({ cache });
  expect(again.measured).toEqual([]);
  expect(again.progress).toEqual([]);
  expect(again.variants).toEqual(variants);
});

test.each<[string, ConvVariant, string]>([
  ['wrong', { calls: weightsAsBias }, 'differs from direct'],
  // Writes nothing: must not be taken for right because the buffers still hold another variant's results.
  [
    'lazy',
    {
      calls: (_, { output }) => [
        call(shaderOf('lazy', 'if (i == ~0u) { output[0] = 0.0; }'), {}, { output }, 64),
      ],
    },
    'differs from direct',
  ],
  // One number of all, off by a hundredth.
  [
    'subtle',
    {
      calls: (shape, tensors) => [
        ...direct.calls(shape, tensors, {}),
        call(shaderOf('subtle', 'if (i == 37u) { output[i] += 0.05; }'), {}, { output: tensors.output }, 64),
      ],
    },
    'differs from direct',
  ],
  ['refused', { calls: refusedCalls }, 'refused by this browser or driver'],
])('the tuner never chooses a faulty variant: %s', async (name, variant, why) => {
  variantsOfConv2d[name] = variant;
  const { variants, measured } = await run({ training: false });
  const results = measured.filter((m) => m.variant === name);
  expect(results.length).toBeGreaterThan(1);
  for (const { result } of results) expect(result).toContain(why);
  expect(Object.keys(variants)).toHaveLength(layers.length);
  expect(Object.values(variants)).not.toContain(name);
});

test('the tuner never chooses the plain form where it was rejected, beside which others are measured, and measures no other rejected one', async () => {
  // The only other form that is left takes many times as long.
  variantsOfConv2d.same = {
    calls: (shape, tensors) => Array.from({ length: 30 }, () => direct.calls(shape, tensors, {})).flat(),
  };
  for (const name of Object.keys(variantsOfConv2d))
    if (name !== 'same') rejectedVariants.add(`conv2d.${name}`);
  const { variants, measured } = await run({ training: false });
  const fastest = measured.filter(({ kernel }) => kernel === 'conv2d').map(({ variant }) => variant);
  expect(new Set(fastest)).toEqual(new Set(['direct', 'same']));
  expect(new Set(Object.values(variants))).toEqual(new Set(['same']));
});

test('when the tuner’s time is up, the layers that are left take the default, and are measured another time', async () => {
  const cache = memoryCache();
  const none = await run({ cache, effort: noTime });
  expect(none.measured).toEqual([]);
  expect(none.variants).toEqual(usual(layers));

  // The time is up once the first shape is known.
  const stop: TuningCache = {
    get: cache.get,
    set: async (key, value) => {
      await cache.set(key, value);
      jump();
    },
  };
  const some = await run({ cache: stop });
  const shapes = new Set(some.measured.map((m) => `${m.kernel}/${m.layer}`));
  expect(shapes.size).toBe(1);
  const [entry] = shapes;
  const best = some.measured.reduce((a, b) => (b.result < a.result ? b : a));
  // down.1 and up.0 have the same shape.
  const shared = /^conv2d.*\/(down\.1|up\.0)$/.test(entry) ? ['down.1', 'up.0'] : [entry.split('/')[1]];
  const measuredOnes = shared.map((layer) => [`${entry.split('/')[0]}/${layer}`, best.variant]);
  expect(some.variants).toEqual({
    ...usual(layers),
    ...Object.fromEntries(measuredOnes),
  });

  ahead = 0;
  const rest = await run({ cache });
  expect(rest.variants[entry]).toBe(best.variant);
  expect(rest.measured.some((m) => `${m.kernel}/${m.layer}` === entry)).toBe(false);
  expect(rest.measured.length).toBeGreaterThan(0);
});

/** Two layers of different shapes, for which the same variant is the usual one. */
const two = layersOf(checkConfig({ ...network, widths: [8, 16] })).slice(1, 3);

test('a variant that failed its check is not the default of layers that could not be measured', async () => {
  const unmeasured = usual(two);
  const name = unmeasured['conv2d/down.1'];
  expect([unmeasured['conv2d/up.0'], name]).not.toContain('direct');
  variantsOfConv2d[name] = { ...right[name], calls: weightsAsBias };
  const tried: string[] = [];
  const { variants } = await run({
    of: two,
    training: false,
    onMeasured: ({ variant, result }) => {
      tried.push(variant);
      if (typeof result === 'string') jump();
    },
  });
  // One layer was not even begun.
  expect(tried.filter((variant) => variant === name)).toHaveLength(1);
  expect(Object.values(variants)).not.toContain(name);
});

test('a layer takes its default where that takes long to compile, not the best of the others', async () => {
  const unmeasured = usual(two);
  expect(unmeasured['conv2d/down.1']).toMatch(/^winograd4(_subgroups)?$/);
  neverCompile(/^conv2d.winograd4_input$/);
  const memory = memoryIn(memoryCache());
  const { variants, measured } = await run({ of: two, training: false, memory });
  expect(unmeasured).toMatchObject(variants);
  expect(measured).toEqual([]);

  // The late shader may be there in time at the next start.
  vi.restoreAllMocks();
  expect((await run({ of: two, training: false, memory })).measured.length).toBeGreaterThan(0);
});

test('a variant that was refused or wrong is not chosen by the next network on the device either', async () => {
  const name = usual(layers)['conv2d/down.1'];
  for (const calls of [weightsAsBias, refusedCalls]) {
    rejectedVariants.clear();
    variantsOfConv2d[name] = { ...right[name], calls };
    await run({ training: false });
    const later = await run({ training: false, effort: noTime });
    expect(later.measured).toEqual([]);
    expect(Object.values(later.variants)).not.toContain(name);
  }
  // Refused while there was no time to try anything.
  rejectedVariants.clear();
  const { variants } = await run({ training: false, onMeasured: jump });
  expect(Object.values(variants)).not.toContain(name);
});

test('the tuner compiles comparison and plain shaders first, then default ones, then unlikely ones', async () => {
  const asked: string[] = [];
  const pipeline = gpu.compiler.pipeline.bind(gpu.compiler);
  vi.spyOn(gpu.compiler, 'pipeline').mockImplementation((shader) => {
    asked.push(shader.name);
    return pipeline(shader);
  });
  await run({ training: false });
  // At 8x8, tiles of 7 take more products than tiles of 4.
  const [plain, usual, other, last] = ['', '.one_output', '.winograd4_input', '.winograd7_input'].map((s) =>
    asked.indexOf(`conv2d${s}`),
  );
  expect(asked[0]).toBe('difference');
  expect([plain, usual > plain, other > usual, last > other]).toEqual([1, true, true, true]);
});

test('the tuner does not wait for a shader that takes long to compile, and does not remember a choice without it', async () => {
  neverCompile(/^conv2d.winograd7_(pairs_)?input$/);
  const cache = memoryCache();
  const { measured, variants } = await run({ cache, training: false });
  expect(measured.length).toBeGreaterThan(0);
  expect(measured.filter((m) => m.variant.startsWith('winograd7'))).toEqual([]);
  expect(Object.values(variants).filter((name) => name.startsWith('winograd7'))).toEqual([]);

  // The late shader may be there in time at the next start, so the choice without it was not remembered.
  vi.restoreAllMocks();
  const again = await run({ cache, training: false });
  expect(again.measured.some((m) => m.variant.startsWith('winograd7'))).toBe(true);
});

describe('the tuner on a GPU', () => {
  /** The same device, which says that it is a GPU. */
  const card: typeof gpu = Object.create(gpu, { adapter: { value: { ...gpu.adapter, software: false } } });
  const inDefault = layersOf(checkConfig());

  test('compiles neither variants for processors nor tiles that overhang all layers', async () => {
    const asked = new Set<string>();
    vi.spyOn(gpu.compiler, 'pipeline').mockImplementation(({ name }) => {
      asked.add(name);
      jump();
      return { compiled: new Promise(() => {}) } as ReturnType<typeof gpu.compiler.pipeline>;
    });
    await run({ on: card, of: inDefault, batch: 64 });
    const made = [...asked];
    expect(made).toEqual(
      expect.arrayContaining([
        ...['conv2d', 'conv2d.one_input_gpu', 'conv2d.tile', 'conv2d.winograd7_gpu_input'],
        ...['conv2d_grad_kernel.one_channel_gpu', 'conv2d_grad_input.one_input_gpu'],
      ]),
    );
    const others = /one_(input|output|channel)(_subgroups)?$|winograd(?!7?_gpu)/;
    expect(made.filter((name) => others.test(name))).toEqual([]);
  });

  test('where time is up, no layer takes a variant that was left out, in batches of any size', async () => {
    // At 70 pixels tiles of 8 make fewer products, and tiles of 7 fit.
    for (const of of [inDefault, layersOf(checkConfig({ height: 140, width: 140 }))]) {
      const { variants, measured } = await run({ on: card, of, effort: noTime });
      expect(measured).toEqual([]);
      for (const kernel of TUNABLE_KERNELS) {
        for (const layer of layersFor(kernel, of)) {
          const possible = possibleVariants(kernel, layer, 8, { features });
          expect(worthMeasuring(kernel, possible, layer, 8, 'gpu', rejectedVariants)).toContain(
            variants[`${kernel.name}/${layer.name}`],
          );
        }
      }
    }
  });

  test.each([
    ['refused', refusedCalls],
    ['wrong', weightsAsBias],
  ])('measures a variant for processors in place of its twin only when the twin is %s', async (_, calls) => {
    const of = layersOf(checkConfig({ ...network, kernelSize: 3 })).slice(0, 1);
    const first = { on: card, of, training: false };
    const healthy = await run(first);
    expect(healthy.measured.map((m) => m.variant)).toEqual(['direct', 'one_input_gpu']);

    variantsOfConv2d.one_input_gpu = { ...right.one_input_gpu, calls };
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
  });
});

test('a remembered choice is forgotten when a shader of its kernel changes, and for no other kernel', async () => {
  const cache = memoryCache();
  await run({ cache });
  const { variants: before } = await run({ cache });
  variantsOfConv2d.direct = {
    ...direct,
    calls: (shape, tensors) =>
      direct.calls(shape, tensors, {}).map((c) => ({
        ...c,
        shader: { ...c.shader, hash: `not ${c.shader.hash}` },
      })),
  };
  const { measured } = await run({ cache });
  expect(new Set(measured.map((m) => m.kernel))).toEqual(new Set(['conv2d']));
  variantsOfConv2d.direct = direct;
  // What it was before is still known.
  expect(await run({ cache })).toMatchObject({ variants: before, measured: [] });
});

test('a store of choices that fails or holds nonsense means that all is measured, and no error', async () => {
  const rejects = () => Promise.reject(new Error('no access'));
  const throws = () => {
    throw new Error('QuotaExceededError');
  };
  const waits = vi.fn(() => new Promise<never>(() => {}));
  for (const fails of [rejects, throws, waits]) {
    const { measured } = await run({ training: false, cache: { get: fails, set: fails } });
    expect(measured.length).toBeGreaterThan(0);
  }
  expect(waits).toHaveBeenCalledOnce();
  const nonsense: TuningCache = {
    get: async () => JSON.stringify({ value: 'no such variant', date: Date.now() }),
    set: async () => {},
  };
  const { variants, measured } = await run({ training: false, cache: nonsense });
  expect(measured.length).toBeGreaterThan(0);
  expect(Object.values(variants)).not.toContain('no such variant');
});

test('where memory is too short to measure, layers take the default', async () => {
  const createBuffers = gpu.createBuffers.bind(gpu);
  vi.spyOn(gpu, 'createBuffers').mockImplementation((requests) => {
    if (requests[0].label.startsWith('tune')) throw new EngineError('limit', 'full');
    return createBuffers(requests);
  });
  const { variants, measured } = await run();
  expect(measured).toEqual([]);
  expect(variants).toEqual(usual(layers));
});

test('a variant that needs more memory than the device allows is out, but not for smaller networks later', async () => {
  variantsOfConv2d.same = {
    ...direct,
    scratch: () => ({ huge: 2 ** 40 }),
    calls: (_, __, { huge }) => [call(shaderOf('huge', 'output[i] = 0.0;'), {}, { output: huge }, 64)],
  };
  leavesOut(await run({ training: false }));
  expect([...rejectedVariants]).toEqual([]);
});

test('a choice without a variant for which memory was short is not remembered: memory may be free next time', async () => {
  const size = 2 ** 20;
  let full = true;
  const createBuffers = gpu.createBuffers.bind(gpu);
  vi.spyOn(gpu, 'createBuffers').mockImplementation((requests) => {
    if (full && requests.some(({ bytes }) => bytes >= 4 * size)) throw new EngineError('limit', 'full');
    return createBuffers(requests);
  });
  variantsOfConv2d.same = {
    ...direct,
    scratch: () => ({ some: size }),
    calls: (_, __, { some }) => [call(shaderOf('some', 'output[i] = 0.0;'), {}, { output: some }, 64)],
  };
  const cache = memoryCache();
  const tried = async () => {
    const { measured, variants } = await run({ cache, training: false });
    expect(Object.values(variants)).not.toContain('same');
    return measured.filter((m) => m.variant === 'same');
  };
  const first = await tried();
  expect(first.map(({ result }) => result)).toEqual(first.map(() => 'full'));
  expect(first.length).toBeGreaterThan(0);
  full = false;
  expect((await tried()).map(({ layer }) => layer)).toEqual(first.map(({ layer }) => layer));
  // Its results differ, which lasts: the choice without it is remembered.
  expect(await tried()).toEqual([]);
});

test('a tuner whose engine is destroyed ends, and does not remember the best variant by then', async () => {
  const destroyed = new Gpu(gpu.device);
  const set = vi.fn(async () => {});
  const measured: string[] = [];
  const tuning = run({
    on: destroyed,
    training: false,
    cache: { get: async () => undefined, set },
    onMeasured({ variant }) {
      measured.push(variant);
      destroyed.end();
    },
  });
  await refused(tuning, 'destroyed');
  expect(measured).toEqual(['direct']);
  expect(set).not.toHaveBeenCalled();
  expect([...rejectedVariants]).toEqual([]);
});

test('a software adapter is measured with fewer images, but only variants that can do the real batch', async () => {
  variantsOfConv2d.same = { ...direct, refuses: ({ batch }) => (batch > 8 ? 'too many' : undefined) };
  leavesOut(await run({ batch: 64, training: false, effort: { ...effort, images: 8 } }));
  expect(tuningEffort.software.images).toBeLessThan(tuningEffort.gpu.images);
  expect(tuningEffort.gpu.milliseconds).toBe(2000);
});

// ---------------------------------------------------------------- the engine

/** A network of few layers, which have few variants. */
const little = { height: 8, width: 8, widths: [8], kernelSize: 3 };
const random = new Random(4);
const noisy = random.floats(8 * 64, 0, 1);
const target = random.floats(8 * 64, 0, 1);

const engineWith = (options: EngineOptions) =>
  createEngine({ device: gpu.device, selfCheck: false, ...options });

async function train(engine: Engine, variants?: Variants) {
  const unet = await engine.createUNet(network, { seed: 3 });
  const trainer = await engine.createTrainer(unet, { batchSize: 8, variants });
  const losses = [await trainer.step({ noisy, target }), await trainer.step({ noisy, target })];
  return { losses, variants: trainer.variants, parameters: await unet.getParameters(), unet, trainer };
}

const bits = (values: Iterable<Float32Array>) =>
  [...values].flatMap((v) => [...new Uint32Array(v.buffer, v.byteOffset, v.length)]);

test('a GPU is measured unless tune is false, a software adapter only if it is true', async () => {
  const processor = { ...someGpu, description: 'SwiftShader' };
  const asks = async (options: { tune?: boolean }, info: Partial<GPUAdapterInfo>) => {
    using _ = makeHostile(gpu.device, { adapterInfo: info });
    // The cache knows an answer, or all forms that are made for GPUs would be measured on a processor.
    const known = JSON.stringify({ value: 'direct', date: Date.now() });
    const tuningCache: TuningCache = { get: vi.fn(async () => known), set: vi.fn(async () => {}) };
    using engine = await engineWith({ tuningCache, ...options });
    const { variants } = await engine.createTrainer(await engine.createUNet(network), { batchSize: 8 });
    const asked = vi.mocked(tuningCache.get).mock.calls.some(([key]) => key.startsWith('["choice"'));
    if (!asked) expect(variants).toEqual(usual(layers, info === someGpu ? 'gpu' : 'software'));
    return asked;
  };
  expect(await asks({}, someGpu)).toBe(true);
  expect(await asks({ tune: false }, someGpu)).toBe(false);
  expect(await asks({}, processor)).toBe(false);
  expect(await asks({ tune: true }, processor)).toBe(true);
});

test('tune: true measures and reports how far it is; a trainer made after tune = false takes the defaults', async () => {
  const progress: Progress[] = [];
  using engine = await engineWith({
    tune: true,
    tuningCache: memoryCache(),
    onProgress: (p) => progress.push(p),
  });
  const { variants } = await train(engine);
  expect(Object.keys(variants)).toEqual(Object.keys(usual(layers)));
  const compiling = progress.filter((p) => p.task === 'compiling');
  const tuning = progress.filter((p) => p.task === 'tuning');
  expect(compiling.length).toBeGreaterThan(5);
  expect(tuning[0].done).toBe(0);
  expect(tuning.length).toBeGreaterThan(1);
  // Side by side: most are known of before the first is done.
  expect(Math.max(...compiling.map((p) => p.total))).toBeGreaterThan(5);
  for (const { done, total } of progress) expect(done).toBeLessThanOrEqual(total);

  engine.tune = false;
  progress.length = 0;
  expect((await train(engine)).variants).toEqual(usual(layers));
  expect(progress.filter((p) => p.task === 'tuning')).toEqual([]);
});

test('a sampler that is not to be measured takes the defaults, and changes nothing for others', async () => {
  const tasks: string[] = [];
  using engine = await engineWith({
    tune: true,
    tuningCache: memoryCache(),
    onProgress: ({ task }) => tasks.push(task),
  });
  const unet = await engine.createUNet(little);
  await Promise.all([1, 2].map(() => engine.createSampler(unet, { count: 4, tune: false })));
  expect([engine.tune, tasks.includes('tuning')]).toEqual([true, false]);
  // Nor for few images, unless it is asked for.
  await engine.createSampler(unet, { count: 8 });
  expect(tasks).not.toContain('tuning');
  await engine.createSampler(unet, { count: 8, tune: true });
  expect(tasks).toContain('tuning');
});

test('an engine measures for a limited time in all, not for each thing that it makes', async () => {
  const progress: Progress[] = [];
  const onProgress = (p: Progress) => {
    if (p.task === 'tuning') jump();
    progress.push(p);
  };
  using engine = await engineWith({ tune: true, tuningCache: memoryCache(), onProgress });
  const unet = await engine.createUNet(network);
  await engine.createTrainer(unet, { batchSize: 8 });
  const begun = progress.filter((p) => p.task === 'tuning');
  expect(begun).toHaveLength(1);
  await engine.createTrainer(unet, { batchSize: 12 });
  await engine.createSampler(unet, { count: 16 });
  expect(progress.filter((p) => p.task === 'tuning')).toEqual(begun);
});

test('one thing is measured at a time, whatever is created at the same time', async () => {
  using engine = await engineWith({ tune: true });
  const unet = await engine.createUNet(little);
  const tasks: string[] = [];
  const createBuffers = engine.gpu.createBuffers.bind(engine.gpu);
  vi.spyOn(engine.gpu, 'createBuffers').mockImplementation(async (requests) => {
    const buffers = await createBuffers(requests);
    if (requests[0]?.label !== 'tune noise') return buffers;
    tasks.push('begins');
    const destroy = buffers[0].destroy.bind(buffers[0]);
    buffers[0].destroy = () => {
      tasks.push('ends');
      destroy();
    };
    return buffers;
  });
  await Promise.all([
    engine.createTrainer(unet, { batchSize: 8 }),
    engine.createSampler(unet, { count: 12, tune: true }),
    engine.createPredictor(unet, { count: 8, tune: true }),
  ]);
  // Which comes first is open, and so whether what is predicted with 8 images is known from training with 8.
  expect(tasks.length).toBeGreaterThanOrEqual(4);
  expect(tasks).toEqual(tasks.map((_, i) => (i % 2 === 0 ? 'begins' : 'ends')));
});

test('variants that the caller fixed give the same bits in training, predictions and samples', async () => {
  const plain = Object.fromEntries(
    TUNABLE_KERNELS.flatMap((kernel) =>
      layersFor(kernel, layers).map((l) => [`${kernel.name}/${l.name}`, 'direct']),
    ),
  );
  const all = async (options: EngineOptions, given?: Variants) => {
    using engine = await engineWith(options);
    const run = await train(engine, given);
    const prediction = await run.unet.predict(noisy, { count: 8 });
    const sampler = await engine.createSampler(run.unet, { count: 8 });
    const samples = await sampler.sample({ steps: 2, seed: 1 });
    return { ...run, bits: bits([...run.parameters.values(), prediction, samples]) };
  };
  const fixed = await all({ variants: plain });
  expect(fixed.variants).toEqual(plain);
  expect(await all({ variants: { ...plain } })).toMatchObject({ losses: fixed.losses, bits: fixed.bits });
  // The trainer's own list goes before the engine's choice; and another choice gives other bits.
  const other = await all({ tune: false });
  expect(other.variants).not.toEqual(plain);
  expect(other.bits).not.toEqual(fixed.bits);
  const trainerOnly = await all({ tune: false }, plain);
  expect(trainerOnly.losses).toEqual(fixed.losses);
  expect(bits(trainerOnly.parameters.values())).toEqual(bits(fixed.parameters.values()));
});

test('unknown names in variants are refused in one message that lists the legal ones', async () => {
  using engine = await engineWith({
    variants: { 'conv2d/down.7': 'direct', 'conv2d/up.0': 'best', 'conv2d_grad_kernel/down.0/x': 'direct' },
  });
  const unet = await engine.createUNet(network);
  const before = unet.bytes;
  const message = await engine.createTrainer(unet, { batchSize: 8 }).catch((error: Error) => error.message);
  expect(message).toContain(
    'no conv2d/down.7, conv2d_grad_kernel/down.0/x in this network, only conv2d/down.0, conv2d/down.1',
  );
  expect(message).toContain('conv2d/up.0 has no variant best; here it can be direct');
  await refused(engine.createSampler(unet, { count: 8 }), 'argument');
  await refused(unet.predict(noisy, { count: 8 }), 'argument');
  await expect(
    engine.createTrainer(unet, { batchSize: 8, variants: { 'conv2d/down.0': 'one_output' } }),
  ).rejects.toThrow('conv2d/down.0 cannot be one_output, as ');
  expect((unet as UNet).bytes).toBe(before);
  await refused(engineWith({ tune: true, variants: {} }), 'argument');
});
