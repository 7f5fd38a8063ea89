/**
 * Kernels that are right in the small cases of the self-check, and wrong at the size of a network. All rows: `npm run test:all -- long 'at size'`.
 *
 * @module-tag nightly
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Gpu } from '../../src/gpu/gpu';
import { createEngine, EngineError, type EngineOptions, type Progress, type Variants } from '../../src/index';
import { conv2dGradKernel } from '../../src/kernels/conv2d_grad_kernel';
import { op } from '../../src/plan/op';
import type { Random } from '../../src/plan/small_case';
import { type Tensor, tensor } from '../../src/plan/tensor';
import { disagreeingOps } from '../../src/trust/at_size';
import { memoryCache } from '../../src/trust/cache';
import { loadCheckpoint } from '../../src/weights/checkpoint';
import { connect, createSession, expose, type SessionClient } from '../../src/worker';
import { digits, tutorial } from '../lib/checked_networks';
import { ownFolder, succeed } from '../lib/command';
import { testGpu } from '../lib/gpu';
import { makeHostile, someGpu } from '../lib/hostile/hostile_device';
import { fourSteps, onWrong, type World, type WrongWhere, wrongText } from '../lib/hostile/wrong';
import { takesLong } from '../lib/lanes/limits';

const { gpu, source } = await testGpu();
const { device } = gpu;
const folder = ownFolder();

const nothing = /^nothing$/;
/** The shaders of the first layer, whose images are 16x16; the others' images are smaller. */
const first = /^conv2d(_pool)?\.one_input/;
const wide = { width: 14 };
const moreThanFew = { batch: 12 };

const on = <T>(
  shader: RegExp,
  where: WrongWhere,
  work: (world: World) => Promise<T>,
  options: EngineOptions = {},
  network = digits,
) => onWrong(device, network, shader, where, work, options);
/** What comes of a driver without faults. */
const healthily = <T>(work: (world: World) => Promise<T>, options?: EngineOptions, network = digits) =>
  on(nothing, {}, work, options, network);

const ofBatch = (batchSize: number) => ({ ...digits, trainer: { ...digits.trainer, batchSize } });
const wrong = { code: 'wrong-kernel', kernel: 'conv2d', variant: expect.stringMatching(/^one_input/) };

/** Labels of buffers that were made since the last call. */
function watchLabels() {
  const buffers = vi.spyOn(device, 'createBuffer');
  return () => {
    const labels = buffers.mock.calls.map(([{ label }]) => label!);
    buffers.mockClear();
    return labels;
  };
}

describe('the comparison at a network’s size', () => {
  test('changes no bit of the training, and is made once', async () => {
    const tuningCache = memoryCache();
    const labels = watchLabels();
    const comparisons = () => labels().filter((label) => label === 'comparison').length;
    const without = await healthily(fourSteps, { selfCheck: false });
    expect(without.result!.losses).toHaveLength(4);
    expect(comparisons()).toBe(0);
    for (const times of [1, 0]) {
      expect(await healthily(fourSteps, { tuningCache })).toEqual(without);
      expect(comparisons()).toBe(times);
    }
    // More images are another size, fewer are not.
    for (const [batch, times] of [
      [16, 1],
      [12, 0],
    ]) {
      await healthily(fourSteps, { tuningCache }, ofBatch(batch));
      expect({ batch, comparisons: comparisons() }).toEqual({ batch, comparisons: times });
    }
  });

  test.each([
    [[8, 8], 'down.0 down.1 up.1 up.1 up.0 down.0'],
    [[8, 12, 8], 'down.0 down.1 down.2 up.0 up.1 up.2 up.2 up.1 down.2 down.0'],
  ])(
    'compares layers of the same size once, layers of other sizes each: widths %j',
    async (widths, layers) => {
      const labels = watchLabels();
      await healthily(fourSteps, {}, { ...ofBatch(16), config: { ...digits.config, widths } });
      const compared = /^comparison differences of (\S+) (?:pre-activation|kernel gradient|input gradient),/;
      expect(labels().flatMap((label) => compared.exec(label)?.[1] ?? [])).toEqual(layers.split(' '));
    },
  );

  test('stands for the input gradient of the same shaders, too: both get others', async () => {
    const many = ofBatch(12);
    const work = async (world: World) => {
      await expect(fourSteps(world)).rejects.toMatchObject({ code: 'wrong-kernel', variant: 'winograd8' });
      using trainer = await world.engine.createTrainer(world.unet, many.trainer);
      return await fourSteps({ ...world, trainer });
    };
    const { warnings, result } = await on(/^conv2d\.winograd8_output$/, moreThanFew, work, {}, many);
    const told = warnings.map(({ kernel, variant }) => `${kernel}.${variant}`);
    expect(told).toEqual(['conv2d.winograd8', 'conv2d_grad_input.winograd8']);
    expect(Object.values(result!.variants)).not.toContain('winograd8');
  });

  test('reports how far it is, from its beginning to its end', async () => {
    const reports: Progress[] = [];
    await healthily(fourSteps, { onProgress: (progress) => reports.push(progress) });
    const comparing = reports.filter(({ task }) => task === 'comparing');
    const { total } = comparing.at(-1)!;
    expect(comparing[0].done).toBe(0);
    expect(comparing.map(({ done }) => done)).toContain(Math.floor(total / 2));
    expect(comparing.at(-1)).toEqual({ task: 'comparing', done: total, total });
  });
});

test.each(['conditioning.gpu', 'conditioning_grad.gpu', 'sum_pixels.gpu'])(
  '%s, wrong from 12 images on, is replaced together with the other kernels of the conditioning',
  async (shader) => {
    using _ = makeHostile(device, { adapterInfo: someGpu });
    const found = { code: 'wrong-kernel', kernel: shader.split('.')[0], variant: 'gpu' };
    const many = ofBatch(12);
    const work = async (world: World) => {
      await expect(fourSteps(world)).rejects.toMatchObject(found);
      expect(world.trainer.variants.conditioning).toBe('gpu');
      using trainer = await world.engine.createTrainer(world.unet, many.trainer);
      return await fourSteps({ ...world, trainer });
    };
    const planted = new RegExp(`^${shader}$`);
    const { warnings, result } = await on(planted, moreThanFew, work, { tune: false }, many);
    expect(warnings).toMatchObject([found]);
    expect(result!.losses).toHaveLength(4);
    expect(result!.variants.conditioning).toBeUndefined();
  },
);

describe('a variant that is wrong at images 14 wide', () => {
  test('ends a fit after its first step with a warning, and is replaced in the next trainer', async () => {
    const losses: number[] = [];
    const { planted, warnings, result } = await on(first, wide, async (world) => {
      const error = await fourSteps(world, losses).catch((error) => error);
      // The trainer stays refused.
      await expect(fourSteps(world)).rejects.toBe(error);
      world.trainer.destroy();
      // The form without subgroups is as wrong.
      for (;;) {
        using trainer = await world.engine.createTrainer(world.unet, digits.trainer);
        const another = await fourSteps({ ...world, trainer }).catch(() => undefined);
        if (another) return { error, another };
      }
    });
    expect(planted.size).toBeGreaterThan(0);
    expect(losses).toHaveLength(1);
    const { error, another } = result!;
    expect(error).toMatchObject(wrong);
    expect(error.message).toMatch(
      /with 8 images its result for the layer down\.0 is up to \S+% off .*\. 1 step was made with it\. /,
    );
    const told = warnings.map(({ variant }) => variant);
    expect(told.length).toBeGreaterThan(0);
    expect(new Set(told).size).toBe(told.length);
    expect(warnings).toMatchObject(told.map(() => wrong));
    expect(another.losses).toHaveLength(4);
    expect(told).not.toContain(another.variants['conv2d/down.0']);
  });

  const batch = {
    noisy: new Float32Array(8 * 256).fill(0.5),
    target: new Float32Array(8 * 256),
    levels: new Float32Array(8).fill(0.5),
    labels: new Array(8).fill(3),
  };
  test.each<[string, (world: World) => Promise<unknown>]>([
    [
      'step',
      async ({ trainer }) => {
        expect(await trainer.step(batch)).toBeGreaterThan(0);
        await trainer.step(batch);
      },
    ],
    [
      'runFor',
      async ({ trainer, dataset }) => {
        const error = await trainer.runFor(dataset, { milliseconds: 60_000 }).catch((error) => error);
        await expect(trainer.runFor(dataset, { milliseconds: 60_000 })).rejects.toBe(error);
        expect(await trainer.readLosses(9)).toHaveLength(1);
        throw error;
      },
    ],
  ])('ends %s, after one step', async (_, work) => {
    const { error, warnings } = await on(first, wide, work);
    expect([error, ...warnings]).toMatchObject([wrong, wrong]);
    expect(error!.message).toContain('1 step was made');
  });

  test('is not to blame where the plain variant is wrong too, and is not remembered as right', async () => {
    const tuningCache = memoryCache();
    const { planted, ...outcome } = await on(/^conv2d$/, wide, fourSteps, { tuningCache });
    expect(planted.size).toBeGreaterThan(0);
    expect(outcome).toMatchObject({ error: undefined, warnings: [] });
    expect(outcome.result!.losses).toHaveLength(4);
    expect(await on(first, wide, fourSteps, { tuningCache })).toMatchObject({ error: wrong });
  });

  /** What is made with it before its first result, and with which variants. */
  const uses: Record<string, (world: World) => Promise<{ result: Float32Array; variants?: Variants }>> = {
    'a sampler': async ({ engine, unet }) => {
      using sampler = await engine.createSampler(unet, { count: 4 });
      const result = await sampler.sample({ steps: 2, seed: 3, labels: [0, 1, 2, 3] });
      return { result, variants: sampler.parts.variants };
    },
    'a prediction': async ({ unet }) => {
      const images = new Float32Array(4 * 256).map((_, i) => Math.sin(i));
      const told = { levels: new Float32Array(4).fill(0.5), labels: [0, 1, 2, 3] };
      return { result: await unet.predict(images, { count: 4, ...told }) };
    },
  };

  test.each(Object.entries(uses))('is found and replaced by %s before its first result', async (_, use) => {
    const { result: healthy } = await healthily(use);
    const { planted, warnings, result, error } = await on(first, wide, use);
    expect(error).toBeUndefined();
    expect(planted.size).toBeGreaterThan(0);
    expect(warnings.map(({ code, kernel }) => `${code} ${kernel}`)).toContain('wrong-kernel conv2d');
    const apart = result!.result.map((value, i) => Math.abs(value - healthy!.result[i]));
    expect(Math.max(...apart)).toBeGreaterThan(0);
    expect(Math.max(...apart)).toBeLessThan(1e-4);
    if (result!.variants) expect(result!.variants['conv2d/down.0']).not.toMatch(/^one_input/);
  });

  test('is an error without replacement where the caller fixed it, and is refused from then on', async () => {
    const { variants } = (await healthily(fourSteps)).result!;
    const work = async (world: World) => {
      const error = await fourSteps(world).catch((error) => error);
      expect(error.message).toContain('Leave it out of `variants`');
      await expect(world.engine.createTrainer(world.unet, digits.trainer)).rejects.toBe(error);
      throw error;
    };
    expect(await on(first, wide, work, { variants })).toMatchObject({ error: wrong, warnings: [] });
  });
});

describe('a run whose kernels are wrong at its size gets others before its first step', () => {
  const rewrites = (name: string, text: string) => (first.test(name) && wrongText(text, wide)) || text;
  const network = { height: 16, width: 16, widths: [4, 4], kernelSize: 3 };
  const trainer = { batchSize: 4 };
  const pixels = new Uint8Array(8 * 256).map((_, i) => i * 37);
  const images = { images: pixels, count: 8, height: 16, width: 16, channels: 1 };
  const fit = { epochs: 3 };

  /** Its losses with these variants, the checkpoint after two steps, and the variants. */
  async function alone(variants?: Variants) {
    using engine = await createEngine({ device, variants });
    const unet = await engine.createUNet(network);
    const made = await engine.createTrainer(unet, trainer);
    const dataset = await engine.createDataset(images);
    const losses: number[] = [];
    let checkpoint = new Uint8Array();
    for (const maxSteps of [2, 4]) {
      for await (const { loss } of made.fit(dataset, { ...fit, maxSteps })) losses.push(loss);
      if (losses.length === 2) checkpoint = await made.checkpoint({ fit, images, losses });
    }
    return { losses, checkpoint, variants: made.variants };
  }

  /** What a worker trains after `begin`, on a device that is wrong: each step once. */
  async function inWorker(begin: (client: SessionClient) => Promise<unknown>, variants?: Variants) {
    const { port1, port2 } = new MessageChannel();
    using _ = makeHostile(device, { rewrites });
    const engine = { gpu: source, tuningCache: memoryCache(), variants };
    expose(port2, createSession({ store: false, engine }));
    const client = connect(port1);
    onTestFinished(() => {
      client.destroy();
      port2.close();
    });
    const warnings: string[] = [];
    client.on('warning', ({ message }) => warnings.push(message));
    await begin(client);
    const steps: number[] = [];
    for await (const event of client.train()) if (event.type === undefined) steps.push(event.step);
    const saved = loadCheckpoint((await client.save('checkpoint')) as Uint8Array);
    expect(saved.variants!['conv2d/down.0']).not.toMatch(/^one_input/);
    return { steps, warnings: warnings.join(), saved };
  }
  const begun = (client: SessionClient) => client.begin({ network, trainer, fit, images });

  test('in a worker', async () => {
    const { steps, warnings, saved } = await inWorker(begun);
    expect(steps).toEqual([1, 2, 3, 4, 5, 6]);
    expect([...saved.losses]).toEqual((await alone(saved.variants)).losses);
    expect(warnings).toMatch(/conv2d\.one_input\S* computes wrongly .* Another variant takes its place\./);
  });

  test('in a worker that goes on from a file, with other kernels than in the file', async () => {
    const before = await alone();
    expect(before.variants['conv2d/down.0']).toMatch(/^one_input/);
    const resumed = (client: SessionClient) => client.resume({ from: before.checkpoint, images });
    const { steps, warnings, saved } = await inWorker(resumed);
    expect(steps).toEqual([3, 4, 5, 6]);
    // With other kernels only the last digits differ.
    for (const [i, loss] of before.losses.entries())
      expect(Math.abs(saved.losses[i] / loss - 1)).toBeLessThan(1e-5);
    expect(warnings).toMatch(/goes on with other kernels, .* at its real size: .* plain kernels' result\.$/);
  });

  test('in a worker, unless the caller fixed them: training ends in an error that names kernel, form and adapter', async () => {
    const { variants } = await alone();
    const training = inWorker(begun, variants);
    await expect(training).rejects.toMatchObject({
      code: 'wrong-kernel',
      message: expect.stringMatching(
        /^The kernel conv2d\.one_input\S* .* adapter \(.*llvmpipe.*\) at its real size: /,
      ),
    });
  });

  test('of the command train, which says so', takesLong('runsProcesses'), async () => {
    const { prototype } = GPUDevice;
    const create = prototype.createShaderModule;
    const planted = vi.spyOn(prototype, 'createShaderModule').mockImplementation(function (
      this: GPUDevice,
      given,
    ) {
      return create.call(this, { ...given, code: rewrites(given.label ?? '', given.code) });
    });
    const out = join(folder, 'run');
    const sizes = '--recipe digits --limit 12 --batch 4 --epochs 2 --widths 4,4 --kernel-size 3'.split(' ');
    const output = await succeed('train', '--out', out, ...sizes);
    expect(planted).toHaveBeenCalled();
    expect(output).toMatch(/computes wrongly .* Another variant takes its place\.[\s\S]*First step/);
    const { losses, variants } = loadCheckpoint(readFileSync(join(out, 'checkpoint.safetensors')));
    expect(losses).toHaveLength(6);
    expect(variants!['conv2d/down.0']).not.toMatch(/^one_input/);
  });
});

test('a layer whose gradient is nothing but rounding does not reject a variant', async () => {
  // The layers differ in size: of layers of the same size one is compared.
  const opOf = (layer: string, i: number) => {
    const shape = { batch: 8, height: 16 - i, width: 16, inChannels: 1, outChannels: 8, kernelSize: 5 };
    const sizes = conv2dGradKernel.sizes(shape);
    const named = Object.entries(sizes).map(([name, size]) => [name, tensor(`${layer} ${name}`, size)]);
    const tensors = Object.fromEntries(named) as Record<keyof typeof sizes, Tensor>;
    return { tensors, op: op(conv2dGradKernel, layer, shape, tensors, 'one_channel') };
  };
  const [usual, cancelled] = ['usual', 'cancelled'].map(opOf);
  // What four images add to each sum, the other four take away, in another order.
  const opposed = (values: Float32Array, sign: number) =>
    values.map((v, i) => (i % 8 < 4 ? v : sign * values[i - (i % 8) + ((i + 1) % 4)]));
  const inputs = (random: Random) =>
    [usual, cancelled].flatMap(({ tensors: { input, grad } }) => {
      const [x, g] = [input, grad].map(({ size }) => random.floats(size, -1, 1));
      return [
        [input, input === usual.tensors.input ? x : opposed(x, 1)],
        [grad, grad === usual.tensors.grad ? g : opposed(g, -1)],
      ] as [Tensor, Float32Array][];
    });
  const ops = [usual.op, cancelled.op];
  const wrong = await disagreeingOps(gpu, {
    pass: { ops, inputs },
    variantsOf: ({ variant }) => ['direct', variant],
    boundBuffers: new Map(),
  });
  expect(wrong).toEqual([]);
});

test('what could not be compared for lack of memory is compared at the next visit', async () => {
  const tuningCache = memoryCache();
  const make = Gpu.prototype.createBuffers;
  const short = vi.spyOn(Gpu.prototype, 'createBuffers').mockImplementation(function (this: Gpu, given) {
    if (given[0]?.label.startsWith('comparison')) throw new EngineError('limit', 'no room');
    return make.call(this, given);
  });
  expect(await on(first, wide, fourSteps, { tuningCache })).toMatchObject({ error: undefined });
  expect(short.mock.results.some(({ type }) => type === 'throw')).toBe(true);
  short.mockRestore();
  expect(await on(first, wide, fourSteps, { tuningCache })).toMatchObject({ error: wrong });
});

test('where the gradient is not finite nothing is compared; the comparison follows at a later visit', async () => {
  const tuningCache = memoryCache();
  const huge = async (world: World) => {
    const { unet, trainer, dataset } = world;
    for await (const _ of trainer.fit(dataset, { epochs: 1, maxSteps: 1 }));
    const weights = await unet.getParameters();
    for (const values of weights.values()) values.fill(1e30);
    await unet.setParameters(weights);
    return fourSteps(world);
  };
  const diverged = await healthily(huge, { tuningCache }, tutorial);
  expect(diverged).toMatchObject({ error: { code: 'diverged' }, warnings: [] });
  expect(await on(first, wide, fourSteps, { tuningCache }, tutorial)).toMatchObject({ error: wrong });
});
