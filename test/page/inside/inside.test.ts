import { readFileSync } from 'node:fs';
import { files, sources } from 'virtual:shader-sources';
import { describe, expect, test } from 'vitest';
import {
  activationAt,
  mapSums,
  pixelAfter,
  pixelBefore,
  pixelTaps,
  referenceAt,
  tapProduct,
} from '../../../harness/page/inside/pixel';
import type { InsideLayer } from '../../../harness/page/messages/inside_messages';
import { knownNorms } from '../../../harness/page/worker/inside';
import { addNoise } from '../../../harness/pictures/noise';
import { listStep } from '../../../harness/run/step_list';
import { TestRandom } from '../../../harness/specs/lib/spec';
import { shaderText } from '../../../src/plan/text';
import { type RecipeName, recipes } from '../../../src/recipes';
import { reference } from '../../../src/reference/conv2d';
import { swishAt } from '../../../src/reference/swish';
import { toTrainerConfig } from '../../../src/training/options';
import { listLayers } from '../../../src/unet/config';
import { defaultVariants } from '../../../src/unet/variants';

describe('noise added to an image', () => {
  const clean = Float32Array.of(0, 0.25, 1, 0.5);

  test.each(['tutorial', 'flow'] as const)(
    'has a target that leads back to the image from any level, with the objective %s',
    (objective) => {
      for (const level of [0.1, 0.6, 1]) {
        const { target, behind, shown } = addNoise(objective, clean, level, { seed: 3 });
        for (const [i, value] of behind(target).entries()) expect(value).toBeCloseTo(clean[i], 6);
        expect(shown).not.toEqual(clean);
      }
      expect([...addNoise(objective, clean, 0, { seed: 3 }).shown]).toEqual([...clean]);
    },
  );
});

test.each(Object.keys(recipes) as RecipeName[])(
  'every dispatch of a step of %s is listed, with shader and reference',
  (name) => {
    const { network: config, trainer } = recipes[name];
    const features = new Set<GPUFeatureName>(['subgroups']);
    const variants = defaultVariants(listLayers(config), 64, { features }, 'software');
    const ops = listStep({ config, batch: 64, images: 1000, variants, training: toTrainerConfig(trainer) });
    expect([...new Set(ops.map(({ stage }) => stage))]).toEqual([
      'corrupt',
      'forward',
      'loss',
      'backward',
      'update',
    ]);
    for (const { kernel, shape, dispatches } of ops) {
      expect(shape, kernel).toMatch(/\d/);
      expect(shape).not.toContain('name ');
      expect(readFileSync(new URL(`../../../src/reference/${kernel}.ts`, import.meta.url), 'utf8')).toContain(
        'reference',
      );
      for (const { shader, tensors } of dispatches) {
        const { file, flags } = sources[shader];
        const text = shaderText(file, (path) => files[path], flags);
        for (const { binding } of tensors) expect(text).toMatch(new RegExp(`var<storage.*> ${binding}:`));
      }
    }
    // All of the network is in it.
    for (const layer of listLayers(config))
      for (const stage of ['forward', 'backward'] as const)
        expect(
          ops.some((op) => op.stage === stage && op.layer === layer.name && op.kernel.startsWith('conv2d')),
        ).toBe(true);
  },
);

test('gradient norms are given for each layer, and unknown before the first step', () => {
  const gradients = (...values: number[]) =>
    new Map([
      ['in.kernel', Float32Array.from(values)],
      ['in.bias', new Float32Array(1)],
      ['out.kernel', new Float32Array(2)],
    ]);
  expect(knownNorms(gradients(3, -4))).toEqual({ in: 5, out: 0 });
  expect(knownNorms(gradients(0, 0))).toBeUndefined();
});

describe('one pixel of a layer', () => {
  const layer = (changes: Partial<InsideLayer>): InsideLayer => ({
    name: 'down.0',
    height: 6,
    width: 4,
    inChannels: 3,
    outChannels: 5,
    kernelSize: 5,
    activation: 'swish',
    residual: false,
    next: 'pool',
    isConditioning: false,
    parameters: 0,
    ...changes,
  });

  /** Random numbers for a layer, and what the whole reference makes of them, [out][height][width]. */
  function given(of: InsideLayer, withImageBias: boolean) {
    const { height, width, inChannels, outChannels, kernelSize: k } = of;
    const random = new TestRandom(4);
    const floats = (size: number) => random.floats(size, -1, 1);
    const numbers = {
      layer: of.name,
      input: floats(height * width * inChannels),
      kernel: floats(k * k * inChannels * outChannels),
      bias: floats(outChannels),
      ...(withImageBias ? { imageBias: floats(outChannels) } : {}),
      form: { kernel: 'conv2d', variant: 'direct' },
    };
    const pixels = height * width;
    const input = Float32Array.from({ length: inChannels * pixels }, (_, i) => {
      return numbers.input[(i % pixels) * inChannels + Math.floor(i / pixels)];
    });
    const kernel = new Float32Array(k * k * inChannels * 8);
    for (let row = 0; row < k * k * inChannels; row++)
      kernel.set(numbers.kernel.subarray(row * outChannels, (row + 1) * outChannels), row * 8);
    const shape = { ...of, batch: 1, ...(withImageBias ? { imageBias: 0 } : {}) };
    const image_bias = numbers.imageBias ?? new Float32Array();
    const { output } = reference(shape, { input, kernel, bias: numbers.bias, image_bias });
    return { numbers, whole: output };
  }

  test.each([
    [layer({}), true],
    [layer({ kernelSize: 3, inChannels: 1 }), false],
    [layer({ height: 1, width: 1, kernelSize: 1 }), true],
  ])('equals the reference at every place of every map, also at the edges: layer %#', (of, withImageBias) => {
    const { numbers, whole } = given(of, withImageBias);
    for (let map = 0; map < of.outChannels; map++)
      for (let y = 0; y < of.height; y++)
        for (let x = 0; x < of.width; x++) {
          const place = { y, x, map };
          const want = whole[(map * of.height + y) * of.width + x];
          expect(referenceAt(of, numbers, place)).toBeCloseTo(want, 12);
          const sum = mapSums(of, numbers, place).reduce((a, b) => a + b, 0);
          expect(sum + numbers.bias[map] + (numbers.imageBias?.[map] ?? 0)).toBeCloseTo(want, 12);
        }
  });

  test('has no values outside of the image in its window', () => {
    const of = layer({ kernelSize: 3 });
    const { numbers } = given(of, false);
    const taps = pixelTaps(of, numbers, { y: 0, x: 3, map: 4 }, 2);
    expect(taps.map(({ value }) => value !== undefined)).toEqual([
      false,
      false,
      false,
      true,
      true,
      false,
      true,
      true,
      false,
    ]);
    expect(taps[4].value).toBe(numbers.input[3 * 3 + 2]);
    expect(taps[4].weight).toBe(numbers.kernel[(4 * 3 + 2) * 5 + 4]);
    expect(tapProduct(taps[0])).toBe(0);
    expect(tapProduct(taps[4])).toBe(taps[4].value! * taps[4].weight);
  });

  test('is swish of the sum, and in a residual layer also its input', () => {
    const of = layer({ inChannels: 5 });
    const { numbers } = given(of, false);
    const place = { y: 2, x: 1, map: 3 };
    expect(activationAt(of, numbers, place, -0.7)).toBe(swishAt(-0.7).value);
    expect(activationAt({ ...of, residual: true }, numbers, place, -0.7)).toBe(
      swishAt(-0.7).value + numbers.input[(2 * 4 + 1) * 5 + 3],
    );
    expect(activationAt({ ...of, activation: 'none' }, numbers, place, -0.7)).toBe(-0.7);
  });

  test('leads to the layers before and after', () => {
    const layers = [
      layer({ name: 'down.0', height: 8, width: 4, outChannels: 2, next: 'pool' }),
      layer({ name: 'down.1', height: 4, width: 2, next: 'upsample' }),
      layer({ name: 'up.0', height: 8, width: 4, next: 'output' }),
    ];
    const activation = new Float32Array(8 * 4 * 2);
    activation[(5 * 4 + 2) * 2 + 1] = 9;
    const read = (name: string) => {
      expect(name).toBe('down.0');
      return activation;
    };
    expect(pixelAfter(layers, 0, { y: 5, x: 3, map: 1 })).toEqual({ y: 2, x: 1, map: 0 });
    expect(pixelAfter(layers, 1, { y: 2, x: 1, map: 1 })).toEqual({ y: 4, x: 2, map: 0 });
    expect(pixelAfter(layers, 2, { y: 2, x: 1, map: 1 })).toBeUndefined();
    expect(pixelBefore(layers, 2, { y: 5, x: 3, map: 0 }, 4, read)).toEqual({ y: 2, x: 1, map: 4 });
    expect(pixelBefore(layers, 1, { y: 2, x: 1, map: 0 }, 1, read)).toEqual({ y: 5, x: 2, map: 1 });
    expect(pixelBefore(layers, 0, { y: 5, x: 3, map: 0 }, 0, read)).toBeUndefined();
    // Of equal ones the first, as the gradient has it.
    activation.fill(9);
    expect(pixelBefore(layers, 1, { y: 2, x: 1, map: 0 }, 1, read)).toEqual({ y: 4, x: 2, map: 1 });
  });
});
