import { expect, test } from 'vitest';
import { checkConfig, presets } from '../../../src/unet/config';
import { describeNetwork } from '../../../src/unet/describe';
import { planWeights } from '../../../src/unet/weights';

const text = (config: Parameters<typeof checkConfig>[0]) => {
  const checked = checkConfig(config);
  return describeNetwork(checked, planWeights(checked)).split('\n');
};

test('describe() lists each layer with its shape and parameters, and the total', () => {
  expect(text(presets.tutorial)).toEqual([
    'layer   output shape      params',
    'input   (n, 28, 28, 1)         0',
    'down.0  (n, 28, 28, 32)      832  conv 5x5, 1 > 32, swish',
    '        (n, 14, 14, 32)        0  max pool 2x2',
    'down.1  (n, 14, 14, 64)   51,264  conv 5x5, 32 > 64, swish',
    '        (n, 7, 7, 64)          0  max pool 2x2',
    'down.2  (n, 7, 7, 64)    102,464  conv 5x5, 64 > 64, swish',
    'up.0    (n, 7, 7, 64)    102,464  conv 5x5, 64 > 64, swish',
    '        (n, 14, 14, 64)        0  upsample 2x, + down.1',
    'up.1    (n, 14, 14, 32)   51,232  conv 5x5, 64 > 32, swish',
    '        (n, 28, 28, 32)        0  upsample 2x, + down.0',
    'up.2    (n, 28, 28, 1)       801  conv 5x5, 32 > 1, swish',
    'Total params: 309,057 (1.2 MB)',
  ]);
});

test('describe() shows the conditioning, which convolutions it goes into, and which add their input', () => {
  const lines = text({
    ...presets.digits,
    kernelSize: 3,
    convolutionsPerLevel: [1, 2, 3],
    residual: true,
  }).map((line) => line.replace(/ {2,}/g, '  '));
  expect(lines).toContain('conditioning  (n, 43)  0  noise level and class (10, or none)');
  expect(lines).toContain('conditioning.hidden  (n, 64)  2,816  linear, 43 > 64, swish');
  expect(lines.slice(9, 13)).toEqual([
    '  (n, 7, 7, 64)  0  max pool 2x2',
    'down.2.0  (n, 7, 7, 64)  36,928  conv 3x3, 64 > 64, + conditioning 160 to 223, swish',
    'down.2.1  (n, 7, 7, 64)  36,928  conv 3x3, 64 > 64, + conditioning 224 to 287, swish, + input',
    'down.2.2  (n, 7, 7, 64)  36,928  conv 3x3, 64 > 64, + conditioning 288 to 351, swish, + input',
  ]);
  expect(lines).toContain('  (n, 14, 14, 64)  0  upsample 2x, + down.1.1');
  expect(lines.at(-2)).toBe('up.2  (n, 28, 28, 1)  289  conv 3x3, 32 > 1');
  expect(lines.at(-1)).toBe('Total params: 347,649 (1.4 MB)');
});
