import { describe, expect, test } from 'vitest';
import { loss, measured, percent, workLine } from '../../../harness/page/shell/format';
import { adapterLabel } from '../../../harness/text/adapter_text';

const adapter = { vendor: '', architecture: '', device: '', description: '', software: false };

describe('numbers', () => {
  test.each([
    [0, '0.00'],
    [0.0001, '< 0.001'],
    [0.01234, '0.0123'],
    [1.2, '1.20'],
    [99.94, '99.9'],
    [100, '100'],
    [12345.6, '12,346'],
    [Number.NaN, '–'],
    [Number.POSITIVE_INFINITY, '–'],
  ])('a measured %f is written as %s', (value, text) => expect(measured(value)).toBe(text));

  test('losses keep four decimals until they are too small for them', () => {
    expect([0.0312345, 0.001, 0.000123, 0].map(loss)).toEqual(['0.0312', '0.0010', '1.23e-4', '0.0000']);
  });

  test('shares are written in percent', () => {
    expect([0, 0.0004, 0.01, 0.0994, 0.0999, 0.5, 1].map(percent)).toEqual([
      '0.0 %',
      '< 0.1 %',
      '1.0 %',
      '9.9 %',
      '10 %',
      '50 %',
      '100 %',
    ]);
  });
});

describe('the name of the adapter', () => {
  test('is the adapter’s own description where the browser gives one', () => {
    expect(adapterLabel({ ...adapter, vendor: 'nvidia', description: 'NVIDIA GeForce RTX 4070' })).toBe(
      'NVIDIA GeForce RTX 4070',
    );
  });
  test('is made of vendor and architecture as people write them', () => {
    expect(adapterLabel({ ...adapter, vendor: 'intel', architecture: 'gen-12lp' })).toBe('Intel Gen 12lp');
    expect(adapterLabel({ ...adapter, vendor: 'google', architecture: 'swiftshader' })).toBe(
      'Google SwiftShader',
    );
  });
  test('leaves out device numbers', () => {
    expect(adapterLabel({ ...adapter, vendor: 'amd', architecture: 'rdna-3', device: '0x744c' })).toBe(
      'AMD Rdna 3',
    );
  });
  test('is Unnamed adapter where the browser gives nothing', () => {
    expect(adapterLabel(adapter)).toBe('Unnamed adapter');
  });
});

describe('the text on the work of a run', () => {
  test('compares the shipped digits at the settings of the tutorial with the tutorial’s images', () => {
    expect(workLine({ imageCount: 10_000, batchSize: 256 }, 5, true)).toBe(
      '40 steps an epoch at batch 256, 200 in 5 epochs. 35 epochs here see as many images as the tutorial’s 5 of 70,000.',
    );
  });
  test('names the same number of epochs as equal to the tutorial’s at any batch', () => {
    expect(workLine({ imageCount: 10_000, batchSize: 16 }, 5, true)).toMatch(
      /^625 steps .* 35 epochs here see/,
    );
  });
  test('compares all of MNIST with nothing, since this is the tutorial', () => {
    expect(workLine({ imageCount: 70_000, batchSize: 256 }, 5, true)).toBe(
      '274 steps an epoch at batch 256, 1,370 in 5 epochs.',
    );
  });
  test('compares other recipes, other images and few digits with nothing', () => {
    const alone = '40 steps an epoch at batch 256, 200 in 5 epochs.';
    expect(workLine({ imageCount: 10_000, batchSize: 256 }, 5, false)).toBe(alone);
    expect(workLine({ imageCount: 64, batchSize: 16 }, 5, true)).toBe(
      '4 steps an epoch at batch 16, 20 in 5 epochs.',
    );
  });
  test('counts no step for a small last batch that is dropped', () => {
    expect(workLine({ imageCount: 9000, batchSize: 256, dropLast: true }, 12, false)).toMatch(
      /^35 steps .* 420 in 12/,
    );
  });
  test('has singular words for one step, one epoch and one image', () => {
    expect(workLine({ imageCount: 1, batchSize: 1 }, 1, true)).toBe(
      '1 step an epoch at batch 1, 1 in 1 epoch.',
    );
  });
});
