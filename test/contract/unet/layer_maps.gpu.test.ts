/** Every map of every layer against the f64 reference of the whole network. */
import { describe, expect, test } from 'vitest';
import { TestRandom } from '../../../harness/specs/lib/spec';
import { recipes } from '../../../src/recipes';
import { Trainer } from '../../../src/training/trainer';
import { countOutChannels, type UNetConfig } from '../../../src/unet/config';
import type { LayerMaps, MapKind } from '../../../src/unet/layer_maps';
import { Predictor } from '../../../src/unet/predictor';
import { UNet } from '../../../src/unet/unet';
import { testGpu } from '../../lib/gpu';
import { bufferOf, floatsIn, randomParameters, roomFor, submit } from '../../lib/on_gpu';
import { ReferenceUNet } from '../../lib/reference_unet';
import { refused } from '../../lib/refused';

const { gpu } = await testGpu();
const COUNT = 3;
const reuseMemory = false;

/** Largest difference, in units of the largest value that there should be. */
function error(got: ArrayLike<number>, want: Float64Array): number {
  const largest = want.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  expect(largest).toBeGreaterThan(0);
  expect(got.length).toBe(want.length);
  return want.reduce((most, v, i) => Math.max(most, Math.abs(got[i] - v)), 0) / largest;
}

/** Compares everything that can be read, at the host and in a part of a buffer. */
async function compare(maps: LayerMaps, reference: ReferenceUNet, kinds: readonly MapKind[]): Promise<void> {
  expect(maps.layers.map(({ name }) => name).sort()).toEqual([...reference.maps.keys()].sort());
  for (const { name, shape, inputChannels } of maps.layers) {
    const [images, height, width, channels] = shape;
    for (const kind of kinds) {
      const read = await maps.read(name, kind);
      expect(read).toHaveLength(images * height * width * (kind === 'input' ? inputChannels : channels));
      // Winograd's forms round more than plain sums do.
      const close = kind === 'gradient' ? 1e-3 : 1e-4;
      expect(error(read, reference.maps.get(name)![kind]!), `${kind} of ${name}`).toBeLessThan(close);
      const output = bufferOf(gpu, new Float32Array(read.length + 3).fill(7));
      submit(gpu, (encoder) => maps.encode(encoder, name, kind, { buffer: output, offset: 8 }));
      expect(await floatsIn(gpu, output)).toEqual(Float32Array.of(7, 7, ...read, 7));
      output.destroy();
    }
  }
}

/** Recipes' networks with fewer channels, so that the reference in plain loops is quick, and a plain one. */
const small = { height: 8, width: 12 };
test.each<[string, Partial<UNetConfig>]>([
  ['digits', { ...recipes.digits.network, ...small, widths: [8, 12, 16] }],
  ['pictures', { ...recipes.pictures.network, ...small, widths: [4, 6, 8] }],
])(
  'the maps of the layers are the reference’s in a predictor, and in a trainer after two steps: %s',
  async (_, config) => {
    using unet = await UNet.create(gpu, config);
    const { height, width, channels, conditioning } = unet.config;
    const random = new TestRandom(5);
    const weights = randomParameters(unet, random);
    await unet.setParameters(weights);
    const reference = new ReferenceUNet(unet.config, weights);
    const floats = (depth: number) => random.floats(COUNT * height * width * depth, -1, 1);
    const conditions = conditioning && {
      levels: Float32Array.of(0.1, 0.5, 0.9),
      ...(conditioning.classes ? { labels: Uint32Array.of(7, 0, conditioning.classes) } : {}),
    };

    const noisy = floats(channels);
    const target = floats(countOutChannels(unet.config));
    using predictor = await Predictor.create(gpu, unet.weights, { count: COUNT, reuseMemory });
    const buffers = Object.entries(conditions ?? {}).map(([name, values]) => [name, bufferOf(gpu, values)]);
    const input = bufferOf(gpu, noisy);
    const output = roomFor(gpu, target.length);
    submit(gpu, (encoder) => predictor.encode(encoder, input, output, Object.fromEntries(buffers)));
    reference.predict(noisy, COUNT, conditions);
    await compare(predictor.maps, reference, ['input', 'activation', 'preActivation']);

    const learningRate = 1e-3;
    using trainer = await Trainer.create(gpu, unet, { batchSize: COUNT, learningRate, reuseMemory });
    for (const given of [noisy, floats(channels)]) {
      await trainer.step({ noisy: given, target, ...conditions });
      reference.train(given, target, COUNT, learningRate, conditions);
    }
    await compare(trainer.maps, reference, ['input', 'activation', 'preActivation', 'gradient']);
  },
);

describe('the maps of the layers', () => {
  const config = { height: 4, width: 4, widths: [4, 8] };
  const names = ['down.0', 'down.1', 'up.0', 'up.1'];
  const create = async (options: { readonly reuseMemory?: boolean } = {}) => {
    const unet = await UNet.create(gpu, config);
    const trainer = await Trainer.create(gpu, unet, { batchSize: 2, ...options });
    const predictor = await Predictor.create(gpu, unet.weights, { count: 2, ...options });
    return { unet, trainer, predictor };
  };

  test('that do not exist are refused, and the error lists the existing ones', async () => {
    const { unet, trainer, predictor } = await create({ reuseMemory });
    const encoder = gpu.device.createCommandEncoder();
    for (const [work, fact] of [
      [
        () => trainer.maps.read('down.2'),
        `no layer "down.2" in this network; there are ${names.join(', ')}.`,
      ],
      [
        () => trainer.maps.read('down.1', 'weights' as never),
        'A trainer has no map "weights" of down.1; it has input, activation, preActivation, gradient.',
      ],
      [
        () => predictor.maps.read('down.1', 'gradient'),
        'A predictor has no map "gradient" of down.1; it has input, activation, preActivation.',
      ],
      [
        () => trainer.maps.encode(encoder, 'up.1', 'activation', roomFor(gpu, 1)),
        'output has 4 bytes and usage',
      ],
    ] as const)
      await refused(work, 'argument', fact);
    unet.destroy();
  });

  test('are refused where they share memory, which saves some, and the error says how to keep them', async () => {
    const shared = await create();
    const apart = await create({ reuseMemory });
    for (const what of ['trainer', 'predictor'] as const) {
      const { maps, bytes } = shared[what];
      expect(maps.layers.map(({ name }) => name)).toEqual(names);
      await refused(
        maps.read('up.0'),
        'argument',
        `The maps of this ${what} share memory, so up.0 is gone by the end of a pass. Create the ${what} with reuseMemory: false.`,
      );
      expect(apart[what].bytes).toBeGreaterThan(bytes);
    }
    expect(shared.trainer.maps.layers[1]).toEqual({ name: 'down.1', shape: [2, 2, 2, 8], inputChannels: 4 });
    for (const { unet } of [shared, apart]) unet.destroy();
  });

  test('are refused in the middle of a step, and once their trainer or predictor is destroyed', async () => {
    const { unet, trainer, predictor } = await create({ reuseMemory });
    const step = trainer.step({ noisy: new Float32Array(16), target: new Float32Array(16) });
    await refused(trainer.maps.read('up.0'), 'busy');
    await step;
    const reading = trainer.maps.read('up.0');
    trainer.destroy();
    await Promise.allSettled([reading]);
    predictor.destroy();
    for (const { maps } of [trainer, predictor]) await refused(maps.read('up.0'), 'destroyed');
    unet.destroy();
  });
});
