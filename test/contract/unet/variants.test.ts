/** Which variants are used where nothing is measured. */
import { describe, expect, test } from 'vitest';
import { conv2d } from '../../../src/kernels/conv2d';
import { conv2dGradInput } from '../../../src/kernels/conv2d_grad_input';
import { conv2dGradKernel } from '../../../src/kernels/conv2d_grad_kernel';
import { worthMeasuring } from '../../../src/tuning/tuner';
import { checkVariants } from '../../../src/unet/check_variants';
import { checkConfig, layersOf, presets } from '../../../src/unet/config';
import {
  type Capabilities,
  conditioningChoice,
  defaultVariants,
  layersFor,
  possibleVariants,
  preferredVariant,
  TUNABLE_KERNELS,
} from '../../../src/unet/variants';

const layers = layersOf(checkConfig());
const none = new Set<string>();
const plain = { features: none };
/** A device with default limits. */
const small = { ...plain, limits: { maxStorageBufferBindingSize: 2 ** 27, maxBufferSize: 2 ** 28 } };
const capable = { features: new Set(['subgroups']) };
const usual = (batch: number, ...features: string[]) =>
  defaultVariants(layers, batch, { features: new Set(features) }, 'software');

test('on a processor with subgroups, a large batch uses the subgroup variants', () => {
  expect(usual(64, 'subgroups')).toMatchObject({
    'conv2d/down.0': 'one_input_subgroups',
    'conv2d/down.2': 'winograd7_subgroups',
    'conv2d/up.2': 'one_output_subgroups',
    'conv2d_grad_input/up.2': 'one_input_subgroups',
  });
  expect(Object.values(usual(64)).filter((name) => name.includes('subgroups'))).toEqual([]);
});

test('the conditioning is fused on GPUs, unless that variant was rejected or the caller fixed another', () => {
  const conditioned = layersOf(presets.digits);
  expect(conditioningChoice(conditioned, 'gpu', none)).toEqual({ conditioning: 'gpu' });
  expect(conditioningChoice(conditioned, 'gpu', new Set(['conditioning.gpu']))).toEqual({});
  expect(conditioningChoice(conditioned, 'software', none)).toEqual({});
  expect(conditioningChoice(layers, 'gpu', none)).toEqual({});
  expect(defaultVariants(conditioned, 8, plain, 'gpu')).toMatchObject({ conditioning: 'gpu' });
  const check = (variants: Record<string, string>, of = conditioned) =>
    checkVariants(variants, of, 8, plain, true);
  check({ conditioning: 'unfused' });
  check({ conditioning: 'gpu' });
  expect(() => check({ conditioning: 'one' })).toThrow(
    'conditioning has no variant one; it can be unfused or gpu',
  );
  expect(() => check({ conditioning: 'gpu' }, layers)).toThrow('there is no conditioning in this network');
});

test('entries of another network are refused in one sentence that names the legal ones once', () => {
  const of = { 'conv2d/down.7': 'direct', 'conv2d/up.0': 'best', 'conv2d/up.9': 'direct' };
  const check = () => checkVariants(of, layers, 8, plain, true);
  expect(check).toThrow(
    /^These kernel variants cannot be used: there is no conv2d\/down\.7, conv2d\/up\.9 in this network, only conv2d\/down\.0, conv2d\/down\.1, [^A-Z]*\. Also conv2d\/up\.0 has no variant best; here it can be direct, [^A-Z]*\.$/,
  );
});

test('the default Winograd variant has the fewest products for the image, and the smallest tile for few tiles', () => {
  expect(usual(8)).toMatchObject({ 'conv2d/down.1': 'winograd7', 'conv2d/down.2': 'winograd4' }); // 32 tiles, and 8
  expect(usual(16)).toMatchObject({ 'conv2d/down.2': 'winograd7', 'conv2d_grad_kernel/up.0': 'winograd7' });
  const choice = (size: number, batch = 64, ...features: string[]) =>
    defaultVariants(
      layersOf(checkConfig({ height: size, width: size })),
      batch,
      { features: new Set(features) },
      'software',
    );
  // Images of 16 take 4 tiles of 8, where they would take 9 of 7; images of 8 take one, or 4 of either other form.
  const large = { 'conv2d/down.1': 'winograd8', 'conv2d_grad_input/up.1': 'winograd8' };
  expect(choice(32)).toMatchObject({
    ...large,
    'conv2d/down.2': 'winograd8',
    'conv2d_grad_kernel/up.0': 'winograd8',
  });
  expect(choice(32, 8)).toMatchObject({
    ...large,
    'conv2d/down.2': 'winograd4',
    'conv2d_grad_kernel/up.0': 'winograd4',
  });
  // 32 take 16 of 8, or 25 of 7.
  expect(choice(64)).toMatchObject({ ...large, 'conv2d/up.0': 'winograd8' });
  expect(choice(64, 64, 'subgroups')).toMatchObject({ 'conv2d_grad_kernel/down.1': 'winograd8_subgroups' });
  // 20 take 9 of 8 or of 7, or 25 of 4; 10 take 4 of 8 or of 7, or 9 of 4.
  expect(choice(40)).toMatchObject({ 'conv2d/down.1': 'winograd7', 'conv2d/down.2': 'winograd7' });
  // 12 take 4 of 8 or of 7, which is 576 or 484 products, or 9 of 4, which is 576, too; 6 take one of 8 or of 7.
  expect(choice(24)).toMatchObject({ 'conv2d/down.1': 'winograd7', 'conv2d/down.2': 'winograd7' });
});

test('the default Winograd tiles of 3x3 kernels, 6 or 7, are those that fit the image', () => {
  const at = (side: number, adapter: 'software' | 'gpu') => {
    const config = checkConfig({ ...presets.pictures, height: side, width: side });
    const variants = defaultVariants(layersOf(config), 16, capable, adapter);
    return ['down.0.1', 'down.1.1', 'up.0.1'].map((layer) => {
      const names = ['conv2d', 'conv2d_grad_input', 'conv2d_grad_kernel'].map(
        (kernel) => /^winograd(\d)_3x3/.exec(variants[`${kernel}/${layer}`])?.[1],
      );
      expect(new Set(names).size, `${layer} at ${side}`).toBe(1);
      return Number(names[0]);
    });
  };
  for (const adapter of ['software', 'gpu'] as const) {
    // 24, 12 and 6 are whole numbers of tiles of 6, 28, 14 and 7 of 7.
    expect(at(24, adapter)).toEqual([6, 6, 6]);
    expect(at(28, adapter)).toEqual([7, 7, 7]);
    // 32 and 16 take 36 and 9 of 6, or 25 and 9 of 7; 40, 20 and 10 take 49, 16 and 4, or 36, 9 and 4.
    expect(at(32, adapter)).toEqual([7, 6, 6]);
    expect(at(40, adapter)).toEqual([7, 7, 6]);
  }
});

test('a batch of 4 uses subgroup variants where strips of an image fill the lanes', () => {
  expect(usual(4, 'subgroups')).toMatchObject({
    'conv2d/down.0': 'one_input_subgroups',
    'conv2d/down.1': 'winograd7_subgroups',
    'conv2d/down.2': 'winograd4_subgroups',
    'conv2d/up.2': 'one_output_subgroups',
  });
  const narrow = layersOf(checkConfig({ height: 8, width: 8, widths: [8, 8] }));
  const choice = (batch: number) => defaultVariants(narrow, batch, capable, 'software');
  // Two strips of 7 pixels in a row, for two pairs of images; for four pairs there are as many as lanes.
  expect(choice(4)).toMatchObject({ 'conv2d/down.0': 'one_input', 'conv2d/up.1': 'one_output' });
  expect(choice(8)).toMatchObject({
    'conv2d/down.0': 'one_input_subgroups',
    'conv2d/up.1': 'one_output_subgroups',
  });
});

test('a layer of fewer than 32 output channels does not use the subgroup variant of Winograd', () => {
  const narrow = layersOf(checkConfig({ widths: [16, 32, 32] }));
  expect(defaultVariants(narrow, 64, capable, 'software')).toMatchObject({
    'conv2d/down.1': 'winograd7_subgroups', // 16 > 32
    'conv2d_grad_input/down.1': 'winograd7',
    'conv2d/up.1': 'winograd7', // 32 > 16
    'conv2d_grad_input/up.1': 'winograd7_subgroups',
  });
});

test('the tuner measures on an adapter only variants for its kind', () => {
  const some = ['direct', 'tile', 'winograd7', 'winograd7_gpu'];
  expect(worthMeasuring(conv2d, some, layers[1], 64, 'gpu', none)).toEqual([
    'direct',
    'tile',
    'winograd7_gpu',
  ]);
  expect(worthMeasuring(conv2d, some, layers[1], 64, 'software', none)).toEqual(['direct', 'winograd7']);
});

test('a wide product is measured where 64 columns of four tiles fill its workgroup, and is never the default', () => {
  const wide = (layer: number, batch: number) =>
    worthMeasuring(
      conv2d,
      possibleVariants(conv2d, layers[layer], batch, plain),
      layers[layer],
      batch,
      'gpu',
      none,
    ).filter((name) => name.endsWith('_wide'));
  // One tile of 7 an image, or four.
  expect([wide(2, 252), wide(2, 256)]).toEqual([[], ['winograd7_gpu_wide']]);
  expect([wide(1, 60), wide(1, 64)]).toEqual([[], ['winograd7_gpu_wide']]);
  for (const batch of [64, 1024])
    expect(Object.values(defaultVariants(layers, batch, plain, 'gpu')).join()).not.toContain('wide');
});

describe('the tuner on a GPU', () => {
  const measured = (
    config: Parameters<typeof checkConfig>[0],
    kernel: (typeof TUNABLE_KERNELS)[number],
    at: number,
    ...rejected: string[]
  ) => {
    const layer = layersOf(checkConfig(config))[at];
    const possible = possibleVariants(kernel, layer, 64, capable);
    return worthMeasuring(kernel, possible, layer, 64, 'gpu', new Set(rejected));
  };
  /** The Winograd forms for images of a side. */
  const ofSide = (side: number, kernelSize: number, ...rejected: string[]) =>
    measured({ height: 2 * side, width: 2 * side, kernelSize }, conv2d, 1, ...rejected).filter((name) =>
      /^winograd.*(?<!_wide)$/.test(name),
    );

  test('leaves out variants for processors that have a twin for GPUs, unless the twin was rejected', () => {
    const [input, last] = [0, layers.length - 1];
    expect(measured({}, conv2d, input)).toEqual(['direct', 'one_input_gpu', 'tile']);
    expect(measured({}, conv2d, last)).toEqual([
      ...['direct', 'one_output_gpu', 'tile', 'winograd7_gpu', 'winograd7_gpu_wide'],
    ]);
    expect(measured({}, conv2dGradInput, last)).toEqual(['direct', 'one_input_gpu', 'tile']);
    expect(measured({}, conv2dGradKernel, input)).toEqual([
      ...['direct', 'one_channel_gpu', 'tile', 'winograd7_gpu'],
    ]);
    expect(measured({}, conv2dGradKernel, last)).toEqual(['direct', 'one_channel_gpu', 'tile']);
    expect(measured({}, conv2d, input, 'conv2d.one_input_gpu', 'conv2d.tile')).toEqual([
      ...['direct', 'one_input', 'one_input_gpu', 'tile'],
    ]);
    expect(measured({}, conv2dGradKernel, last, 'conv2d.one_channel_gpu')).not.toContain('one_channel');
    const rejected = 'conv2d_grad_kernel.one_channel_gpu';
    expect(measured({}, conv2dGradKernel, last, rejected)).toContain('one_channel');
  });

  test('leaves out Winograd tiles that overhang the image where another tile fits, unless that was rejected', () => {
    expect(ofSide(14, 5)).toEqual(['winograd7_gpu']);
    expect(ofSide(16, 5)).toEqual(['winograd8_gpu']);
    expect(ofSide(56, 5)).toEqual(['winograd7_gpu', 'winograd8_gpu']);
    expect(ofSide(28, 3)).toEqual(['winograd7_3x3_gpu']);
    expect(ofSide(12, 3)).toEqual(['winograd6_3x3_gpu']);
    expect(ofSide(14, 5, 'conv2d.winograd7_gpu')).toEqual(['winograd7_gpu', 'winograd8_gpu']);
    expect(ofSide(14, 5, 'conv2d_grad_input.winograd7_gpu')).toEqual(['winograd7_gpu']);
    // Neither fits: 20 pixels, and 14 x 16.
    expect(ofSide(20, 5)).toEqual(['winograd7_gpu', 'winograd8_gpu']);
    expect(measured({ height: 28, width: 32 }, conv2d, 1)).toEqual(
      expect.arrayContaining(['winograd7_gpu', 'winograd8_gpu']),
    );
  });

  test('leaves out variants that a caller can still fix, or that replace a rejected twin', () => {
    for (const kernel of TUNABLE_KERNELS) {
      for (const layer of layersFor(kernel, layers)) {
        const possible = possibleVariants(kernel, layer, 64, capable);
        const usual = preferredVariant(kernel, possible, layer, 64, 'gpu');
        const worth = worthMeasuring(kernel, possible, layer, 64, 'gpu', none);
        expect(worth[0]).toBe('direct');
        expect(worth).toContain(usual);
        for (const left of possible)
          expect(() =>
            checkVariants({ [`${kernel.name}/${layer.name}`]: left }, layers, 64, capable, true),
          ).not.toThrow();
      }
    }
    const rejected = new Set(['conv2d.one_input_gpu', 'conv2d_grad_kernel.one_channel_gpu']);
    expect(defaultVariants(layers, 64, capable, 'gpu', rejected)).toMatchObject({
      'conv2d/down.0': 'one_input',
      'conv2d_grad_kernel/up.2': 'one_channel',
    });
  });
});

test('the default variants on a GPU, without measuring, are those that fit its registers', () => {
  for (const batch of [4, 256]) {
    const variants = defaultVariants(layers, batch, capable, 'gpu');
    expect(variants).toMatchObject({
      'conv2d/down.0': 'one_input_gpu',
      'conv2d/down.1': 'winograd7_gpu',
      'conv2d_grad_input/up.1': 'winograd7_gpu',
      'conv2d_grad_kernel/down.0': 'one_channel_gpu',
      'conv2d_grad_kernel/up.2': 'one_channel_gpu',
      'conv2d_grad_kernel/down.2': batch === 4 ? 'tile' : 'winograd7_gpu', // of which one tile an image is too few
    });
  }
  // Tiles and Winograd forms are for 5x5 and 3x3 kernels.
  const other = layersOf(checkConfig({ kernelSize: 7 }));
  expect(new Set(Object.values(defaultVariants(other, 64, plain, 'gpu')))).toEqual(new Set(['direct']));
});

test('on a device with default limits no form is used whose scratch memory no buffer can hold', () => {
  // Bindings may be larger than buffers where a caller has raised one limit alone.
  const binding = { ...plain, limits: { maxStorageBufferBindingSize: 2 ** 30, maxBufferSize: 2 ** 28 } };
  const wide = (width: number) => layersOf(checkConfig({ height: 64, width: 64, widths: [width, width] }));
  const at = (width: number, device: Capabilities) =>
    defaultVariants(wide(width), 64, device, 'gpu')['conv2d_grad_kernel/down.1'];
  // The partial sums of all pairs of 192 channels take 162 MiB, of 256 channels 576 MiB.
  expect([at(192, plain), at(192, small), at(32, small)]).toEqual(['winograd8_gpu', 'tile', 'winograd8_gpu']);
  expect([at(192, binding), at(256, binding)]).toEqual(['winograd8_gpu', 'tile']);
  const fixed = { 'conv2d_grad_kernel/down.1': 'winograd8_gpu' };
  expect(() => checkVariants(fixed, wide(192), 64, small, true)).toThrow(
    'cannot be winograd8_gpu, as the device allows no buffer as large as its scratch memory; here it can be direct, tile',
  );
});

test('the plain weight gradient needs no buffer that a device with default limits cannot have', () => {
  const { slices, scratch } = conv2dGradKernel.variants.direct;
  const of = (width: number) => {
    const layer = layersOf(checkConfig({ height: 64, width: 64, widths: [width, width] }))[1];
    const shape = { ...layer, batch: 64 };
    expect(possibleVariants(conv2dGradKernel, layer, 64, small)).toContain('direct');
    return { slices: slices!(shape), mib: Math.ceil((4 * scratch!(shape).partials) / 2 ** 20) };
  };
  // In seven slices the sums of 512 and 768 channels would take 176 and 394 MiB.
  expect([64, 512, 768, 1024].map(of)).toEqual([
    { slices: 7, mib: 3 },
    { slices: 5, mib: 126 },
    { slices: 2, mib: 113 },
    { slices: 1, mib: 101 },
  ]);
});
