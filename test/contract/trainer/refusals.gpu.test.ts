/** What a trainer refuses: each wrong argument by its name, before anything is made, written or recorded on the GPU. */
import { describe, expect, test, vi } from 'vitest';
import type { ErrorCode } from '../../../src/base/errors';
import { Dataset } from '../../../src/data/dataset';
import type { ImageSet } from '../../../src/data/idx';
import { Sampler } from '../../../src/sampling/sampler';
import { Trainer } from '../../../src/training/trainer';
import { Predictor } from '../../../src/unet/predictor';
import { UNet } from '../../../src/unet/unet';
import { testGpu } from '../../lib/gpu';
import { roomFor } from '../../lib/on_gpu';
import { refused, refusedAtOnce } from '../../lib/refused';
import {
  BATCH,
  batchOf,
  conditionedNetwork,
  eventsOf,
  images,
  network,
  SIZE,
  setUp,
} from '../../lib/small_trainer';

const { gpu } = await testGpu();
const { device } = gpu;

/** With all that a trainer may have, and without. */
const { trainer, unet } = await setUp(gpu, { average: {}, customLoss: true });
const told = await setUp(gpu, {}, conditionedNetwork);
const wide = await setUp(gpu, {}, { ...network, outChannels: 2 });
const dataset = await Dataset.create(gpu, images);
const { labels: known, ...unlabelled } = images;

const state = await trainer.getState();
const parameters = await unet.getParameters();
/** A value of a parameter's eight replaced. */
const wrongBias = (value: number) => [0, 0, 0, value, 0, 0, 0, 0];
function withWrong(name: 'moment1' | 'moment2' | 'weights', value: number) {
  const values: unknown = Float64Array.from(state[name]!.get('up.0.kernel')!).fill(value, 7, 8);
  return new Map(state[name]).set('up.0.kernel', values as Float32Array<ArrayBuffer>);
}

const room = roomFor(gpu, BATCH * SIZE);
const buffers = { noisy: room, target: room };
const forward = { input: room, output: room };
const encoder = device.createCommandEncoder();
const elsewhere = device.createCommandEncoder();
// Neither a forward pass nor a gradient is missing.
trainer.encodeForward(elsewhere, forward);
trainer.encodeBackward(elsewhere, { outputGradient: room });
trainer.encodeForward(elsewhere, forward);
const unfit = device.createBuffer({ size: room.size, usage: GPUBufferUsage.STORAGE });
const mapped = device.createBuffer({
  size: room.size,
  mappedAtCreation: true,
  usage: GPUBufferUsage.MAP_WRITE | GPUBufferUsage.COPY_SRC,
});

const two = batchOf(1, 2);
const levels = Float32Array.of(0.2, 0.7);
const labels = [0, 3];

type Row = readonly [given: unknown, ...facts: string[]];
/** Two images of a network with three classes. */
const wrongTold: readonly Row[] = [
  [
    { levels },
    'on the class of each image, and labels are missing. Give numbers from 0 to 2, or 3 for no class',
  ],
  [{ labels }, 'on the noise level of each image, and levels are missing. Give numbers from 0 to 1, one for'],
  [{ levels, labels: [0, 4] }, 'labels[1] is 4; this network has classes 0 to 2, and 3 stands for none.'],
  [{ levels, labels: Float32Array.of(-1, 0) }, 'labels[0] is -1'],
  [{ levels, labels: [0] }, 'labels has 1 values for 2 images; give one for each.'],
  [{ levels, labels: 3 }, 'labels is of type Number; it must be an array of a class for each image, 0 to 2'],
  [{ levels: Float32Array.of(0, NaN), labels }, 'levels[1] is NaN; a noise level is a number from 0 (the'],
  [{ levels: new Float32Array(3), labels }, 'levels has 3 values for 2 images; give one for each.'],
  [{ levels: [0, 1], labels }, 'levels is of type Array; it must be a Float32Array of a noise level'],
];
const notTold: readonly Row[] = [
  [
    { levels },
    'levels are given, and this UNet is not conditioned on the noise level of each image. Leave them out',
  ],
  [{ labels }, 'labels are given, and this UNet is not conditioned on the class'],
];
const wrongSets: readonly Row[] = [
  [unlabelled, 'conditioned on 3 classes, and the data set has no labels.'],
  [
    { ...images, labels: known!.map((label) => 2 * label) },
    'The data set has a label 4; this UNet has 3 classes, 0 to 2.',
  ],
  [
    { ...unlabelled, count: 20, width: 4 },
    'images of 4x4x1; this UNet takes 4x8x1. Create the UNet with that',
  ],
];

interface Refusing {
  // biome-ignore lint/suspicious/noExplicitAny: wrong on purpose.
  readonly call: (given: any) => unknown;
  readonly code?: ErrorCode;
  readonly rows: readonly Row[];
}

const functions: Readonly<Record<string, Refusing>> = {
  createTrainer: {
    call: (options) => Trainer.create(gpu, unet, options),
    rows: [
      [{ batchSize: 0 }, 'batchSize is 0; it must be a whole number from 1 to 65536.'],
      [{ learningRate: NaN }, 'learningRate is NaN'],
      [{ beta2: 1 }, 'beta2 is 1'],
      [{ weightDecay: -0.1 }, 'weightDecay is -0.1; it must be a number from 0 to 1.'],
      [{ clipNorm: 0 }, 'clipNorm is 0; it must be a number from 0.000001 to 1000000.'],
      [{ objective: 'velocity' }, 'objective is velocity; it must be tutorial or flow.'],
      [{ classDropout: 1.1 }, 'classDropout is 1.1; it must be a number from 0 to 1.'],
      [{ schedule: { warmup: 1.5 } }, 'schedule.warmup is 1.5'],
      [{ skipNonFinite: 0.5 }, 'skipNonFinite is 0.5'],
      [{ average: { after: -1 } }, 'average.after is -1'],
      [{ average: { span: -1 } }, 'a number from 0 to 1000000'],
      [{ average: { most: 1.01 } }, 'average.most is 1.01'],
      [{ average: { spam: 9 } }, 'average has no setting spam; it has after, span, most'],
      [{ average: true }, 'average was given settings of type'],
      [{ variants: { 'conv2d/down.0': 'none' } }, 'no variant none'],
      [{ batchsize: 4 }, 'no setting batchsize'],
    ],
  },
  createDataset: {
    call: (change) => Dataset.create(gpu, change && { ...images, ...change }),
    code: 'data',
    rows: [
      [undefined, 'The data set is of type Undefined'],
      [{ labels: [1, 2] }, 'labels are of type Array; a data set takes a Uint8Array'],
      // -1, for none, would be the class 255.
      [{ labels: new Int8Array(10).fill(-1) }, 'labels are of type Int8Array'],
      [
        { labels: new Uint8Array(9) },
        'has 9 labels for 10 images; it needs one for each, in the same order.',
      ],
      [
        { images: Int8Array.from(images.images) },
        'images are of type Int8Array; a data set takes a Uint8Array',
      ],
    ],
  },
  fit: {
    call: (options) => eventsOf(trainer.fit(dataset, options)),
    rows: [
      [{ epochs: 0 }, 'epochs is 0'],
      [{ epochs: 1, seed: -1 }, 'seed is -1'],
      [{ epochs: 1, maxSteps: -1 }, 'maxSteps is -1'],
      [{ epochs: 1, maxStep: 1 }, 'no setting maxStep'],
    ],
  },
  'fit with a data set': {
    call: async (set) => eventsOf(told.trainer.fit(await sets.get(set)!, { epochs: 1 })),
    code: 'data',
    rows: wrongSets,
  },
  'fit of other channels than the images have': {
    call: (set) => eventsOf(wide.trainer.fit(set, { epochs: 1 })),
    rows: [[dataset, 'This UNet makes 2 channels of 1', 'Give batches of your own to step().']],
  },
  'evaluate a data set': {
    call: async (set) => told.trainer.evaluate(await sets.get(set)!),
    code: 'data',
    rows: wrongSets,
  },
  runFor: {
    call: ([source, options]) => trainer.runFor(source, options),
    rows: [
      ...[0, NaN, '5'].map((milliseconds): Row => [[dataset, { milliseconds }], 'milliseconds is ']),
      [[dataset, { milliseconds: 1, shares: 1 }], 'no setting shares'],
      [[dataset, undefined], 'settings of type Undefined'],
      [[undefined, { milliseconds: 1 }], 'not a data set'],
    ],
  },
  'predict, told,': {
    call: (given) => told.unet.predict(two.noisy, { count: 2, ...given }),
    rows: wrongTold,
  },
  'step, told,': { call: (given) => told.trainer.step({ ...two, ...given }), rows: wrongTold },
  'predict, not told,': { call: (given) => unet.predict(two.noisy, { count: 2, ...given }), rows: notTold },
  step: {
    call: (given) => trainer.step({ ...two, ...given }),
    rows: [
      ...notTold,
      [{ target: undefined }, 'target is of type Undefined; it must be a Float32Array of [count][height]'],
      [{ clean: two.noisy }, 'The batch has no setting clean; it has noisy, target, levels, labels, count.'],
      [batchOf(1, 5), '5 images'],
    ],
  },
  encodeStep: {
    call: ({ to = encoder, options, ...given }) => trainer.encodeStep(to, { ...buffers, ...given }, options),
    rows: [
      [two, 'a Float32Array as noisy; all of the batch must be in GPUBuffers. Give arrays to step().'],
      [{ options: { learningRate: -1 } }, 'learningRate is -1'],
      [{ to: {} }, 'The encoder is of'],
    ],
  },
  encodeForward: {
    call: ({ to = encoder, ...given }) => trainer.encodeForward(to, { ...forward, ...given }),
    rows: [
      [{ input: undefined }, 'input is of type Undefined; it must be a GPUBuffer'],
      [{ input: two.noisy }, 'input is of type Float32Array'],
      [{ input: { buffer: room, offset: 2 } }, 'offset 2; it must be a multiple of 4'],
      [{ input: { buffer: room, offset: 4, size: room.size } }, 'lie in the buffer'],
      [{ input: unfit }, 'COPY_SRC'],
      [{ input: mapped }, 'input is mapped'],
      [{ count: 9 }, 'count is 9'],
      [{ levels: room }, 'this UNet is not conditioned'],
      [{ images: room }, 'no setting images'],
      [{ to: null }, 'The encoder is of type Null'],
    ],
  },
  'encodeForward without customLoss': {
    call: (given) => told.trainer.encodeForward(encoder, given),
    rows: [[forward, 'create this one with customLoss: true']],
  },
  encodeBackward: {
    call: (given) => trainer.encodeBackward(encoder, given),
    rows: [[{}, 'outputGradient is of type Undefined']],
  },
  encodeUpdate: {
    call: (given) => trainer.encodeUpdate(encoder, given),
    rows: [
      [{ learningRate: 0 }, 'learningRate is 0'],
      [{ loss: 3 }, 'loss is of type Number'],
    ],
  },
  'a new schedule': {
    call: (schedule) => Object.assign(trainer, { schedule }),
    rows: [
      [{ warmup: -1 }, 'schedule.warmup is -1'],
      ['linear', `schedule is "linear"; it must be 'constant' or`],
    ],
  },
  readLosses: { call: (count) => trainer.readLosses(count), rows: [[1025, 'count is 1025']] },
  setState: {
    call: (change) => trainer.setState({ ...state, step: 7, ...change }),
    rows: [
      [{ corrections: Float32Array.of(0.5) }, 'corrections has 1 values'],
      [{ corrections: Float32Array.of(0.5, 2) }, 'corrections[1] is 2;'],
      [{ moment1: {} }, 'moment1 is of type Object; it must be a Map'],
      [{ moment2: new Map([...state.moment2].slice(1)) }, 'moment2 of down.0.kernel has no values'],
      [{ weights: new Map() }, 'weights of down.0.kernel'],
      ...(
        [
          ['moment1', NaN],
          ['moment1', 1e30],
          ['moment2', Infinity],
          ['moment2', -1],
          ['weights', 1e39],
        ] as const
      ).map(
        ([name, value]): Row => [
          { [name]: withWrong(name, value) },
          `${name} of up.0.kernel is not`,
          `value 7 of ${8 * 4 * 9} is ${value}`,
        ],
      ),
      [
        { adam: { ...state.adam, beta1: 0.5 } },
        'beta1 0.5',
        'this trainer has beta1 0.9',
        '{ ...state.adam }.',
      ],
      [{ adam: { ...state.adam, epsilon: 0.5 } }, 'epsilon 0.5'],
      [{ adam: { ...state.adam, weightDecay: 0.5 } }, 'weightDecay 0.5'],
    ],
  },
  'setState without an average': {
    call: (given) => wide.trainer.setState(given),
    rows: [[state, 'average: {}']],
  },
  setParameters: {
    call: (bias) => unet.setParameters(new Map(parameters).set('down.1.bias', bias)),
    rows: [
      [Float32Array.from(wrongBias(NaN)), 'down.1.bias is not finite: value 3 of 8 is NaN'],
      [Float64Array.from(wrongBias(-1e39)), 'value 3 of 8 is -1e+39, and -Infinity as a 32-bit float'],
    ],
  },
};
/** The data sets that rows name by their images. */
const sets = new Map(wrongSets.map(([set]) => [set, Dataset.create(gpu, set as ImageSet)]));
await Promise.all(sets.values());

test.each(Object.entries(functions))('%s', async (_, { call, code = 'argument', rows }) => {
  const spies = (['beginComputePass', 'copyBufferToBuffer', 'clearBuffer'] as const).map((name) =>
    vi.spyOn(encoder, name),
  );
  for (const [given, ...facts] of rows) await refusedAtOnce(device, () => call(given), code, ...facts);
  for (const spy of spies) expect(spy).not.toHaveBeenCalled();
});

test('what was refused has changed nothing', async () => {
  expect(await trainer.getState()).toEqual(state);
  expect(await unet.getParameters()).toEqual(parameters);
  expect(trainer.schedule).toEqual({ decay: 'none', warmup: 0 });
  await trainer.step(two);
  await told.trainer.evaluate(images);
  trainer.setState(state);
});

test.each([{}, { dropLast: true }])('a fit whose epochs are complete: %o', async (options) => {
  const one = await setUp(gpu);
  const train = (epochs: number) => eventsOf(one.trainer.fit(dataset, { epochs, ...options }));
  const { length } = await train(2);
  for (const epochs of [1, 2])
    await refused(train(epochs), 'argument', `epochs is ${epochs}, and 2 are complete`, 'Give 3 or more');
  expect((await train(3))[0].step).toBe(length + 1);
});

test('each call while another is under way', async () => {
  const { trainer } = await setUp(gpu);
  const calls = {
    step: () => trainer.step(two),
    runFor: () => trainer.runFor(dataset, { milliseconds: 1 }),
    evaluate: () => trainer.evaluate(dataset),
    prepare: () => trainer.prepare(dataset),
    fit: () => eventsOf(trainer.fit(dataset, { epochs: 99, maxSteps: 1 })),
  };
  const others = {
    setState: () => trainer.setState(state),
    encodeStep: () => trainer.encodeStep(encoder, buffers),
  };
  for (const call of Object.values(calls)) {
    const working = call();
    for (const other of Object.values({ ...calls, ...others })) await refused(other, 'busy');
    await working;
  }
});

test('settings that are undefined are the defaults', async () => {
  const none = { beta1: undefined, beta2: undefined, epsilon: undefined, learningRate: undefined };
  const one = await setUp(gpu);
  const other = await setUp(gpu, { ...none, average: undefined });
  for (const { trainer } of [one, other]) await trainer.step(two);
  expect(await other.unet.getParameters()).toEqual(await one.unet.getParameters());
  expect(other.trainer.config).toEqual(one.trainer.config);
});

describe('what no buffer can hold:', () => {
  test('a data set', async () => {
    const { maxBufferSize, maxStorageBufferBindingSize } = device.limits;
    const count = Math.floor(Math.min(maxBufferSize, maxStorageBufferBindingSize) / 2 ** 20) + 1;
    // Nothing but this is looked at.
    const images = { [Symbol.toStringTag]: 'Uint8Array', length: count * 2 ** 20 } as Uint8Array;
    const set = { images, count, height: 1024, width: 1024, channels: 1 };
    const facts = ['fewer or smaller images', 'maxStorageBufferBindingSize'];
    await refused(Dataset.create(gpu, set), 'limit', ...facts);
  });

  test('a batch', async () => {
    using unet = await UNet.create(gpu, { height: 64, width: 64, widths: [32] });
    await refused(Trainer.create(gpu, unet, { batchSize: 4096 }), 'limit', 'smaller batch', 'requestDevice');
  });

  test.each([
    ['batchSize', (unet: UNet, n: number) => Trainer.create(gpu, unet, { batchSize: n })],
    ['count', (unet: UNet, n: number) => Sampler.create(gpu, unet, { count: n })],
    ['count', (unet: UNet, n: number) => Predictor.create(gpu, unet.weights, { count: n })],
  ])('a %s; the error names the largest one that fits: %#', async (option, create) => {
    using unet = await UNet.create(gpu, { height: 8, width: 8, widths: [8] });
    const real = device.limits;
    const limits = { maxBufferSize: 2 ** 18, maxStorageBufferBindingSize: 2 ** 18 };
    const value = new Proxy(real, { get: (_, name: 'maxBufferSize') => limits[name] ?? real[name] });
    Object.defineProperty(device, 'limits', { value, configurable: true });
    try {
      const { message } = await refused(create(unet, 1000), 'limit');
      const largest = Number(new RegExp(` Here ${option} can be up to (\\d+)\\.$`).exec(message)?.[1]);
      expect(largest).toBeGreaterThan(10);
      using made = await create(unet, largest);
      expect(made.bytes).toBeGreaterThan(0);
      await refused(create(unet, largest + 1), 'limit');
    } finally {
      Object.defineProperty(device, 'limits', { value: real, configurable: true });
    }
  });
});
