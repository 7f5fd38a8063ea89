/** Every map of every layer against the f64 reference of the whole network. */
import { describe, expect, test } from 'vitest';
import { Random } from '../../../harness/specs/lib/spec';
import { recipes } from '../../../src/recipes';
import { Trainer } from '../../../src/training/trainer';
import { checkConfig, outChannelsOf, type UNetConfig } from '../../../src/unet/config';
import type { LayerMaps, MapKind } from '../../../src/unet/layer_maps';
import { Predictor } from '../../../src/unet/predictor';
import { UNet } from '../../../src/unet/unet';
import { testGpu } from '../../lib/gpu';
import { bufferOf, floatsIn, roomFor, submit } from '../../lib/on_gpu';
import { ReferenceUNet } from '../../lib/reference_unet';
import { refused } from '../../lib/refused';

const { gpu } = await testGpu();
const KINDS = ['input', 'activation', 'preActivation', 'gradient'] as const satisfies readonly MapKind[];
const COUNT = 3;

/** The networks of the recipes with fewer channels, so that the reference in plain loops is quick, and what else a network can be. */
const small = { height: 8, width: 12 };
const configs: Record<string, Partial<UNetConfig>> = {
  tutorial: { ...recipes.tutorial.network, ...small, widths: [8, 12, 16] },
  digits: { ...recipes.digits.network, ...small, widths: [8, 12, 16] },
  'digits-3x3': { ...recipes['digits-3x3'].network, ...small, widths: [4, 6, 8] },
  pictures: { ...recipes.pictures.network, ...small, widths: [4, 6, 8] },
  'one level, RGB, no final activation': {
    ...{ height: 5, width: 3, widths: [6], channels: 3, kernelSize: 3 },
    finalActivation: 'none',
  },
};

/** Weights with biases, and images with the levels and labels that the network takes. */
function given(unet: UNet, random: Random) {
  const { height, width, channels, conditioning } = unet.config;
  const weights = new Map(
    unet.parameters.map(({ name, shape, size }) => {
      const limit = shape.length === 4 ? Math.sqrt(6 / (shape[0] * shape[1] * (shape[2] + shape[3]))) : 0.3;
      return [name, random.floats(size, -limit, limit)];
    }),
  );
  const pixels = COUNT * height * width;
  const floats = (size: number) => random.floats(size, -1, 1) as Float32Array<ArrayBuffer>;
  const conditions = {
    ...(conditioning?.noiseLevel ? { levels: Float32Array.of(0.1, 0.5, 0.9) } : {}),
    ...(conditioning?.classes ? { labels: Uint32Array.of(7, 0, conditioning.classes) } : {}),
  };
  return {
    weights,
    noisy: floats(pixels * channels),
    target: floats(pixels * outChannelsOf(unet.config)),
    conditions,
  };
}

/** Largest difference, in units of the largest value that there should be. */
function error(got: ArrayLike<number>, want: Float64Array): number {
  const largest = want.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  expect(largest).toBeGreaterThan(0);
  expect(got.length).toBe(want.length);
  return want.reduce((most, v, i) => Math.max(most, Math.abs(got[i] - v)), 0) / largest;
}

/** Compares everything that can be read, at the host and in a buffer. */
async function compare(maps: LayerMaps, reference: ReferenceUNet, kinds: readonly MapKind[]): Promise<void> {
  expect(maps.layers.map(({ name }) => name).sort()).toEqual([...reference.maps.keys()].sort());
  for (const { name, shape, inputChannels } of maps.layers) {
    for (const kind of kinds) {
      const want = reference.maps.get(name)![kind]!;
      const [images, height, width, channels] = shape;
      const size = images * height * width * (kind === 'input' ? inputChannels : channels);
      const read = await maps.read(name, kind);
      // Winograd's forms round more than plain sums do.
      expect(error(read, want), `${kind} of ${name}`).toBeLessThan(kind === 'gradient' ? 1e-3 : 1e-4);
      const output = roomFor(gpu, size);
      submit(gpu, (encoder) => maps.encode(encoder, name, kind, output));
      expect(await floatsIn(gpu, output)).toEqual(read);
    }
  }
}

describe.each(Object.entries(configs))('the maps of the layers (%s)', (_, config) => {
  test('agree with the reference in a predictor', async () => {
    using unet = await UNet.create(gpu, config);
    const { weights, noisy, target, conditions } = given(unet, new Random(5));
    await unet.setParameters(weights);
    using predictor = await Predictor.create(gpu, unet.weights, { count: COUNT, reuseMemory: false });
    const [input, output] = [bufferOf(gpu, noisy), roomFor(gpu, target.length)];
    const buffers = {
      ...(conditions.levels ? { levels: bufferOf(gpu, conditions.levels) } : {}),
      ...(conditions.labels ? { labels: bufferOf(gpu, conditions.labels) } : {}),
    };
    submit(gpu, (encoder) => predictor.encode(encoder, input, output, buffers));
    const reference = new ReferenceUNet(checkConfig(config), weights);
    reference.predict(noisy, COUNT, conditions);
    await compare(predictor.maps, reference, ['input', 'activation', 'preActivation']);
  });

  test('agree with the reference in a trainer, also after a second step', async () => {
    using unet = await UNet.create(gpu, config);
    const random = new Random(6);
    const { weights, conditions } = given(unet, random);
    await unet.setParameters(weights);
    const rate = 1e-3;
    using trainer = await Trainer.create(gpu, unet, {
      ...{ batchSize: COUNT, learningRate: rate, reuseMemory: false },
    });
    const reference = new ReferenceUNet(checkConfig(config), weights);
    for (let step = 0; step < 2; step++) {
      const { noisy, target } = given(unet, random);
      await trainer.step({ noisy, target, ...conditions });
      reference.train(noisy, target, COUNT, rate, conditions);
    }
    await compare(trainer.maps, reference, KINDS);
  });
});

test('in a batch that is not full, the gradient maps of missing images are zero', async () => {
  using unet = await UNet.create(gpu, { height: 4, width: 4, widths: [4, 8] });
  using trainer = await Trainer.create(gpu, unet, { batchSize: COUNT, reuseMemory: false });
  const images = new Random(1).floats(16, 0, 1);
  await trainer.step({ noisy: images, target: images });
  const gradient = await trainer.maps.read('down.1', 'gradient');
  const ofImage = gradient.length / COUNT;
  expect(gradient.subarray(0, ofImage).some((g) => g !== 0)).toBe(true);
  expect(gradient.subarray(ofImage).every((g) => g === 0)).toBe(true);
});

test('a map can be copied into a part of a buffer', async () => {
  using unet = await UNet.create(gpu, { height: 4, width: 4, widths: [4, 8] }, { seed: 1 });
  using trainer = await Trainer.create(gpu, unet, { batchSize: 1, reuseMemory: false });
  const images = Float32Array.from({ length: 16 }, (_, i) => i / 16);
  await trainer.step({ noisy: images, target: images });
  const map = await trainer.maps.read('down.0');
  const output = bufferOf(gpu, new Float32Array(map.length + 3).fill(7));
  const part = { buffer: output, offset: 8 };
  submit(gpu, (encoder) => trainer.maps.encode(encoder, 'down.0', 'activation', part));
  expect([...(await floatsIn(gpu, output))]).toEqual([7, 7, ...map, 7]);
});

describe('a map of a layer', () => {
  const config = { height: 4, width: 4, widths: [4, 8] };

  test('that does not exist is refused, and the error lists the existing ones', async () => {
    using unet = await UNet.create(gpu, config);
    using trainer = await Trainer.create(gpu, unet, { batchSize: 1, reuseMemory: false });
    using predictor = await Predictor.create(gpu, unet.weights, { reuseMemory: false });
    const all = 'down.0, down.1, up.0, up.1';
    await refused(
      trainer.maps.read('down.2'),
      'argument',
      `There is no layer "down.2" in this network; there are ${all}.`,
    );
    await refused(
      trainer.maps.read('down.1', 'weights' as never),
      'argument',
      'A trainer has no map "weights" of down.1; it has input, activation, preActivation, gradient.',
    );
    await refused(
      predictor.maps.read('down.1', 'gradient'),
      'argument',
      'A predictor has no map "gradient" of down.1; it has input, activation, preActivation.',
    );
    const encoder = gpu.device.createCommandEncoder();
    const small = roomFor(gpu, 1);
    expect(() => trainer.maps.encode(encoder, 'up.1', 'activation', small)).toThrow(
      'output has 4 bytes and usage',
    );
  });

  test('is refused where maps share memory, and the error says how to keep them', async () => {
    using unet = await UNet.create(gpu, config);
    using trainer = await Trainer.create(gpu, unet, { batchSize: 2 });
    using predictor = await Predictor.create(gpu, unet.weights);
    for (const [what, { maps }] of Object.entries({ trainer, predictor })) {
      expect(maps.layers.map(({ name }) => name)).toEqual(['down.0', 'down.1', 'up.0', 'up.1']);
      await refused(
        maps.read('up.0'),
        'argument',
        `The maps of this ${what} share memory, so up.0 is gone by the end of a pass. Create the ${what} with reuseMemory: false.`,
      );
    }
    expect(trainer.maps.layers[1]).toEqual({ name: 'down.1', shape: [2, 2, 2, 8], inputChannels: 4 });
  });

  test('is refused in the middle of a step, and after its network was destroyed', async () => {
    using unet = await UNet.create(gpu, config);
    const trainer = await Trainer.create(gpu, unet, { batchSize: 1, reuseMemory: false });
    const predictor = await Predictor.create(gpu, unet.weights, { reuseMemory: false });
    const step = trainer.step({ noisy: new Float32Array(16), target: new Float32Array(16) });
    await refused(trainer.maps.read('up.0'), 'busy');
    await step;
    const reading = trainer.maps.read('up.0');
    trainer.destroy();
    await Promise.allSettled([reading]);
    predictor.destroy();
    for (const { maps } of [trainer, predictor]) await refused(maps.read('up.0'), 'destroyed');
  });

  test('costs memory only with reuseMemory: false', async () => {
    using unet = await UNet.create(gpu, config);
    const bytes = async (reuseMemory: boolean) => {
      using trainer = await Trainer.create(gpu, unet, { batchSize: 8, reuseMemory });
      using predictor = await Predictor.create(gpu, unet.weights, { count: 8, reuseMemory });
      return [trainer.bytes, predictor.bytes];
    };
    const [shared, apart] = [await bytes(true), await bytes(false)];
    for (const i of [0, 1]) expect(apart[i]).toBeGreaterThan(shared[i]);
  });
});
