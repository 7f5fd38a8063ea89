/**
 * Networks that are conditioned on noise level and class, or make other channels than they take, against the f64 reference of the whole step.
 *
 * @module-tag nightly
 */
import { describe, expect, test, vi } from 'vitest';
import { Random } from '../../harness/specs/lib/spec';
import { normal } from '../../src/base/random';
import type { AdapterKind } from '../../src/plan/op';
import { rateFactor, type Schedule } from '../../src/plan/schedule';
import type { TrainerOptions } from '../../src/training/options';
import { Trainer } from '../../src/training/trainer';
import { checkConfig, layersOf, outChannelsOf, type UNetConfig } from '../../src/unet/config';
import { Predictor } from '../../src/unet/predictor';
import { UNet } from '../../src/unet/unet';
import { defaultVariants, type Variants } from '../../src/unet/variants';
import { testGpu } from '../lib/gpu';
import {
  bufferOf,
  expectGradients,
  expectSteps,
  floatsIn,
  randomParameters,
  relativeError,
  roomFor,
  submit,
} from '../lib/on_gpu';
import { ReferenceUNet } from '../lib/reference_unet';

const { gpu, kinds } = await testGpu();

const BATCH = 4;

interface Case {
  readonly config: Partial<UNetConfig>;
  readonly data: 'tutorial' | 'flow';
}

const small = { height: 4, width: 6, widths: [5, 7], kernelSize: 3 };
const cases: Record<string, Case> = {
  'the noise level, two levels, kernel 3': {
    config: { ...small, conditioning: { noiseLevel: true, classes: 0 } },
    data: 'tutorial',
  },
  'classes, three levels, kernel 3': {
    config: {
      ...{ height: 8, width: 4, widths: [4, 6, 9], kernelSize: 3 },
      conditioning: { noiseLevel: false, classes: 3 },
    },
    data: 'tutorial',
  },
  'both, one level, RGB': {
    config: {
      ...{ height: 3, width: 5, channels: 3, widths: [6], kernelSize: 3, finalActivation: 'none' },
      conditioning: { noiseLevel: true, classes: 1 },
    },
    data: 'flow',
  },
  'both, two levels, kernel 5, two channels to three': {
    config: {
      ...{ height: 6, width: 10, channels: 2, outChannels: 3, widths: [8, 12], finalActivation: 'none' },
      conditioning: { noiseLevel: true, classes: 10 },
    },
    data: 'flow',
  },
  'both, three levels, widths of the digits': {
    config: {
      ...{ height: 16, width: 16, widths: [32, 64, 64], finalActivation: 'none' },
      conditioning: { noiseLevel: true, classes: 10 },
    },
    data: 'flow',
  },
  'both, three levels with residuals, kernel 3': {
    config: {
      ...{ height: 16, width: 16, widths: [16, 24, 32], kernelSize: 3, finalActivation: 'none' },
      ...{ convolutionsPerLevel: [1, 2, 3], residual: true },
      conditioning: { noiseLevel: true, classes: 10 },
    },
    data: 'flow',
  },
  'both, two levels with residuals, kernel 5': {
    config: {
      ...{ height: 8, width: 8, widths: [8, 12], finalActivation: 'none' },
      ...{ convolutionsPerLevel: 2, residual: true },
      conditioning: { noiseLevel: true, classes: 3 },
    },
    data: 'flow',
  },
  'nothing, one channel to four': { config: { ...small, outChannels: 4 }, data: 'tutorial' },
  'nothing, three channels to one': {
    config: { height: 8, width: 8, channels: 3, outChannels: 1, widths: [8, 8] },
    data: 'tutorial',
  },
};

const usual = (config: UNetConfig, kind: AdapterKind) =>
  defaultVariants(layersOf(config), BATCH, gpu.device, kind);

/** A batch as an objective makes it, with the levels and labels that a network of `config` takes. */
function makeBatch(config: UNetConfig, data: Case['data'], count: number, random: Random) {
  const { height, width, channels, conditioning } = config;
  const [size, outSize] = [channels, outChannelsOf(config)].map((c) => c * height * width);
  const levels = random.floats(count, 0, 1);
  const { noiseLevel = false, classes = 0 } = conditioning ?? {};
  const conditions = {
    ...(noiseLevel ? { levels } : {}),
    ...(classes > 0 ? { labels: random.integers(count, classes + 1) } : {}),
  };
  const flow = data === 'flow';
  const images = random.floats(count * size, flow ? -1 : 0, 1);
  const noise = flow
    ? images.map(() => normal([random.integers(1, 2 ** 32)[0], random.integers(1, 2 ** 32)[0]])[0])
    : random.floats(count * size, 0, 1);
  const noisy = images.map((x, i) => {
    const t = levels[Math.floor(i / size)];
    return (1 - t) * x + t * noise[i];
  });
  const target =
    outSize === size ? images.map((x, i) => (flow ? noise[i] - x : x)) : random.floats(count * outSize);
  return { noisy, target, count, conditions };
}

describe.each(Object.entries(cases))('a network conditioned on %s', (_, { config: given, data }) => {
  const config = checkConfig(given);

  test.each<[string, Variants]>([
    ['plain kernels', {}],
    ...kinds.map((kind): [string, Variants] => [`the usual kernels for ${kind}`, usual(config, kind)]),
  ])('gives the reference’s predictions, losses, gradients and weights with %s', async (_, variants) => {
    await expectSteps(gpu, given, { batchSize: BATCH, variants }, (random) =>
      [3, 4].map((count) => makeBatch(config, data, count, random)),
    );
  });
});

describe('a step of the trainer', () => {
  const config = checkConfig({ ...small, conditioning: { noiseLevel: true, classes: 2 } });
  const schedule: Schedule = { decay: 'cosine', warmup: 2, steps: 5, floor: 0.1 };
  // The epsilon is so large that the length of a gradient counts in the first step already.
  const adam = { beta1: 0.8, beta2: 0.95, epsilon: 1e-2 };

  /** Six steps, and how far weights and moments are from the reference's: the weights as a share of how far they went. */
  async function train(options: TrainerOptions) {
    const learningRate = 0.01;
    const random = new Random(21);
    using unet = await UNet.create(gpu, config);
    const start = randomParameters(unet, random);
    await unet.setParameters(start);
    using trainer = await Trainer.create(gpu, unet, { batchSize: BATCH, learningRate, ...adam, ...options });
    const reference = new ReferenceUNet(config, start, { ...adam, ...options });
    const norms: number[] = [];
    for (let step = 0; step < 6; step++) {
      const { noisy, target, conditions } = makeBatch(config, 'tutorial', BATCH, random);
      const rate = learningRate * (options.schedule ? rateFactor(schedule, step) : 1);
      const loss = await trainer.step({ noisy, target, ...conditions });
      const expected = reference.train(noisy, target, BATCH, rate, conditions);
      expect(Math.abs(loss / expected - 1), `loss of step ${step}`).toBeLessThan(1e-5);
      norms.push(reference.norm);
      // As they are, not shortened.
      await expectGradients(trainer, reference, step);
    }
    const [weights, state] = await Promise.all([unet.getParameters(), trainer.getState()]);
    for (const [name, want] of reference.parameters) {
      const began = start.get(name)!;
      const moved = (values: ArrayLike<number>) => Float64Array.from(began, (w, i) => values[i] - w);
      expect(relativeError(moved(weights.get(name)!), moved(want)), `way of ${name}`).toBeLessThan(1e-3);
      const { m, v } = reference.moments.get(name)!;
      expect(relativeError(state.moment1.get(name)!, m), `moment 1 of ${name}`).toBeLessThan(1e-4);
      expect(relativeError(state.moment2.get(name)!, v), `moment 2 of ${name}`).toBeLessThan(1e-4);
    }
    return { norms, weights };
  }

  let unchanged: ReturnType<typeof train> | undefined;
  /** Without any of it, trained once by the first test that asks. */
  const free = () => (unchanged ??= train({}));

  test('updates the weights as Adam does', async () => {
    await free();
  });

  test('with weightDecay takes a share of every weight off', async () => {
    await train({ weightDecay: 0.5 });
  });

  test('with a schedule follows its rate', async () => {
    await train({ schedule });
  });

  test('with clipNorm shortens a longer gradient', async () => {
    const { norms, weights } = await free();
    const clipNorm = Math.sqrt(Math.min(...norms) * Math.max(...norms));
    const clipped = await train({ clipNorm });
    // The clipNorm clips some of the steps.
    expect(new Set(clipped.norms.map((norm) => norm > clipNorm)).size).toBe(2);
    expect(clipped.weights).not.toEqual(weights);
  });

  test('with clipNorm leaves a shorter gradient as it is, bit for bit', async () => {
    const { norms, weights } = await free();
    expect((await train({ clipNorm: 2 * Math.max(...norms) })).weights).toEqual(weights);
  });

  test('with weightDecay, schedule and clipNorm at once is right', async () => {
    await train({ weightDecay: 0.1, schedule, clipNorm: 0.05 });
  });
});

describe('levels and labels of a network', () => {
  const config = checkConfig({ ...small, conditioning: { noiseLevel: true, classes: 3 } });
  const size = small.height * small.width;
  const count = 5;
  const random = new Random(3);
  const images = random.floats(count * size, 0, 1);
  const levels = random.floats(count, 0, 1);
  const labels = Uint32Array.of(0, 3, 1, 2, 1);

  test('change its prediction', async () => {
    using unet = await UNet.create(gpu, config, { seed: 1 });
    const usual = await unet.predict(images, { count, levels, labels });
    const others = { levels: levels.map((t) => 1 - t), labels: labels.map((label) => (label + 1) % 4) };
    for (const name of ['levels', 'labels'] as const) {
      const other = await unet.predict(images, { count, levels, labels, [name]: others[name] });
      expect(relativeError(other, usual), name).toBeGreaterThan(1e-3);
    }
    expect(await unet.predict(images, { count, levels, labels: [...labels] })).toEqual(usual);
  });

  test('belong to their image, also where many images are predicted in several turns', async () => {
    using unet = await UNet.create(gpu, config, { seed: 1 });
    const many = 150;
    const random = new Random(5);
    const images = random.floats(many * size, 0, 1);
    const conditions = { levels: random.floats(many, 0, 1), labels: random.integers(many, 4) };
    const expected = new ReferenceUNet(config, await unet.getParameters()).predict(images, many, conditions);
    expect(relativeError(await unet.predict(images, { count: many, ...conditions }), expected)).toBeLessThan(
      1e-5,
    );
  });

  test('are refused by a predictor before it records anything', async () => {
    using unet = await UNet.create(gpu, config);
    using predictor = await Predictor.create(gpu, unet.weights, { count });
    const [source, right, small] = [images.length, count, count - 1].map((n) => roomFor(gpu, n));
    const encoder = gpu.device.createCommandEncoder();
    const copied = vi.spyOn(encoder, 'copyBufferToBuffer');
    const encode = (levels: GPUBuffer, labels: GPUBuffer) => () =>
      predictor.encode(encoder, source, source, { levels, labels });
    expect(encode(small, right)).toThrow(`levels has ${count * 4 - 4} bytes`);
    expect(encode(right, small)).toThrow(`labels has ${count * 4 - 4} bytes`);
    expect(copied).not.toHaveBeenCalled();
    for (const buffer of [source, right, small]) buffer.destroy();
  });

  test('are read from buffers where a predictor or a step is recorded', async () => {
    using unet = await UNet.create(gpu, config, { seed: 1 });
    using predictor = await Predictor.create(gpu, unet.weights, { count });
    const source = bufferOf(gpu, images);
    const conditions = { levels: bufferOf(gpu, levels), labels: bufferOf(gpu, labels) };
    const result = roomFor(gpu, images.length);
    submit(gpu, (encoder) => predictor.encode(encoder, source, result, conditions));
    const predicted = await floatsIn(gpu, result);
    expect(relativeError(predicted, await unet.predict(images, { count, levels, labels }))).toBeLessThan(
      1e-6,
    );

    const trained = [];
    for (const recorded of [false, true]) {
      using unet = await UNet.create(gpu, config, { seed: 1 });
      using trainer = await Trainer.create(gpu, unet, { batchSize: count });
      if (recorded) {
        const batch = { noisy: source, target: source, ...conditions };
        submit(gpu, (encoder) => trainer.encodeStep(encoder, batch));
      } else await trainer.step({ noisy: images, target: images, levels, labels });
      trained.push({ losses: await trainer.readLosses(), weights: await unet.getParameters() });
    }
    expect(trained[1]).toEqual(trained[0]);
    for (const b of [source, ...Object.values(conditions), result]) b.destroy();
  });
});
