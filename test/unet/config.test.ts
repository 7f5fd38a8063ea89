import { expect, test } from 'vitest';
import { checkConfig, defaultConfig } from '../../src/unet/config';

test('a field that is undefined has its usual value', () => {
  expect(checkConfig({ widths: undefined, height: undefined, finalActivation: undefined })).toEqual(
    defaultConfig,
  );
  expect(checkConfig({ width: 8, height: undefined })).toEqual({ ...defaultConfig, width: 8 });
});
