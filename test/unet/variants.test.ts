/** Which variants are used where nothing is measured. */
import { expect, test } from 'vitest';
import { conv2d } from '../../src/kernels/conv2d';
import { checkConfig, layersOf } from '../../src/unet/config';
import { defaultVariants, worthMeasuring } from '../../src/unet/variants';

const layers = layersOf(checkConfig());
const usual = (batch: number, ...features: string[]) =>
  defaultVariants(layers, batch, new Set(features), 'software');

test('a large batch uses subgroups where the device has them', () => {
  expect(usual(64, 'subgroups')).toMatchObject({
    'conv2d/down.0': 'one_input_subgroups',
    'conv2d/down.2': 'winograd7_subgroups',
    'conv2d/up.2': 'one_output_subgroups',
    'conv2d_grad_input/up.2': 'one_input_subgroups',
  });
  expect(Object.values(usual(64)).filter((name) => name.includes('subgroups'))).toEqual([]);
});

test('images take the Winograd form with the fewest products, few tiles the smallest form', () => {
  expect(usual(8)).toMatchObject({ 'conv2d/down.1': 'winograd7', 'conv2d/down.2': 'winograd4' }); // 32 tiles, and 8
  expect(usual(16)).toMatchObject({ 'conv2d/down.2': 'winograd7', 'conv2d_grad_kernel/up.0': 'winograd7' });
  const choice = (size: number, batch = 64, ...features: string[]) =>
    defaultVariants(
      layersOf(checkConfig({ height: size, width: size })),
      batch,
      new Set(features),
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

test('the smallest batch fills the lanes of all but the narrowest strips', () => {
  expect(usual(4, 'subgroups')).toMatchObject({
    'conv2d/down.0': 'one_input_subgroups',
    'conv2d/down.1': 'winograd7_subgroups',
    'conv2d/down.2': 'winograd4_subgroups',
    'conv2d/up.2': 'one_output_subgroups',
  });
  const narrow = layersOf(checkConfig({ height: 8, width: 8, widths: [8, 8] }));
  const choice = (batch: number) => defaultVariants(narrow, batch, new Set(['subgroups']), 'software');
  // Two strips of 7 pixels in a row, for two pairs of images; for four pairs there are as many as lanes.
  expect(choice(4)).toMatchObject({ 'conv2d/down.0': 'one_input', 'conv2d/up.1': 'one_output' });
  expect(choice(8)).toMatchObject({
    'conv2d/down.0': 'one_input_subgroups',
    'conv2d/up.1': 'one_output_subgroups',
  });
});

test('a layer of few channels leaves out the product that makes 32 of them at a time', () => {
  const narrow = layersOf(checkConfig({ widths: [16, 32, 32] }));
  expect(defaultVariants(narrow, 64, new Set(['subgroups']), 'software')).toMatchObject({
    'conv2d/down.1': 'winograd7_subgroups', // 16 > 32
    'conv2d_grad_input/down.1': 'winograd7',
    'conv2d/up.1': 'winograd7', // 32 > 16
    'conv2d_grad_input/up.1': 'winograd7_subgroups',
  });
});

test('what is tried on an adapter is what may win there', () => {
  const some = ['direct', 'tile', 'winograd7', 'winograd7_gpu'];
  expect(worthMeasuring(conv2d, some, 'gpu')).toEqual(['direct', 'tile', 'winograd7_gpu']);
  expect(worthMeasuring(conv2d, some, 'software')).toEqual(['direct', 'winograd7']);
});

test('a GPU that is not measured gets forms that fit its registers', () => {
  for (const batch of [4, 256]) {
    const variants = defaultVariants(layers, batch, new Set(['subgroups']), 'gpu');
    expect(variants).toMatchObject({
      'conv2d/down.0': 'one_input_gpu',
      'conv2d/down.1': 'winograd7_gpu',
      'conv2d_grad_input/up.1': 'winograd7_gpu',
      'conv2d_grad_kernel/down.0': batch === 4 ? 'one_channel' : 'one_channel_gpu', // which has 32 images a workgroup
      'conv2d_grad_kernel/down.2': batch === 4 ? 'tile' : 'winograd7_gpu', // of which one tile an image is too few
    });
  }
  // Tiles and Winograd forms are for 5x5 and 3x3 kernels.
  const other = layersOf(checkConfig({ kernelSize: 7 }));
  expect(new Set(Object.values(defaultVariants(other, 64, new Set(), 'gpu')))).toEqual(new Set(['direct']));
});
