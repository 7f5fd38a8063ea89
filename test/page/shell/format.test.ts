import { describe, expect, test } from 'vitest';
import { loss, measured, ofFile, percentText } from '../../../harness/page/shell/format';
import { adapterLabel } from '../../../harness/text/adapter_text';

const adapter = { vendor: '', architecture: '', device: '', description: '', software: false };

describe('numbers', () => {
  test.each([
    [0, '0.00'],
    [0.0001, '< 0.001'],
    [0.01234, '0.0123'],
    [99.94, '99.9'],
    [12345.6, '12,346'],
    [Number.NaN, '–'],
  ])('a measured %f is written as %s', (value, text) => expect(measured(value)).toBe(text));

  test('losses keep four decimals until they are too small for them', () => {
    expect([0.0312345, 0.001, 0.000123, 0].map(loss)).toEqual(['0.0312', '0.0010', '1.23e-4', '0.0000']);
  });

  test('shares are written in percent', () => {
    expect([0.0004, 0.0994, 0.0999, 1].map(percentText)).toEqual(['< 0.1 %', '9.9 %', '10 %', '100 %']);
  });
});

describe('the name of the adapter', () => {
  test.each([
    [
      'is its own description',
      { vendor: 'nvidia', description: 'NVIDIA GeForce RTX 4070' },
      'NVIDIA GeForce RTX 4070',
    ],
    ['is made of vendor and architecture', { vendor: 'intel', architecture: 'gen-12lp' }, 'Intel Gen 12lp'],
    ['is Unnamed adapter where the browser gives nothing', {}, 'Unnamed adapter'],
  ])('%s', (_, info, name) => expect(adapterLabel({ ...adapter, ...info })).toBe(name));
});

test.each([
  ['The model is damaged. The model cannot be read.', 'a $& b is damaged. The model cannot be read.'],
  ['The checkpoint has no losses.', 'a $& b has no losses.'],
  ['The modelling ends.', 'The modelling ends.'],
])('what the worker says of a file, %s, has the name of the file', (text, words) => {
  expect(ofFile(text, 'a $& b')).toBe(words);
});
