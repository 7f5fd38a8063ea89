/** Losses and optimizers of the caller's: forward pass, backward pass and update by themselves, and the buffers in between. */
import { describe, expect, test } from 'vitest';
import { TestRandom } from '../../../harness/specs/lib/spec';
import type { TrainerOptions } from '../../../src/training/options';
import type { Trainer } from '../../../src/training/trainer';
import { checkConfig, countOutChannels, type UNetConfig } from '../../../src/unet/config';
import { UNet } from '../../../src/unet/unet';
import { testGpu } from '../../lib/gpu';
import { bufferOf, floatsIn, roomFor, submit } from '../../lib/on_gpu';
import { ReferenceUNet } from '../../lib/reference_unet';
import { refused } from '../../lib/refused';
import { setUp as make, network } from '../../lib/small_trainer';

const { gpu } = await testGpu();

/** With everything that a network can have. */
const rich: Partial<UNetConfig> = {
  ...network,
  channels: 2,
  outChannels: 3,
  convolutionsPerLevel: [1, 2],
  residual: true,
  finalActivation: 'none',
  conditioning: { noiseLevel: true, classes: 3 },
};

/** Loops in f64 know the rounding of plain kernels. */
const setUp = (config: Partial<UNetConfig>, options: TrainerOptions = {}) =>
  make(gpu, { batchSize: 8, customLoss: true, variants: {}, ...options }, config);
type Made = Awaited<ReturnType<typeof setUp>>;

/** The largest difference, as a share of the expected values' rms, or of a value that is larger: its own rounding is. */
function distance(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  const usual = Math.hypot(...Array.from(expected)) / Math.sqrt(expected.length);
  expect(got).toHaveLength(expected.length);
  return Math.max(
    ...Array.from(got, (v, i) => Math.abs(v - expected[i]) / Math.max(usual, Math.abs(expected[i]))),
  );
}

/** `count` images for a network, with the levels and labels that the network takes. */
function imagesFor(config: Partial<UNetConfig>, count = 8, seed = 1) {
  const checked = checkConfig(config);
  const { height, width, channels, conditioning } = checked;
  const random = new TestRandom(seed);
  const input = random.floats(count * height * width * channels, -1, 1);
  const target = random.floats(count * height * width * countOutChannels(checked), -1, 1);
  const conditions = conditioning
    ? { levels: random.floats(count, 0, 1), labels: random.integers(count, conditioning.classes + 1) }
    : {};
  return { count, input, target, conditions };
}
type Images = ReturnType<typeof imagesFor>;

/** The same as buffers. */
const conditionsOnGpu = ({ conditions: { levels, labels } }: Images) =>
  levels && labels ? { levels: bufferOf(gpu, levels), labels: bufferOf(gpu, labels) } : {};

/** A forward pass; resolves to its output. */
async function forward(trainer: Trainer, given: Images) {
  const output = roomFor(gpu, given.target.length + 4);
  const buffers = {
    input: { buffer: bufferOf(gpu, given.input, 16), offset: 16 },
    output: { buffer: output, offset: 16 },
    ...conditionsOnGpu(given),
  };
  submit(gpu, (encoder) => trainer.encodeForward(encoder, { ...buffers, count: given.count }));
  return (await floatsIn(gpu, output)).subarray(4);
}

/** dL/d(output) of the mean squared error over `elements` values. */
const slope = (output: Float32Array, target: Float32Array, elements = output.length) =>
  output.map((v, i) => (2 * (v - target[i])) / elements);

function backward(trainer: Trainer, gradient: ArrayLike<number>, accumulate?: boolean): void {
  const outputGradient = bufferOf(gpu, Float32Array.from(gradient));
  submit(gpu, (encoder) => trainer.encodeBackward(encoder, { outputGradient, accumulate }));
}

/** The gradient on the GPU, of all parameters one after the other. */
async function gradientOf({ unet, trainer }: Made) {
  const all = await floatsIn(gpu, trainer.buffers.gradient!);
  return unet.parameters.flatMap(({ offset, size }) => [...all.subarray(offset, offset + size)]);
}

const flatten = (named: ReadonlyMap<string, ArrayLike<number>>) =>
  [...named.values()].flatMap((v) => Array.from(v));

describe.each([
  ['a small tutorial network', network],
  ['a network with all features', rich],
])('a custom loss of %s:', (_, config) => {
  test('encodeForward gives the output of predict, encodeBackward the gradient of the reference', async () => {
    const { unet, trainer } = await setUp(config);
    const given = imagesFor(config, 5);
    const output = await forward(trainer, given);
    // The predictor has other kernels.
    const predicted = await unet.predict(given.input, { count: 5, ...given.conditions });
    expect(distance(output, predicted)).toBeLessThan(1e-5);
    const reference = new ReferenceUNet(checkConfig(config), await unet.getParameters());
    // The sum of the absolute errors, which no other part of the engine knows.
    const { signs } = reference.absolute(given.input, given.target, 5, given.conditions);
    backward(trainer, signs);
    expect(distance(await gradientOf({ unet, trainer }), flatten(reference.gradients))).toBeLessThan(1e-5);
  });

  test('the gradients of four batches add up to the gradient of one large batch', async () => {
    const one = await setUp(config, { batchSize: 32 });
    const whole = imagesFor(config, 32);
    backward(one.trainer, slope(await forward(one.trainer, whole), whole.target));
    const expected = await gradientOf(one);
    const two = await setUp(config);
    for (let i = 0; i < 4; i++) {
      const part = <T extends Float32Array | Uint32Array>(all: T) =>
        all.slice((i * all.length) / 4, ((i + 1) * all.length) / 4) as T;
      const { levels, labels } = whole.conditions;
      const conditions = levels ? { levels: part(levels), labels: part(labels) } : {};
      const given = { count: 8, input: part(whole.input), target: part(whole.target), conditions };
      const output = await forward(two.trainer, given);
      backward(two.trainer, slope(output, given.target, whole.target.length), i > 0);
    }
    // Sums of 32 images of 32 pixels in two orders: each is rounded at every addition, at random, by 2^-24 times the square root of their number.
    expect(distance(await gradientOf(two), expected)).toBeLessThan(2 * Math.sqrt(32 * 32) * 2 ** -24);
  });
});

test('getGradients gives the last gradient, whether of the custom or of the trainer’s own loss', async () => {
  const made = await setUp(rich);
  const { trainer } = made;
  const given = imagesFor(rich);
  const own = () => trainer.step({ noisy: given.input, target: given.target, ...given.conditions });
  const gradients = async () => flatten(await trainer.getGradients());
  await forward(trainer, given);
  backward(trainer, given.target);
  const custom = await gradients();
  expect(custom).toEqual(await gradientOf(made));
  submit(gpu, (encoder) => trainer.encodeUpdate(encoder));
  expect(await gradients()).toEqual(custom);
  await own();
  expect(await gradients()).not.toEqual(custom);
});

describe('encodeUpdate', () => {
  /** A forward and a backward pass of the squared error. */
  async function passed(options: TrainerOptions = {}) {
    const made = await setUp(network, { learningRate: 2e-3, ...options });
    const given = imagesFor(network);
    backward(made.trainer, slope(await forward(made.trainer, given), given.target));
    return made;
  }

  test.each([
    ['the trainer’s settings', {}, { rate: 2e-3, decay: 0.5, clip: 1e-2 }],
    [
      'its own settings',
      { learningRate: 0.03, weightDecay: 0.25, clipNorm: 1e-3 },
      { rate: 0.03, decay: 0.25, clip: 1e-3 },
    ],
  ])('updates as Adam does with %s', async (_, options, expected) => {
    const { rate, decay, clip } = expected;
    // An epsilon as large as gradients are shows how long they are.
    const settings = { learningRate: 2e-3, weightDecay: 0.5, clipNorm: 1e-2, epsilon: 1e-4 };
    const made = await passed(settings);
    const { unet, trainer } = made;
    const before = flatten(await unet.getParameters());
    const gradient = await gradientOf(made);
    const loss = { buffer: bufferOf(gpu, Float32Array.of(7, 0.375)), offset: 4 };
    submit(gpu, (encoder) => trainer.encodeUpdate(encoder, { loss, ...options }));
    const norm = Math.hypot(...gradient);
    expect(norm).toBeGreaterThan(0.02);
    // After a first step both moments, corrected, are the gradient and its square.
    const wanted = before.map((w, i) => {
      const g = (gradient[i] * clip) / norm;
      return w * (1 - rate * decay) - (rate * g) / (Math.abs(g) + 1e-4);
    });
    // WGSL grants a division 2.5 units in the last place and a square root 4.5: of the norm, the clipping, both corrections and the quotient
    // 2 x 4.5 + 4 x 2.5 at most, of a change that is smaller than the weights are.
    expect(distance(flatten(await unet.getParameters()), wanted)).toBeLessThan(19 * 2 ** -23);
    expect([...(await trainer.readLosses(1))]).toEqual([0.375]);
    const [recorded, learningRate, length] = await floatsIn(gpu, trainer.buffers.records);
    expect({ recorded, learningRate }).toEqual({ recorded: 0.375, learningRate: Math.fround(rate) });
    expect(length / norm).toBeCloseTo(1, 5);
  });

  test('also updates the average of the weights that the UNet has', async () => {
    const { trainer, unet } = await passed({ average: { after: 5 } });
    const before = await unet.getParameters();
    submit(gpu, (encoder) => trainer.encodeUpdate(encoder));
    const weights = await floatsIn(gpu, trainer.buffers.parameters);
    // Until step 5 the average is the weights.
    const own = unet.parameters.map(({ offset, size }) => weights.slice(offset, offset + size));
    expect(own).toEqual([...(await unet.getParameters()).values()]);
    expect(own).not.toEqual([...before.values()]);
    expect(trainer.buffers.parameters).not.toBe(unet.parameterBuffer);
  });

  test('is not needed: encodePack makes parameters that the caller’s shader wrote the network’s', async () => {
    const { trainer, unet } = await setUp(network);
    const predict = (of = unet) => of.predict(imagesFor(network).input, { count: 8 });
    const before = await predict();
    const other = await UNet.create(gpu, network, { seed: 9 });
    const { parameters } = trainer.buffers;
    submit(gpu, (encoder) => {
      encoder.copyBufferToBuffer(other.parameterBuffer, 0, parameters, 0, parameters.size);
      trainer.encodePack(encoder);
    });
    expect(await unet.getParameters()).toEqual(await other.getParameters());
    expect(await predict()).not.toEqual(before);
    expect(await predict()).toEqual(await predict(other));
    // And without a trainer, where predictions keep what they derive from weights.
    trainer.destroy();
    await predict();
    submit(gpu, (encoder) => {
      encoder.clearBuffer(unet.parameterBuffer);
      unet.encodePack(encoder);
    });
    expect(new Set(await predict())).toEqual(new Set([0]));
  });
});

test('a backward pass without a forward pass, and an update without a gradient, are refused', async () => {
  const { trainer } = await setUp(network);
  const room = roomFor(gpu, imagesFor(network).input.length);
  const encoder = gpu.device.createCommandEncoder();
  const forward = () => trainer.encodeForward(encoder, { input: room, output: room });
  const back = () => trainer.encodeBackward(encoder, { outputGradient: room });
  const update = () => trainer.encodeUpdate(encoder);
  const batch = { noisy: room, target: room };
  for (let twice = 0; twice < 2; twice++) {
    await refused(
      back,
      'argument',
      'There is no forward pass to go back through. Record encodeForward first',
    );
    await refused(update, 'argument', 'There is no gradient to update by');
    forward();
    back();
    update();
  }
  for (const another of [
    () => trainer.encodeStep(encoder, batch),
    () => trainer.step(batch),
    () => trainer.runFor(() => batch, { milliseconds: 1 }),
  ]) {
    forward();
    await another();
    await refused(back, 'argument', 'another step has overwritten it');
  }
  gpu.device.queue.submit([encoder.finish()]);
});
