/**
 * The network for pictures, in colour and with classes: every form of its layers at its sizes, and the memory that it takes.
 *
 * @module-tag nightly
 */
import { describe, expect, test, vi } from 'vitest';
import { explainText } from '../../harness/cli/explain_text';
import { recipes } from '../../src/recipes';
import { toTrainerConfig } from '../../src/training/options';
import { Trainer } from '../../src/training/trainer';
import { memoryCache } from '../../src/trust/cache';
import { checkConfig, type Layer, listLayers } from '../../src/unet/config';
import { UNet } from '../../src/unet/unet';
import { defaultVariants, layersFor, possibleVariants, TUNABLE_KERNELS } from '../../src/unet/variants';
import type { Network } from '../lib/checked_networks';
import { testGpu } from '../lib/gpu';
import { fourSteps, onWrong } from '../lib/hostile/wrong';
import { takesLong } from '../lib/lanes/limits';

const { gpu } = await testGpu();
const { device } = gpu;

const nothing = /^nothing$/;
const BATCH = 12;
const networkOf = (side: number): Network => ({
  config: {
    ...recipes.pictures.network,
    height: side,
    width: side,
    conditioning: { noiseLevel: true, classes: 3 },
  },
  trainer: { ...recipes.pictures.trainer, batchSize: BATCH },
});
/** Each layer by a form, where that can compute it, else by its plain one. */
const allBy = (form: string, layers: readonly Layer[]) =>
  Object.fromEntries(
    TUNABLE_KERNELS.flatMap((kernel) =>
      layersFor(kernel, layers).flatMap((layer) =>
        possibleVariants(kernel, layer, BATCH, device).includes(form)
          ? [[`${kernel.name}/${layer.name}`, form]]
          : [],
      ),
    ),
  );
const TILES = ['winograd6_3x3', 'winograd7_3x3', 'winograd8_3x3'];
const formsOf = (tile: string) => [tile, `${tile}_subgroups`, `${tile}_gpu`];

describe.each([24, 32, 40])('pictures of %i pixels', (side) => {
  const network = networkOf(side);
  const layers = listLayers(checkConfig(network.config));

  describe.each(TILES)('with %s', (tile) => {
    const isQuick = side === 24 && tile === TILES[0];
    const options = { ...takesLong('compilesShaders'), tags: isQuick ? [] : ['nightly'] };
    test('train with each variant, with the losses of plain kernels', options, async () => {
      // What has one form is checked once.
      const tuningCache = memoryCache();
      const buffers = vi.spyOn(device, 'createBuffer');
      const plain = await onWrong(device, network, nothing, {}, fourSteps, { tuningCache, variants: {} });
      expect(plain).toMatchObject({ warnings: [], error: undefined });
      for (const form of formsOf(tile)) {
        buffers.mockClear();
        const variants = allBy(form, layers);
        const made = await onWrong(device, network, nothing, {}, fourSteps, { tuningCache, variants });
        expect(made, form).toMatchObject({ warnings: [], error: undefined });
        const compared = buffers.mock.calls.filter(([{ label }]) => label?.startsWith('comparison'));
        expect(compared.length, form).toBeGreaterThan(0);
        const apart = made.result!.losses.map((loss, i) => Math.abs(loss / plain.result!.losses[i] - 1));
        expect(Math.max(...apart), form).toBeLessThan(1e-4);
      }
    });
  });
});

test('explain says beforehand how much memory a trainer of 16 large pictures takes', async () => {
  const { network, trainer: options } = recipes.pictures;
  const config = checkConfig({ ...network, height: 64, width: 64 });
  const batch = 16;
  const variants = defaultVariants(listLayers(config), batch, device, 'software');
  const { memory } = explainText(config, batch, 100, variants, toTrainerConfig(options));
  const said = Number(/Training takes (\d+) MB of GPU memory without the data set/.exec(memory)![1]);
  using unet = await UNet.create(gpu, config);
  using trainer = await Trainer.create(gpu, unet, { ...options, batchSize: batch, variants });
  const taken = (unet.bytes + trainer.bytes) / 1e6;
  expect(taken).toBeGreaterThan(50);
  expect(Math.abs(said / taken - 1)).toBeLessThan(0.01);
});
