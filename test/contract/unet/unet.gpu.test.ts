/** Networks of many shapes against the f64 reference of the whole training step; predictions, recorded or not; weights of others. */
import { describe, expect, test, vi } from 'vitest';
import { TestRandom } from '../../../harness/specs/lib/spec';
import { Dataset } from '../../../src/data/dataset';
import { Program } from '../../../src/gpu/program';
import { readBuffer } from '../../../src/gpu/staging';
import { tensor } from '../../../src/plan/tensor';
import { Trainer } from '../../../src/training/trainer';
import { backwardPass, planGradients } from '../../../src/unet/backward';
import { checkConfig, countOutChannels, listLayers, type UNetConfig } from '../../../src/unet/config';
import { forwardPass } from '../../../src/unet/forward';
import { Predictor } from '../../../src/unet/predictor';
import { UNet } from '../../../src/unet/unet';
import { defaultVariants } from '../../../src/unet/variants';
import { testGpu } from '../../lib/gpu';
import {
  bufferOf,
  expectSteps,
  floatsIn,
  randomParameters,
  relativeError,
  roomFor,
  submit,
} from '../../lib/on_gpu';
import { ReferenceUNet } from '../../lib/reference_unet';
import { refused } from '../../lib/refused';

const { gpu, kinds } = await testGpu();

/** All that a network can have, each in few rows. Batches of different sizes: a later one leaves places of the one before unfilled. */
const both = (classes: number) => ({
  conditioning: { noiseLevel: true, classes },
  finalActivation: 'none' as const,
});
const networks: readonly [title: string, counts: number[], config: Partial<UNetConfig>][] = [
  ['one level, one pixel', [1, 2], { height: 1, width: 1, widths: [3], kernelSize: 3 }],
  [
    'RGB, one level, told both',
    [3, 4],
    { height: 3, width: 5, channels: 3, widths: [6], kernelSize: 3, ...both(1) },
  ],
  [
    'kernel 5, two channels to three, told both',
    [3, 4],
    { height: 6, width: 10, channels: 2, outChannels: 3, widths: [8, 12], ...both(10) },
  ],
  [
    'three levels, told classes',
    [3, 4],
    {
      height: 8,
      width: 4,
      widths: [4, 6, 9],
      kernelSize: 3,
      conditioning: { noiseLevel: false, classes: 3 },
    },
  ],
  [
    'two levels, told the noise level',
    [3, 4],
    { height: 4, width: 6, widths: [5, 7], kernelSize: 3, conditioning: { noiseLevel: true, classes: 0 } },
  ],
  ['four levels', [5, 5, 2], { height: 16, width: 8, widths: [3, 8, 5, 11], kernelSize: 3 }],
  ['kernel 7', [1, 1], { height: 8, width: 8, widths: [6, 16], kernelSize: 7 }],
  [
    'two convolutions a level',
    [3, 2],
    { height: 8, width: 4, widths: [5, 6], kernelSize: 3, convolutionsPerLevel: 2 },
  ],
  [
    'residuals, four levels, RGB',
    [2, 1],
    {
      height: 8,
      width: 16,
      channels: 3,
      widths: [4, 5, 6, 7],
      kernelSize: 3,
      convolutionsPerLevel: [1, 2, 1, 3],
      residual: true,
    },
  ],
  [
    'residuals, one level',
    [2, 3],
    { height: 3, width: 5, widths: [6], kernelSize: 3, convolutionsPerLevel: 3, residual: true },
  ],
  [
    'residuals, three levels, told both',
    [3, 4],
    {
      height: 16,
      width: 16,
      widths: [16, 24, 32],
      kernelSize: 3,
      convolutionsPerLevel: [1, 2, 3],
      residual: true,
      ...both(10),
    },
  ],
  ['widths of the digits, told both', [5, 3], { height: 16, width: 16, widths: [32, 64, 64], ...both(10) }],
];
describe.each(networks)('%s:', (_, counts, given) => {
  const config = checkConfig(given);
  const { height, width, channels, conditioning: { noiseLevel = false, classes = 0 } = {} } = config;
  const batchSize = Math.max(...counts);
  test.each(kinds)(
    'predictions, losses, gradients and weights are the reference’s in several steps, by the usual kernels for %s',
    async (kind) => {
      const variants = defaultVariants(listLayers(config), batchSize, gpu.device, kind);
      await expectSteps(gpu, given, { batchSize, variants }, (random) =>
        counts.map((count) => ({
          count,
          noisy: random.floats(count * height * width * channels, -1, 1),
          target: random.floats(count * height * width * countOutChannels(config), -1, 1),
          conditions: {
            ...(noiseLevel ? { levels: random.floats(count, 0, 1) } : {}),
            ...(classes > 0 ? { labels: random.integers(count, classes + 1) } : {}),
          },
        })),
      );
    },
  );
});

describe('the transformed kernels of predictions', () => {
  const images = new TestRandom(5).floats(4 * 64, 0, 1);
  const variants = { 'conv2d/down.1': 'winograd7' };
  /** By this device's usual choice there may be nothing to transform. */
  const chooser = { choose: async () => ({ variants, isFixed: false }), replace: async () => undefined };
  const create = (seed = 0) => UNet.create(gpu, { height: 8, width: 8, widths: [8, 8] }, { seed }, chooser);
  const predict = (unet: UNet) => unet.predict(images, { count: 4 });
  /** By a network of its own, which has made no prediction before. */
  const expected = async (unet: UNet) => {
    using fresh = await create();
    await fresh.setParameters(await unet.getParameters());
    return await predict(fresh);
  };

  test('are made again only when the weights may have changed', async () => {
    using unet = await create(1);
    const replace = async (seed: number) => {
      using other = await create(seed);
      await unet.setParameters(await other.getParameters());
    };
    const trainers: Trainer[] = [];
    const train = async (batchSize: number) => {
      trainers.push(await Trainer.create(gpu, unet, { batchSize, learningRate: 0.01, variants }));
    };
    const destroyOne = () => trainers.pop()!.destroy();
    const step = () => trainers[0].step({ noisy: images, target: images });
    const failing = async () => {
      await replace(3);
      vi.spyOn(gpu, 'runAnd').mockRejectedValueOnce(new Error('once'));
      await expect(predict(unet)).rejects.toThrow('once');
      vi.restoreAllMocks();
    };
    const nothing = () => {};
    // One program, and one more that transforms.
    for (const [what, happens, programs] of [
      ['nothing was predicted', nothing, 2],
      ['nothing happened', nothing, 1],
      ['the weights were replaced', () => replace(2), 2],
      ['a prediction failed before it made them', failing, 2],
      ['nothing happened since', nothing, 1],
      ['there is a trainer', () => train(4), 2],
      ['it made a step', step, 2],
      ['it may make one', nothing, 2],
      ['there are two', () => train(2), 2],
      ['one is gone', destroyOne, 2],
      ['the other may make a step', nothing, 2],
      ['it made one and is gone', () => step().then(destroyOne), 2],
      ['nothing happened without a trainer', nothing, 1],
    ] as const) {
      await happens();
      const run = vi.spyOn(gpu, 'runAnd');
      const values = await predict(unet);
      expect(
        run.mock.calls.map(([programs]) => programs.length),
        what,
      ).toEqual([programs]);
      vi.restoreAllMocks();
      expect(values, what).toEqual(await expected(unet));
    }
  });

  test('are made by a recorded prediction when it is submitted, whatever came between', async () => {
    using unet = await create(1);
    using other = await create(2);
    using predictor = await Predictor.create(gpu, unet.weights, { count: 4, variants });
    const buffer = bufferOf(gpu, images);
    const encoder = gpu.device.createCommandEncoder();
    predictor.encode(encoder, buffer, buffer);
    await unet.setParameters(await other.getParameters());
    gpu.device.queue.submit([encoder.finish()]);
    expect(relativeError(await floatsIn(gpu, buffer), await predict(other))).toBeLessThan(1e-4);
    buffer.destroy();
  });
});

/** Small, and 16 pixels. */
const config = { height: 4, width: 4, widths: [4, 8], kernelSize: 3 };

describe('predict', () => {
  test('called several times at once gives each call its own result, in turns where there are many images', async () => {
    const told = { ...config, conditioning: { noiseLevel: true, classes: 3 } };
    using unet = await UNet.create(gpu, told, { seed: 5 });
    const reference = new ReferenceUNet(unet.config, await unet.getParameters());
    const random = new TestRandom(13);
    const calls = [1, 200, 70].map((count) => ({
      count,
      images: random.floats(count * 16, 0, 1),
      levels: random.floats(count, 0, 1),
      labels: random.integers(count, 4),
    }));
    const together = await Promise.all(
      calls.map(({ images, labels, ...more }) => unet.predict(images, { ...more, labels: [...labels] })),
    );
    for (const [i, { images, count, ...conditions }] of calls.entries()) {
      const expected = reference.predict(images, count, conditions);
      expect(relativeError(together[i], expected), `call ${i}`).toBeLessThan(1e-5);
    }
  });

  test.each<[images: unknown, options: unknown, fact: string]>([
    [new Float64Array(16), { count: 1 }, 'images is of type Float64Array; it must be a Float32Array'],
    [new Float32Array(15), { count: 1 }, '15 values'],
  ])('refuses %o, %j', async (images, options, fact) => {
    using unet = await UNet.create(gpu, config, { seed: 5 });
    await refused(unet.predict(images as never, options as never), 'argument', fact);
  });
});

test('Winograd transforms kept for the kernel gradient give the same bits, also in three chunks of images', async () => {
  const batch = 600;
  using unet = await UNet.create(gpu, { height: 14, width: 14, widths: [8, 64] }, { seed: 5 });
  const { plan, boundBuffers } = unet.weights;
  const size = 14 * 14 * batch;
  const [input, pre, outputGrad] = ['input', 'pre', 'grad'].map((name) => tensor(name, size));
  const choose = (_: string, layer: string) => (layer === 'down.1' ? 'winograd7' : undefined);
  const { all: gradients, byLayer } = planGradients(plan.layers, batch, choose);
  const own = [input, pre, outputGrad, gradients];
  const buffers = await gpu.createBuffers(own.map((t) => ({ label: t.label, bytes: t.size * 4 })));
  const fixed = new Map([...boundBuffers, ...own.map((t, i) => [t, buffers[i]] as const)]);
  const random = new TestRandom(4);
  for (const i of [0, 2]) await gpu.write(buffers[i], 0, random.floats(size) as Float32Array<ArrayBuffer>);
  const results = [];
  // Three chunks: of the input for the convolution, of the output gradient, and perhaps of the input again.
  for (const [keeps, transforms] of [
    [false, 9],
    [true, 6],
  ] as const) {
    const conditions = { levels: tensor('levels', batch), classes: tensor('classes', batch) };
    const forward = forwardPass(plan, batch, input, pre, conditions, choose, keeps);
    const ops = [...forward.ops, ...backwardPass(forward, batch, outputGrad, byLayer, choose).ops];
    const calls = ops.flatMap((op) => op.calls);
    expect(calls.filter(({ shader }) => shader.name === 'conv2d.winograd7_input')).toHaveLength(transforms);
    const program = await Program.compile(gpu, 'passes', ops, fixed);
    await gpu.run([program]);
    program.destroy();
    results.push(new Uint32Array(await readBuffer(gpu, buffers[3], gradients.size)));
  }
  expect(results[1]).toEqual(results[0]);
  expect(results[0].some((word) => word !== 0)).toBe(true);
  for (const b of buffers) b.destroy();
});

describe('a predictor', () => {
  const count = 5;
  const images = new TestRandom(13).floats(count * 16, 0, 1);

  test('predicts from buffer to buffer, with the weights at the time of submission', async () => {
    using unet = await UNet.create(gpu, config, { seed: 5 });
    using predictor = await Predictor.create(gpu, unet.weights, { count });
    const input = bufferOf(gpu, images);
    const output = roomFor(gpu, count * 16 + 4);
    for (const seed of [5, 6]) {
      using other = await UNet.create(gpu, config, { seed });
      await unet.setParameters(await other.getParameters());
      submit(gpu, (encoder) => {
        predictor.encode(encoder, input, output);
        predictor.encode(encoder, output, output);
      });
      const twice = await other.predict(await other.predict(images, { count }), { count });
      expect(await floatsIn(gpu, output)).toEqual(Float32Array.of(...twice, 0, 0, 0, 0));
    }
    expect(await floatsIn(gpu, input)).toEqual(images);
    for (const b of [input, output]) b.destroy();
  });

  test('that is destroyed while its next images wait leaves nothing behind that another call meets', async () => {
    using unet = await UNet.create(gpu, config, { seed: 5 });
    using other = await UNet.create(gpu, config, { seed: 6 });
    const expected = await other.predict(images, { count });
    const predictor = await Predictor.create(gpu, unet.weights, { count });
    const runs = [predictor.run(images), predictor.run(images)];
    predictor.destroy();
    for (const run of runs) await refused(run, 'destroyed');
    expect(await other.predict(images, { count })).toEqual(expected);
  });

  test('refuses wrong buffers and options before anything is recorded', async () => {
    using unet = await UNet.create(gpu, { ...config, conditioning: { noiseLevel: true, classes: 3 } });
    using predictor = await Predictor.create(gpu, unet.weights, { count });
    const [small, right, told] = [count * 16 - 1, count * 16, count].map((n) => roomFor(gpu, n));
    const usage = GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ;
    const [unreadable] = await gpu.createBuffers([{ label: 'images', bytes: count * 64, usage }]);
    const encoder = gpu.device.createCommandEncoder();
    const copied = vi.spyOn(encoder, 'copyBufferToBuffer');
    const short = roomFor(gpu, count - 1);
    const encode = (input: GPUBuffer, output: GPUBuffer, other = {}) =>
      predictor.encode(encoder, input, output, { levels: told, labels: told, ...other });
    for (const [work, fact] of [
      [() => encode(small, right), `input has ${count * 64 - 4} bytes`],
      [() => encode(right, small), `it needs ${count * 64} bytes and COPY_DST`],
      [() => encode(unreadable, right), 'COPY_SRC'],
      [() => encode(right, right, { levels: short }), `levels has ${count * 4 - 4} bytes`],
      [() => encode(right, right, { labels: short }), `labels has ${count * 4 - 4} bytes`],
    ] as const)
      await refused(work, 'argument', fact);
    expect(copied).not.toHaveBeenCalled();
    for (const options of [{ count: 0 }, { counts: 3 }, { variants: { 'conv2d/down.0': 'best' } }])
      await refused(Predictor.create(gpu, unet.weights, options), 'argument');
    encode(right, unreadable);
    for (const b of [small, right, told, short, unreadable]) b.destroy();
  });
});

describe('takeParameters', () => {
  const knowing = (classes: number) => ({
    ...config,
    widths: [4, 6],
    conditioning: { noiseLevel: true, classes },
  });
  const TABLE = 'conditioning.hidden.classes';
  const bare = async (unet: UNet) =>
    new Map([...(await unet.getParameters())].filter(([name]) => name !== TABLE));

  test.each([
    ['without classes', 3, 0, [TABLE]],
    ['with another number of classes', 3, 5, [TABLE]],
    ['with the same number of classes', 3, 3, []],
  ])('sets all weights of a network %s, and names what it leaves', async (_, own, others, left) => {
    using unet = await UNet.create(gpu, knowing(own), { seed: 1 });
    using other = await UNet.create(gpu, knowing(others), { seed: 2 });
    const random = new TestRandom(3);
    const given = randomParameters(other, random);
    const table = (await unet.getParameters()).get(TABLE);
    expect(await unet.takeParameters(given)).toEqual(left);
    const now = await unet.getParameters();
    expect([...now.keys()]).toEqual(unet.parameters.map(({ name }) => name));
    for (const [name, values] of now)
      expect(values, name).toEqual(left.includes(name) ? table : given.get(name));
    // The kernels' copies are of the same weights.
    using same = await UNet.create(gpu, knowing(own));
    await same.setParameters(now);
    const images = random.floats(2 * 16, -1, 1);
    const options = { levels: Float32Array.of(0.2, 0.8), ...(own > 0 ? { labels: [0, own] } : {}) };
    expect(await unet.predict(images, options)).toEqual(await same.predict(images, options));
  });

  test('refuses any other difference with its name, and changes nothing', async () => {
    using unet = await UNet.create(gpu, knowing(3), { seed: 1 });
    using classless = await UNet.create(gpu, knowing(0), { seed: 1 });
    const before = await unet.getParameters();
    const given = await bare(unet);
    const bias = new Float32Array(4);
    for (const [values, ...facts] of [
      [new Map([...given].slice(2)), 'missing down.0.kernel; missing down.0.bias.'],
      [new Map([...given, ['net.bias', bias]]), 'unknown net.bias.'],
      [new Map([...given, ['down.0.bias', bias.subarray(1)]]), 'down.0.bias has 3 values instead of 4 (4).'],
      [new Map([...given, ['down.0.bias', bias.map(() => Number.NaN)]]), 'down.0.bias', 'not finite'],
      [undefined],
      [[...given]],
    ] as const)
      await refused(unet.takeParameters(values as never), 'argument', ...facts);
    // A table that there is no place for is no table that is left.
    await refused(classless.takeParameters(before), 'argument', `unknown ${TABLE}`);
    expect(await unet.getParameters()).toEqual(before);
  });

  test('is busy in the middle of a fit, and works after it', async () => {
    using unet = await UNet.create(gpu, knowing(3), { seed: 1 });
    using trainer = await Trainer.create(gpu, unet, { batchSize: 2, objective: 'flow' });
    const given = await bare(unet);
    const images = { images: new Uint8Array(4 * 16), count: 4, height: 4, width: 4, channels: 1 };
    using dataset = await Dataset.create(gpu, { ...images, labels: new Uint8Array(4) });
    const isBusy = () => refused(unet.takeParameters(given), 'busy', 'in the middle of a step, a fit');
    let events = 0;
    for await (const _ of trainer.fit(dataset, { epochs: 2 })) if (events++ === 0) await isBusy();
    expect(events).toBe(4);
    // What was taken is what is trained on, of the table what the training made of it.
    const trained = await unet.getParameters();
    expect(await unet.takeParameters(given)).toEqual([TABLE]);
    expect(await unet.getParameters()).toEqual(new Map([...trained, ...given]));
  });
});
