import { readFileSync } from 'node:fs';
import { files, sources } from 'virtual:shader-sources';
import { describe, expect, test } from 'vitest';
import { addNoise } from '../../harness/run/noise';
import { listStep } from '../../harness/run/step_list';
import { shaderText } from '../../src/plan/text';
import { type RecipeName, recipes } from '../../src/recipes';
import { trainerConfigOf } from '../../src/training/options';
import { layersOf } from '../../src/unet/config';
import { defaultVariants } from '../../src/unet/variants';

describe('noise', () => {
  const clean = Float32Array.of(0, 0.25, 1, 0.5);

  test.each(['tutorial', 'flow'] as const)(
    '%s: the target leads back to the image, from any level',
    (objective) => {
      for (const level of [0.1, 0.6, 1]) {
        const { target, behind, shown } = addNoise(objective, clean, level, { seed: 3 });
        for (const [i, value] of behind(target).entries()) expect(value).toBeCloseTo(clean[i], 6);
        expect(shown).not.toEqual(clean);
      }
      expect([...addNoise(objective, clean, 0, { seed: 3 }).shown]).toEqual([...clean]);
    },
  );

  test('is the same at every level, and another one for every image', () => {
    const at = (level: number, index: number) => addNoise('tutorial', clean, level, { seed: 3, index }).input;
    const half = at(0.5, 0);
    for (const [i, value] of at(1, 0).entries()) expect(2 * half[i] - clean[i]).toBeCloseTo(value, 6);
    expect(at(1, 1)).not.toEqual(at(1, 0));
  });
});

test.each(Object.keys(recipes) as RecipeName[])(
  'every dispatch of a step of %s is listed, with shader and reference',
  (name) => {
    const { network: config, trainer } = recipes[name];
    const features = new Set<GPUFeatureName>(['subgroups']);
    const variants = defaultVariants(layersOf(config), 64, features, 'software');
    const ops = listStep({ config, batch: 64, images: 1000, variants, training: trainerConfigOf(trainer) });
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
      expect(readFileSync(new URL(`../../src/reference/${kernel}.ts`, import.meta.url), 'utf8')).toContain(
        'reference',
      );
      for (const { shader, tensors, groups } of dispatches) {
        const { file, flags } = sources[shader];
        const text = shaderText(file, (path) => files[path], flags);
        expect(text).toContain('//'); // the comments, which the GPU does not get
        for (const { binding } of tensors) expect(text).toMatch(new RegExp(`var<storage.*> ${binding}:`));
        expect(tensors.some(({ written }) => written)).toBe(true);
        expect(Math.min(...groups)).toBeGreaterThan(0);
      }
    }
    // The sizes of a convolution are those of its layer.
    const { height, inChannels, outChannels, kernelSize } = layersOf(config).at(-1)!;
    expect(
      ops.findLast(({ stage, kernel }) => stage === 'forward' && kernel.startsWith('conv2d'))!.shape,
    ).toBe(
      `height ${height}, width ${height}, in channels ${inChannels}, out channels ${outChannels}, kernel size ${kernelSize}, activation ${config.finalActivation}, batch 64`,
    );
    // All of the network is in it.
    for (const layer of layersOf(config))
      for (const stage of ['forward', 'backward'] as const)
        expect(
          ops.some((op) => op.stage === stage && op.layer === layer.name && op.kernel.startsWith('conv2d')),
        ).toBe(true);
  },
);
