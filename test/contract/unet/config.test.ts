import { describe, expect, test } from 'vitest';
import {
  checkConfig,
  conditioningOf,
  defaultConfig,
  layersOf,
  outChannelsOf,
  parametersOf,
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

test('the last layer makes outChannels, by default as many as it takes', () => {
  expect(outChannelsOf(checkConfig({ channels: 3 }))).toBe(3);
  const channels = layersOf(checkConfig({ channels: 3, outChannels: 2, widths: [4, 5] })).map(
    ({ inChannels, outChannels }) => `${inChannels}>${outChannels}`,
  );
  expect(channels).toEqual(['3>4', '4>5', '5>4', '4>2']);
});

test('layers of several convolutions a level are named by level and place, and add their input but in the first', () => {
  const config = checkConfig({ widths: [4, 5, 6], convolutionsPerLevel: [2, 1, 3], residual: true });
  const text = layersOf(config).map(
    ({ name, height, inChannels, outChannels, residual, next }) =>
      `${name} ${height} ${inChannels}>${outChannels}${residual ? ' + input' : ''} ${next}`,
  );
  expect(text).toEqual([
    'down.0.0 28 1>4 convolution',
    'down.0.1 28 4>4 + input pool',
    'down.1 14 4>5 pool',
    'down.2.0 7 5>6 convolution',
    'down.2.1 7 6>6 + input convolution',
    'down.2.2 7 6>6 + input convolution',
    'up.0.0 7 6>5 convolution',
    'up.0.1 7 5>5 + input convolution',
    'up.0.2 7 5>5 + input upsample',
    'up.1 14 5>4 upsample',
    'up.2.0 28 4>4 convolution',
    'up.2.1 28 4>1 output',
  ]);
  const without = layersOf(checkConfig({ ...config, residual: false }));
  expect(without.some(({ residual }) => residual)).toBe(false);
});

const whole = (min: number, max: number) => `a whole number from ${min} to ${max}`;
const perLevel = 'a number, or 3 numbers, one for each of the widths';
const conditioned = 'like { noiseLevel: true, classes: 10 }, or left out';
test.each<[given: object, what: string, legal: string]>([
  [{ outChannels: 0 }, 'outChannels is 0', whole(1, 1024)],
  [{ outChannels: '2' }, 'outChannels is "2"', whole(1, 1024)],
  [{ conditioning: { classes: 256 } }, 'conditioning.classes is 256', whole(0, 255)],
  [{ conditioning: { classes: true } }, 'conditioning.classes is true', whole(0, 255)],
  [{ conditioning: { noiseLevel: 1 } }, 'conditioning.noiseLevel is 1', 'true or false'],
  [{ conditioning: true }, 'conditioning is true', conditioned],
  [{ conditioning: null }, 'conditioning is null', conditioned],
  [{ residual: 1 }, 'residual is 1', 'true or false'],
  [{ convolutionsPerLevel: [1, 2] }, 'convolutionsPerLevel is [1,2]', perLevel],
  [{ convolutionsPerLevel: '2' }, 'convolutionsPerLevel is "2"', perLevel],
  [{ convolutionsPerLevel: [1, 17, 1] }, 'convolutionsPerLevel is 17', whole(1, 16)],
  [{ convolutionsPerLevel: 0 }, 'convolutionsPerLevel is 0', whole(1, 16)],
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

describe('the parameter table', () => {
  const count = (config: UNetConfig) =>
    parametersOf(config).parameters.reduce((sum, { size }) => sum + size, 0);
  const lines = (config: UNetConfig) =>
    parametersOf(config).parameters.map(({ name, shape, offset }) => `${name} [${shape}] ${offset}`);

  const tutorial = [
    'down.0.kernel [5,5,1,32] 0',
    'down.0.bias [32] 800',
    'down.1.kernel [5,5,32,64] 832',
    'down.1.bias [64] 52032',
    'down.2.kernel [5,5,64,64] 52096',
    'down.2.bias [64] 154496',
    'up.0.kernel [5,5,64,64] 154560',
    'up.0.bias [64] 256960',
    'up.1.kernel [5,5,64,32] 257024',
    'up.1.bias [32] 308224',
    'up.2.kernel [5,5,32,1] 308288',
    'up.2.bias [1] 309088',
  ];

  test('of the tutorial is the known one; in digits the conditioning comes behind it', () => {
    expect(lines(presets.tutorial)).toEqual(tutorial);
    expect(parametersOf(presets.tutorial).size).toBe(309_120);
    expect(lines(presets.digits)).toEqual([
      ...tutorial,
      'conditioning.hidden.kernel [32,64] 309120',
      'conditioning.hidden.classes [11,64] 311168',
      'conditioning.hidden.bias [64] 311872',
      'conditioning.output.kernel [64,256] 311936',
      'conditioning.output.bias [256] 328320',
    ]);
    expect(parametersOf(presets.digits).size).toBe(328_576);
    expect(Object.values(presets).map(count)).toEqual([309_057, 328_513, 347_649, 370_755]);
  });

  const output = ['output.kernel 64,11', 'output.bias 11'];
  test.each<[noiseLevel: boolean, classes: number, parameters: string[]]>([
    [true, 0, ['hidden.kernel 32,64', 'hidden.bias 64', ...output]],
    [false, 2, ['hidden.classes 3,64', 'hidden.bias 64', ...output]],
    [false, 0, []],
  ])(
    'has only the conditioning that the network has: levels %s, %d classes',
    (noiseLevel, classes, names) => {
      const { parameters } = parametersOf(
        checkConfig({ widths: [3, 5], conditioning: { noiseLevel, classes } }),
      );
      expect(parameters.slice(8).map(({ name, shape }) => `${name.slice(13)} ${shape}`)).toEqual(names);
    },
  );

  test('gives each convolution but the last its own rows of biases by image', () => {
    const config = checkConfig({ widths: [3, 5, 7], conditioning: { noiseLevel: true, classes: 0 } });
    const { output, hidden } = conditioningOf(config)!;
    expect(layersOf(config).map(({ imageBias }) => imageBias)).toEqual([0, 3, 8, 15, 20, undefined]);
    expect(output.outChannels).toBe(23);
    expect([hidden.inChannels, hidden.outChannels]).toEqual([32, 64]);
    expect(conditioningOf(presets.tutorial)).toBeUndefined();
  });
});
