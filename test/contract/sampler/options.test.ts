/** The options of runs and of samplers, and the sampling of a network: what is filled in, and what is refused. */
import { describe, expect, test } from 'vitest';
import { wrongArgument } from '../../../src/base/errors';
import { checkSample, checkSampled, checkSampler, type LoadedOptions } from '../../../src/sampling/options';
import { checkConfig } from '../../../src/unet/config';
import { checkSampling, type Sampling } from '../../../src/unet/sampling';
import { refused } from '../../lib/refused';

const network = { height: 4, width: 4, widths: [4, 8], conditioning: { noiseLevel: true, classes: 3 } };
const config = checkConfig(network);
const labels = [2, 0, 3];
const images = (value: number) => new Float32Array(48).fill(value);
const start = images(0.5);
const mask = images(1);
const polish = { noises: 2, level: 0.3 };
const usual: Sampling = { method: 'adams', steps: 3, guidance: 3, guidanceRange: [0.5, 1], polish };

/** The checked options of a run of three images. */
const check = (options: object, sampling?: Sampling, of = config) =>
  checkSample(options as LoadedOptions, { config: of, sampling }, 3, 16);

describe('a run takes', () => {
  const plain = {
    method: 'euler',
    steps: 3,
    from: 1,
    guidance: 1,
    guidanceRange: undefined,
    polish: undefined,
  };
  const all = { from: 1, ...usual };
  test.each<[what: string, options: object, sampling: Sampling | undefined, settings: object]>([
    ['Euler for a network that knows levels', { steps: 3 }, undefined, plain],
    ['guidance 2 with labels', { steps: 3, labels }, undefined, { ...plain, guidance: 2 }],
    ['the sampling of its network', { labels }, usual, all],
    ['no guidance without labels', {}, usual, { ...all, guidance: 1, guidanceRange: undefined }],
    [
      'its own steps and range',
      { labels, steps: 2, guidanceRange: [0, 1] },
      usual,
      { ...all, steps: 2, guidanceRange: [0, 1] },
    ],
    [
      'no range with Heun',
      { labels, method: 'heun' },
      usual,
      { ...all, method: 'heun', guidanceRange: undefined },
    ],
    [
      'its own polish',
      { labels, polish: { noises: 3, level: 1 } },
      usual,
      { ...all, polish: { noises: 3, level: 1 } },
    ],
    ['the shift of its network', { labels }, { ...usual, shift: 1.5 }, { ...all, shift: 1.5 }],
    ['its own shift', { labels, shift: 3 }, { ...usual, shift: 1.5 }, { ...all, shift: 3 }],
    [
      'no shift with Euler',
      { labels, method: 'euler' },
      { ...usual, shift: 1.5 },
      { ...all, method: 'euler' },
    ],
    ['no polish where it says so', { labels, polish: false }, usual, { ...all, polish: undefined }],
    ['no polish with mix', { method: 'mix' }, usual, { ...plain, method: 'mix' }],
  ])('%s', (_, options, sampling, settings) => {
    expect(check(options, sampling).settings).toEqual(settings);
  });

  test('only what its network was distilled for', async () => {
    const distilled: Sampling = { method: 'euler', steps: 2, guidance: 1, calls: 2 };
    const legal = { labels, method: 'euler', steps: 2, guidance: 1 };
    for (const options of [{ labels }, { labels, polish: false }, legal])
      expect(check(options, distilled).settings).toMatchObject({ method: 'euler', steps: 2, guidance: 1 });
    for (const [given, what] of [
      [{ steps: 20 }, 'steps is 20'],
      [{ method: 'heun' }, 'method is heun'],

      [{ labels, guidance: 2 }, 'guidance is 2'],
      [{ start, from: 0.5 }, 'start is given'],
      [{ polish }, 'polish is given'],
    ] as const)
      await refused(
        () => check(given, distilled),
        'argument',
        `${what}, but this network is distilled to 2 calls: it goes from noise to images in 2 steps of euler`,
      );
  });
});

describe('a run refuses', () => {
  const range = 'it must be two levels [low, high], 0 <= low < high <= 1.';
  const noises = 'it must be { noises, level } with 1 to 64 noises of a level from 0.001 to 1, or false.';
  const shifts = 'it must be a number from 1 to 4, and left out with other methods than adams.';
  const flows = 'is for the methods euler, heun and adams; this run has mix.';
  test.each<[options: object, fact: string]>([
    [{ steps: undefined }, 'steps is missing, and this network has no default: give sample({ steps: 20 })'],
    [{ sed: 3 }, 'no setting sed'],
    [{ method: 'ddim' }, 'method is "ddim"; it must be mix, euler, heun, adams.'],
    [{ labels, guidance: NaN }, 'guidance is NaN; it must be a number from 0 to 100.'],
    [
      { guidance: 3 },
      'guidance is 3, which is for labels: none are given. Leave it out, or give 3 labels from 0 to 2.',
    ],
    [
      { labels, guidance: 3, method: 'mix' },
      'guidance is 3 and method mix; guidance is for the methods euler, heun',
    ],
    [{ labels, guidanceRange: [0.5, 0.5] }, `guidanceRange is [0.5,0.5]; ${range}`],
    [
      { labels, guidanceRange: [0.5, 1], method: 'heun' },
      'method heun; it is for the methods euler and adams.',
    ],
    [{ guidanceRange: [0.5, 1] }, 'guidanceRange is given without labels. Give labels, or leave it out.'],
    [{ from: 0.5 }, 'from is 0.5 without start; give the pictures to begin at, too.'],
    [{ mask }, 'mask is given without start. Give start, too'],
    [{ start }, 'start is given with neither from nor mask, and would not count. Give the noise level'],
    [{ start, from: 0 }, 'from is 0; it must be a number from 0.001 to 1.'],
    [{ start, from: 0.5, method: 'mix' }, `start ${flows}`],
    [{ polish, method: 'mix' }, `polish ${flows}`],
    ...[true, {}, { noises: 65, level: 0.2 }, { noises: 4, level: 0 }].map((polish): [object, string] => [
      { polish },
      `polish is ${JSON.stringify(polish)}; ${noises}`,
    ]),
    [{ shift: 5, method: 'adams' }, `shift is 5; ${shifts}`],
    [{ shift: 1.5 }, `shift is 1.5; ${shifts}`],
    [{ start: start.subarray(5), from: 0.5 }, 'start has 43 values; 3 images of 16 values are 48.'],
    [{ start: images(-0.5), from: 0.5 }, 'start[0] is -0.5; all values must be from 0 to 1.'],
    [{ noise: images(NaN) }, 'noise[0] is NaN; all values must be from -1000 to 1000.'],
    [{ noise: images(2), method: 'mix' }, 'noise[0] is 2; all values must be from 0 to 1.'],
    [
      { start: [...start], from: 0.5 },
      'start is of type Array; it must be a Float32Array of [count][height][width]',
    ],
  ])('%o', async (options, fact) => {
    await refused(() => check({ steps: 1, ...options }), 'argument', fact);
  });

  test('labels and guidance for a network without classes', async () => {
    const classless = checkConfig({ ...network, conditioning: { noiseLevel: true, classes: 0 } });
    const ask = (options: object) => () => check({ steps: 1, ...options }, undefined, classless);
    await refused(
      ask({ labels }),
      'argument',
      'labels are given, and this UNet is not conditioned on classes. Leave them out, or use one with',
    );
    await refused(
      ask({ guidance: 2 }),
      'argument',
      'guidance is 2, which is for labels: this UNet is not conditioned on classes. Leave it out.',
    );
  });
});

test.each<[what: string, work: () => unknown, fact: string]>([
  ['count 0', () => checkSampler({ count: 0 }), 'count is 0'],
  ['an unknown name', () => checkSampler({ counts: 4 } as object), 'no setting counts'],
  [
    'a network of other output than input channels',
    () => checkSampled(checkConfig({ ...network, outChannels: 2 })),
    'This UNet makes 2 channels of 1; sampling needs as many as it takes. Use predict.',
  ],
])('a sampler refuses %s', async (_, work, fact) => void (await refused(work, 'argument', fact)));

test.each<[sampling: object, fact: string]>([
  [{ method: 'adams' }, 'sampling.steps is missing; it must be a whole number from 1 to 1000.'],
  [{ method: 'rk4', steps: 3 }, 'sampling.method is "rk4"; it must be mix, euler, heun, adams.'],
  [{ ...usual, guidance: -1 }, 'sampling.guidance is -1; it must be a number from 0 to 100.'],
  [
    { ...usual, shift: 0.5 },
    'sampling.shift is 0.5; it must be a number from 1 to 4, and left out with other',
  ],
  [
    { method: 'euler', steps: 3, shift: 1.5 },
    'sampling.shift is 1.5; it must be a number from 1 to 4, and left',
  ],
  [
    { ...usual, polish: { noises: 0, level: 0.2 } },
    'sampling.polish is {"noises":0,"level":0.2}; it must be { noises',
  ],
  [{ method: 'mix', steps: 3, polish }, 'it must be left out with the method mix, and where calls is given.'],
  [
    { ...usual, polish: undefined, calls: 3 },
    'must be euler, as many steps as calls, and guidance 1, where calls is given.',
  ],
])('the sampling of a UNet cannot be %j', async (sampling, fact) => {
  await refused(() => checkSampling(sampling, wrongArgument), 'argument', fact);
});
