/**
 * Networks that are conditioned on noise level and class, or make other channels than they take, against the f64 reference of the whole step.
 *
 * @module-tag nightly
 */
import { describe, expect, test, vi } from 'vitest';
import { Random } from '../../harness/specs/lib/spec';
import { normal } from '../../src/base/random';
import type { AdapterKind } from '../../src/plan/op';
import { checkConfig, layersOf, outChannelsOf, type UNetConfig } from '../../src/unet/config';
import { Predictor } from '../../src/unet/predictor';
import { UNet } from '../../src/unet/unet';
import { defaultVariants, type Variants } from '../../src/unet/variants';
import { testGpu } from '../lib/gpu';
import { bufferOf, expectSteps, floatsIn, relativeError, roomFor, submit } from '../lib/on_gpu';
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
    config: { ...small, channels: 3, outChannels: 1 },
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

describe('levels and labels of a network', () => {
  const config = checkConfig({ ...small, conditioning: { noiseLevel: true, classes: 3 } });
  const size = small.height * small.width;
  const count = 5;
  const random = new Random(3);
  const [images, levels] = [count * size, count].map((n) => random.floats(n, 0, 1));
  const labels = Uint32Array.of(0, 3, 1, 2, 1);

  test('belong to their image, also where many images are predicted in several turns', async () => {
    using unet = await UNet.create(gpu, config, { seed: 1 });
    const many = 150;
    const images = random.floats(many * size, 0, 1);
    const conditions = { levels: random.floats(many, 0, 1), labels: random.integers(many, 4) };
    const expected = new ReferenceUNet(config, await unet.getParameters()).predict(images, many, conditions);
    const predicted = await unet.predict(images, { count: many, ...conditions });
    expect(relativeError(predicted, expected)).toBeLessThan(1e-5);
    const listed = { ...conditions, labels: [...conditions.labels] };
    expect(await unet.predict(images, { count: many, ...listed })).toEqual(predicted);
  });

  test('are read from buffers by a predictor, which refuses small ones before it records anything', async () => {
    using unet = await UNet.create(gpu, config, { seed: 1 });
    using predictor = await Predictor.create(gpu, unet.weights, { count });
    const source = bufferOf(gpu, images);
    const conditions = { levels: bufferOf(gpu, levels), labels: bufferOf(gpu, labels) };
    const result = roomFor(gpu, images.length);
    submit(gpu, (encoder) => predictor.encode(encoder, source, result, conditions));
    const expected = await unet.predict(images, { count, levels, labels });
    expect(relativeError(await floatsIn(gpu, result), expected)).toBeLessThan(1e-6);

    const encoder = gpu.device.createCommandEncoder();
    const copied = vi.spyOn(encoder, 'copyBufferToBuffer');
    for (const name of ['levels', 'labels']) {
      const wrong = { ...conditions, [name]: roomFor(gpu, count - 1) };
      const encode = () => predictor.encode(encoder, source, result, wrong);
      expect(encode).toThrow(`${name} has ${count * 4 - 4} bytes`);
    }
    expect(copied).not.toHaveBeenCalled();
  });
});
