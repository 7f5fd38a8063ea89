/** Losses and optimizers of the caller's: forward pass, backward pass and update by themselves, and the buffers in between. */
import { describe, expect, test, vi } from 'vitest';
import { Random } from '../../../harness/specs/lib/spec';
import type { TrainerOptions } from '../../../src/training/options';
import { Trainer } from '../../../src/training/trainer';
import { checkConfig, outChannelsOf, type UNetConfig } from '../../../src/unet/config';
import { UNet } from '../../../src/unet/unet';
import { testGpu } from '../../lib/gpu';
import { bufferOf, floatsIn, roomFor, submit } from '../../lib/on_gpu';
import { ReferenceUNet } from '../../lib/reference_unet';
import { refused } from '../../lib/refused';

const { gpu } = await testGpu();
const { queue } = gpu.device;

const small: Partial<UNetConfig> = { height: 4, width: 8, widths: [4, 8], kernelSize: 3 };
/** With everything that a network can have. */
const rich: Partial<UNetConfig> = {
  ...small,
  channels: 2,
  outChannels: 3,
  convolutionsPerLevel: [1, 2],
  residual: true,
  finalActivation: 'none',
  conditioning: { noiseLevel: true, classes: 3 },
};
/** Loops in f64 know these kernels' rounding. */
const plain = { variants: {} };

async function setUp(config: Partial<UNetConfig>, options: TrainerOptions = {}) {
  const unet = await UNet.create(gpu, config, { seed: 3 });
  const trainer = await Trainer.create(gpu, unet, { batchSize: 8, customLoss: true, ...plain, ...options });
  return { unet, trainer };
}

const rms = (values: ArrayLike<number>) =>
  Math.sqrt(Array.from(values, (v) => v * v).reduce((a, b) => a + b, 0) / values.length);

/** The largest difference, as a share of the expected values' rms, or of a value that is larger: its own rounding is. */
function distance(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  const usual = rms(expected);
  const errors = Array.from(
    got,
    (v, i) => Math.abs(v - expected[i]) / Math.max(usual, Math.abs(expected[i])),
  );
  expect(errors).toHaveLength(expected.length);
  return Math.max(...errors);
}

/** `count` images for a network, with the levels and labels that the network takes, as arrays and as buffers. */
async function imagesFor(config: Partial<UNetConfig>, count: number, seed = 1) {
  const { height, width, channels, conditioning } = checkConfig(config);
  const random = new Random(seed);
  const size = height * width;
  const outSize = size * outChannelsOf(checkConfig(config));
  const input = random.floats(count * size * channels, -1, 1);
  const target = random.floats(count * outSize, -1, 1);
  const conditions = conditioning
    ? {
        levels: random.floats(count, 0, 1),
        labels: random.integers(count, conditioning.classes + 1),
      }
    : {};
  return { count, input, target, conditions, outSize: count * outSize };
}

/** A forward pass; resolves to its output. */
async function forward(trainer: Trainer, given: Awaited<ReturnType<typeof imagesFor>>) {
  const { count, input, conditions, outSize } = given;
  const output = roomFor(gpu, outSize + 4);
  const buffers = {
    input: { buffer: bufferOf(gpu, input, 16), offset: 16 },
    output: { buffer: output, offset: 16 },
    ...(conditions.levels
      ? { levels: bufferOf(gpu, conditions.levels), labels: bufferOf(gpu, conditions.labels) }
      : {}),
  };
  submit(gpu, (encoder) => trainer.encodeForward(encoder, { ...buffers, count }));
  return (await floatsIn(gpu, output)).subarray(4);
}

/** dL/d(output) of the mean squared error over `images` images. */
const slope = (output: Float32Array, target: Float32Array, elements = output.length) =>
  output.map((v, i) => (2 * (v - target[i])) / elements);

async function backward(trainer: Trainer, gradient: Float32Array, accumulate?: boolean) {
  const outputGradient = bufferOf(gpu, gradient);
  submit(gpu, (encoder) => trainer.encodeBackward(encoder, { outputGradient, accumulate }));
}

/** The gradient on the GPU, of all parameters one after the other. */
async function gradientOf({ unet, trainer }: { unet: UNet; trainer: Trainer }) {
  const all = await floatsIn(gpu, trainer.buffers.gradient!);
  return unet.parameters.flatMap(({ offset, size }) => [...all.subarray(offset, offset + size)]);
}

const flatten = (named: ReadonlyMap<string, ArrayLike<number>>) =>
  [...named.values()].flatMap((v) => [...Array.from(v)]);

describe.each([
  ['a small tutorial network', small],
  ['a network with all features', rich],
])('a custom loss of %s:', (_, config) => {
  test('encodeForward gives the output of predict, encodeBackward the gradient of the reference', async () => {
    const { unet, trainer } = await setUp(config);
    const given = await imagesFor(config, 5);
    const output = await forward(trainer, given);
    // The predictor has other kernels.
    expect(distance(output, await unet.predict(given.input, { count: 5, ...given.conditions }))).toBeLessThan(
      1e-5,
    );
    const reference = new ReferenceUNet(checkConfig(config), await unet.getParameters());
    // The sum of the absolute errors, which no other part of the engine knows.
    const { signs } = reference.absolute(given.input, given.target, 5, given.conditions);
    await backward(trainer, Float32Array.from(signs));
    expect(distance(await gradientOf({ unet, trainer }), flatten(reference.gradients))).toBeLessThan(1e-5);
  });

  test('getGradients gives the last gradient, whether of the custom or of the trainer’s own loss', async () => {
    const { unet, trainer } = await setUp(config);
    const given = await imagesFor(config, 8);
    const ordinary = { noisy: given.input, target: given.target, ...given.conditions };
    const gradients = async () => flatten(await trainer.getGradients());
    await trainer.step(ordinary);
    const first = await gradients();
    const { signs } = new ReferenceUNet(checkConfig(config), await unet.getParameters()).absolute(
      given.input,
      given.target,
      8,
      given.conditions,
    );
    for (const accumulate of [false, true]) {
      await forward(trainer, given);
      await backward(trainer, Float32Array.from(signs), accumulate);
      expect(await gradients()).toEqual(await gradientOf({ unet, trainer }));
      expect(distance(await gradients(), first)).toBeGreaterThan(0.5);
    }
    const sum = await gradients();
    submit(gpu, (encoder) => trainer.encodeUpdate(encoder));
    expect(await gradients()).toEqual(sum);
    await trainer.step(ordinary);
    expect(await gradients()).not.toEqual(sum);
    const [noisy, target] = [bufferOf(gpu, given.input), bufferOf(gpu, given.target)];
    const conditions = given.conditions.levels
      ? { levels: bufferOf(gpu, given.conditions.levels), labels: bufferOf(gpu, given.conditions.labels) }
      : {};
    await forward(trainer, given);
    await backward(trainer, Float32Array.from(signs));
    submit(gpu, (encoder) => trainer.encodeStep(encoder, { noisy, target, ...conditions }));
    expect(await gradients()).not.toEqual(await gradientOf({ unet, trainer }));
  });

  test('with the slope of the trainer’s own loss, encodeBackward gives the gradient of an ordinary step', async () => {
    const one = await setUp(config);
    const given = await imagesFor(config, 8);
    const output = await forward(one.trainer, given);
    await backward(one.trainer, slope(output, given.target));
    const two = await setUp(config, { customLoss: false });
    await two.trainer.step({ noisy: given.input, target: given.target, ...given.conditions });
    const gradient = flatten(await two.trainer.getGradients());
    expect(distance(await gradientOf(one), gradient)).toBeLessThan(1e-6);
  });

  test('the gradients of four batches add up to the gradient of one large batch', async () => {
    const one = await setUp(config, { batchSize: 32 });
    const whole = await imagesFor(config, 32);
    await backward(one.trainer, slope(await forward(one.trainer, whole), whole.target));
    const expected = await gradientOf(one);
    const two = await setUp(config);
    for (let i = 0; i < 4; i++) {
      const part = <T extends Float32Array | Uint32Array>(all: T) =>
        all.slice((i * all.length) / 4, ((i + 1) * all.length) / 4) as T;
      const { levels, labels } = whole.conditions;
      const conditions = levels ? { levels: part(levels), labels: part(labels) } : {};
      const given = { count: 8, input: part(whole.input), target: part(whole.target), conditions };
      const output = await forward(two.trainer, { ...given, outSize: whole.outSize / 4 });
      await backward(two.trainer, slope(output, given.target, whole.outSize), i > 0);
    }
    // Sums of 32 images of 32 pixels in two orders: each is rounded at every addition, at random, by 2^-24 times the square root of their number.
    expect(distance(await gradientOf(two), expected)).toBeLessThan(2 * Math.sqrt(32 * 32) * 2 ** -24);
  });
});

describe('encodeUpdate', () => {
  /** After a first step both moments, corrected, are the gradient and its square. */
  async function stepped(
    options: Parameters<Trainer['encodeUpdate']>[1],
    trainerOptions: TrainerOptions = {},
  ) {
    const { unet, trainer } = await setUp(small, { learningRate: 2e-3, ...trainerOptions });
    const given = await imagesFor(small, 8);
    await backward(trainer, slope(await forward(trainer, given), given.target));
    const before = flatten(await unet.getParameters());
    const gradient = await gradientOf({ unet, trainer });
    const loss = bufferOf(gpu, Float32Array.of(7, 0.375));
    submit(gpu, (encoder) =>
      trainer.encodeUpdate(encoder, { loss: { buffer: loss, offset: 4 }, ...options }),
    );
    const after = flatten(await unet.getParameters());
    return { unet, trainer, before, gradient, after };
  }

  test.each([
    ['with the trainer’s settings', {}, { rate: 2e-3, decay: 0.5, clip: 1e-2 }],
    [
      'with its own settings',
      { learningRate: 0.03, weightDecay: 0.25, clipNorm: 1e-3 },
      { rate: 0.03, decay: 0.25, clip: 1e-3 },
    ],
  ])('updates as Adam does, %s', async (_, options, { rate, decay, clip }) => {
    // An epsilon as large as gradients are shows how long they are.
    const settings = { weightDecay: 0.5, clipNorm: 1e-2, epsilon: 1e-4 };
    const { before, gradient, after, trainer } = await stepped(options, settings);
    const norm = Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0));
    expect(norm).toBeGreaterThan(0.02);
    const expected = before.map((w, i) => {
      const g = (gradient[i] * clip) / norm;
      return w * (1 - rate * decay) - (rate * g) / (Math.abs(g) + 1e-4);
    });
    // WGSL grants a division 2.5 units in the last place and a square root 4.5: of the norm, the clipping, both corrections and the quotient
    // 2 x 4.5 + 4 x 2.5 at most, of a change that is smaller than the weights are.
    expect(distance(after, expected)).toBeLessThan(19 * 2 ** -23);
    expect([...(await trainer.readLosses(1))]).toEqual([0.375]);
    const [loss, learningRate, length] = await floatsIn(gpu, trainer.buffers.records);
    expect(loss).toBe(0.375);
    expect(learningRate).toBe(Math.fround(rate));
    expect(length / norm).toBeCloseTo(1, 5);
  });

  test('leaves the trainer’s own steps as they are', async () => {
    const { trainer, unet } = await stepped({ learningRate: 1e-4, weightDecay: 0.1, clipNorm: 1e-3 });
    const batch = await imagesFor(small, 8, 2);
    const ordinary = await setUp(small, { learningRate: 2e-3, customLoss: false });
    const state = await trainer.getState();
    await ordinary.unet.setParameters(await unet.getParameters());
    ordinary.trainer.setState(state);
    const losses: number[] = [];
    for (const each of [trainer, ordinary.trainer])
      losses.push(await each.step({ noisy: batch.input, target: batch.target }));
    expect(losses[0]).toBe(losses[1]);
    expect(await unet.getParameters()).toEqual(await ordinary.unet.getParameters());
  });

  test('changes nothing by a gradient that is not finite, and readLosses reports it', async () => {
    const { trainer, unet } = await setUp(small);
    const given = await imagesFor(small, 8);
    const before = await unet.getParameters();
    const gradient = slope(await forward(trainer, given), given.target);
    gradient[3] = Number.NaN;
    await backward(trainer, gradient);
    submit(gpu, (encoder) => trainer.encodeUpdate(encoder));
    await refused(trainer.readLosses(1), 'diverged');
    expect(await unet.getParameters()).toEqual(before);
  });

  test('also updates the average of the weights that the UNet has', async () => {
    const { trainer, unet } = await setUp(small, { average: { after: 5 } });
    const given = await imagesFor(small, 8);
    await backward(trainer, slope(await forward(trainer, given), given.target));
    submit(gpu, (encoder) => trainer.encodeUpdate(encoder));
    const weights = await floatsIn(gpu, trainer.buffers.parameters);
    const own = unet.parameters.map(({ offset, size }) => weights.slice(offset, offset + size));
    // Until step 5 the average is the weights.
    expect(own).toEqual([...(await unet.getParameters()).values()]);
    expect(trainer.buffers.parameters).not.toBe(unet.parameterBuffer);
  });

  test('is not needed: encodePack makes parameters that the caller’s shader wrote the network’s', async () => {
    const { trainer, unet } = await setUp(small);
    const given = await imagesFor(small, 8);
    const before = await unet.predict(given.input, { count: 8 });
    const other = await UNet.create(gpu, small, { seed: 9 });
    const { parameters } = trainer.buffers;
    submit(gpu, (encoder) => {
      encoder.copyBufferToBuffer(other.parameterBuffer, 0, parameters, 0, parameters.size);
      trainer.encodePack(encoder);
    });
    expect(await unet.getParameters()).toEqual(await other.getParameters());
    const after = await unet.predict(given.input, { count: 8 });
    expect(after).not.toEqual(before);
    expect(after).toEqual(await other.predict(given.input, { count: 8 }));
    // And without a trainer, where predictions keep what they derive from weights.
    trainer.destroy();
    await unet.predict(given.input, { count: 8 });
    submit(gpu, (encoder) => {
      encoder.clearBuffer(unet.parameterBuffer);
      unet.encodePack(encoder);
    });
    expect(new Set(await unet.predict(given.input, { count: 8 }))).toEqual(new Set([0]));
  });
});

describe('a wrong call of a custom loss is refused, and nothing recorded:', () => {
  async function ready() {
    const made = await setUp(small);
    const { input, outSize, count } = await imagesFor(small, 8);
    const [images, output] = [bufferOf(gpu, input), roomFor(gpu, outSize)];
    const encoder = gpu.device.createCommandEncoder();
    const refuses = (work: () => void, fact: string) => {
      const spies = (['beginComputePass', 'copyBufferToBuffer', 'clearBuffer'] as const).map((name) =>
        vi.spyOn(encoder, name),
      );
      const message = expect.stringContaining(fact);
      expect(work).toThrow(expect.objectContaining({ name: 'EngineError', code: 'argument', message }));
      for (const spy of spies) {
        expect(spy).not.toHaveBeenCalled();
        spy.mockRestore();
      }
    };
    return {
      ...made,
      encoder,
      refuses,
      forward: { input: images, output, count },
      gradient: { outputGradient: output },
    };
  }

  test('encodeBackward without a forward pass', async () => {
    const { trainer, encoder, refuses, forward, gradient } = await ready();
    const back = () => trainer.encodeBackward(encoder, gradient);
    refuses(back, 'There is no forward pass to go back through. Record encodeForward first');
    refuses(() => trainer.encodeUpdate(encoder), 'There is no gradient to update by');
    trainer.encodeForward(encoder, forward);
    back();
    refuses(back, 'There is no forward pass to go back through. Record encodeForward first');
    trainer.encodeUpdate(encoder);
    refuses(() => trainer.encodeUpdate(encoder), 'There is no gradient to update by');
    const batch = { noisy: forward.input, target: forward.output };
    for (const another of [
      () => trainer.encodeStep(encoder, batch),
      () => trainer.step(batch),
      () => trainer.runFor(() => batch, { milliseconds: 1 }),
    ]) {
      trainer.encodeForward(encoder, forward);
      await another();
      refuses(back, 'another step has overwritten it');
    }
    queue.submit([encoder.finish()]);
  });

  test('wrong buffers, numbers and encoders', async () => {
    const { trainer, encoder, refuses, forward, gradient } = await ready();
    const { input } = forward;
    const step = (options: object) => () =>
      trainer.encodeForward(encoder, { ...forward, ...options } as typeof forward);
    refuses(step({ input: undefined }), 'input is of type Undefined; it must be a GPUBuffer');
    refuses(step({ input: new Float32Array(8) }), 'input is of type Float32Array');
    refuses(step({ input: { buffer: input, offset: 4 } }), 'bytes and usage');
    refuses(step({ input: { buffer: input, offset: 2 } }), 'offset 2; it must be a multiple of 4');
    refuses(step({ input: { buffer: input, offset: 4, size: input.size } }), 'lie in the buffer');
    refuses(step({ count: 9 }), 'count is 9');
    refuses(step({ levels: input }), 'this UNet is not conditioned');
    refuses(step({ images: input }), 'no setting images');
    refuses(() => trainer.encodeForward(null as never, forward), 'The encoder is of type Null');
    refuses(() => trainer.encodeForward(encoder, undefined as never), 'settings of type Undefined');
    const { device } = gpu;
    const [STORAGE, MAP] = [GPUBufferUsage.STORAGE, GPUBufferUsage.MAP_WRITE | GPUBufferUsage.COPY_SRC];
    const unfit = device.createBuffer({ size: input.size, usage: STORAGE });
    refuses(step({ input: unfit }), 'COPY_SRC');
    const mapped = device.createBuffer({ size: input.size, usage: MAP, mappedAtCreation: true });
    refuses(step({ input: mapped }), 'input is mapped');
    mapped.unmap();
    step({ input: mapped })();
    refuses(() => trainer.encodeBackward(encoder, {} as never), 'outputGradient is of type Undefined');
    trainer.encodeBackward(encoder, gradient);
    for (const [options, text] of [
      [{ learningRate: 0 }, 'learningRate is 0'],
      [{ weightDecay: 2 }, 'weightDecay is 2'],
      [{ clipNorm: Number.NaN }, 'clipNorm is NaN'],
      [{ loss: 3 }, 'loss is of type Number'],
    ] as const)
      refuses(() => trainer.encodeUpdate(encoder, options as never), text);
  });

  test('a trainer without customLoss', async () => {
    const { refuses, encoder, forward } = await ready();
    const { trainer } = await setUp(small, { customLoss: false });
    refuses(() => trainer.encodeForward(encoder, forward), 'create this one with customLoss: true');
    expect(trainer.buffers.gradient).toBeUndefined();
  });
});
