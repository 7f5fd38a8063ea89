import { describe, expect, test } from 'vitest';
import {
  checkConfig,
  defaultConfig,
  listParameters,
  presets,
  type UNetConfig,
} from '../../../src/unet/config';
import { refused } from '../../lib/refused';

describe('checkConfig', () => {
  // The same network has the same configuration, however it was asked for.
  test.each<[given: object, same: Partial<UNetConfig>]>([
    [{ widths: undefined, height: undefined, finalActivation: undefined, outChannels: undefined }, {}],
    [{ width: 8, height: undefined, conditioning: undefined }, { width: 8 }],
    [{ channels: 3, outChannels: 3 }, { channels: 3 }],
    [{ convolutionsPerLevel: [1, 1, 1], residual: true }, {}],
    [
      { widths: [4, 5], convolutionsPerLevel: 2 },
      { widths: [4, 5], convolutionsPerLevel: [2, 2] },
    ],
    [{ conditioning: {} }, {}],
    [{ conditioning: { noiseLevel: false, classes: 0 } }, {}],
    [{ conditioning: { noiseLevel: true } }, { conditioning: { noiseLevel: true, classes: 0 } }],
    [{ conditioning: { classes: 255 } }, { conditioning: { noiseLevel: false, classes: 255 } }],
  ])('makes the same of %j and %j, which survives JSON', (given, same) => {
    const config = checkConfig(given);
    expect(config).toEqual({ ...defaultConfig, ...same });
    expect(Object.keys(config).sort()).toEqual(Object.keys({ ...defaultConfig, ...same }).sort());
    expect(checkConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
  });

  test.each(Object.entries(presets))('leaves the preset %s as it is, also as JSON', (_, preset) => {
    expect(checkConfig(JSON.parse(JSON.stringify(preset)))).toEqual(preset);
  });
});

const whole = (min: number, max: number) => `a whole number from ${min} to ${max}`;
const perLevel = 'a number, or 3 numbers, one for each of the widths';
const conditioned = 'like { noiseLevel: true, classes: 10 }, or left out';
test.each<[given: object, what: string, legal: string]>([
  [{ outChannels: 0 }, 'outChannels is 0', whole(1, 1024)],
  [{ conditioning: { classes: 256 } }, 'conditioning.classes is 256', whole(0, 255)],
  [{ conditioning: { noiseLevel: 1 } }, 'conditioning.noiseLevel is 1', 'true or false'],
  [{ conditioning: true }, 'conditioning is true', conditioned],
  [{ residual: 1 }, 'residual is 1', 'true or false'],
  [{ convolutionsPerLevel: [1, 2] }, 'convolutionsPerLevel is [1,2]', perLevel],
  [{ convolutionsPerLevel: [1, 17, 1] }, 'convolutionsPerLevel is 17', whole(1, 16)],
  [{ conditioning: { class: 10 } }, 'conditioning has no setting class', 'noiseLevel, classes'],
  [
    { conditioned: true },
    'A UNet has no setting conditioned',
    'height, width, channels, widths, kernelSize, convolutionsPerLevel, residual, finalActivation, outChannels, conditioning',
  ],
])('checkConfig refuses %j', async (given, what, legal) => {
  const { message } = await refused(() => checkConfig(given), 'argument');
  expect(message).toBe(`${what}; it ${what.includes('has no') ? 'has' : 'must be'} ${legal}.`);
});

test('presets have the known numbers of parameters', () => {
  const tables = Object.values(presets).map((config) => listParameters(config).parameters);
  const counts = tables.map((table) => table.reduce((sum, { size }) => sum + size, 0));
  expect(counts).toEqual([309_057, 328_513, 370_755]);
  // Each begins where a binding can.
  const last = tables[1].map(({ name, offset }) => `${name} ${offset}`).slice(-4);
  expect(last).toEqual([
    'conditioning.hidden.classes 311168',
    'conditioning.hidden.bias 311872',
    'conditioning.output.kernel 311936',
    'conditioning.output.bias 328320',
  ]);
});
