/** Flags of the recipes: schedule, network, sampling, what to draw, what is held out. */
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../harness/cli/args';
import { orderedClasses } from '../../harness/cli/commands/sample';
import { networkFromFlags, networkSummary } from '../../harness/cli/network_flags';
import { chosenSampling, samplingFlags, samplingText } from '../../harness/cli/sampling_flags';
import { scheduleFlag, scheduleFor } from '../../harness/cli/schedule_flag';
import { checkSchedule } from '../../src/plan/schedule';
import { recipes } from '../../src/recipes';
import { presets } from '../../src/unet/config';
import type { Model } from '../../src/weights/model';

const { 'guidance-range': range, polish: polishing } = samplingFlags;
const parsers: Readonly<Record<string, (text: string) => unknown>> = {
  schedule: (text) => scheduleFlag.parse(text, 'schedule'),
  'guidance-range': (text) => range.parse(text, 'guidance-range'),
  polish: (text) => polishing.parse(text, 'polish'),
};

test.each([
  [
    'schedule',
    'cosine,warmup=20,floor=0.01',
    'line cosine,warmup cosine,warmup=1.5 cosine,floor=2 constant,floor=0.1 cosine,steps=9',
  ],
  ['guidance-range', 'two levels from 0 to 1, the lower one first', '0.5 0.8,0.2 0,1,2 0, low,high'],
  [
    'polish',
    'it must be 1 to 64 noises and a level from 0.001 to 1, such as 4,0.2, or none.',
    '4 0,0.2 65,0.2 1.5,0.2 4,0 4,2 4, 4,0.2,1 yes',
  ],
])('--%s names what it takes, %s, where it is one of %s', (flag, legal, texts) => {
  for (const text of ['', ...texts.split(' ')]) {
    expect(() => parsers[flag](text), text).toThrow(UsageError);
    expect(() => parsers[flag](text), text).toThrow(legal);
  }
});

test.each([
  ['constant,warmup=20', 10, { decay: 'none', warmup: 20 }],
  ['linear,warmup=5,floor=0.25', 400, { decay: 'linear', warmup: 5, steps: 400, floor: 0.25 }],
])('--schedule %s in %i steps is the schedule of a trainer', (text, steps, schedule) => {
  expect(checkSchedule(scheduleFor(scheduleFlag.parse(text, 'schedule'), steps))).toEqual(schedule);
});

test('--schedule refuses a cosine that would end before it begins', () => {
  const schedule = scheduleFlag.parse('cosine,warmup=20', 'schedule');
  expect(() => scheduleFor(schedule, 20)).toThrow('would end before it begins');
});

test('a recipe makes a network with the classes and the size of the data', () => {
  const data = { height: 4, width: 6, channels: 1, classes: 3 };
  const small = networkFromFlags({ recipe: 'digits', widths: [8, 8] }, data);
  const conditioning = { noiseLevel: true, classes: 3 };
  expect(small).toMatchObject({ height: 4, width: 6, widths: [8, 8], conditioning });
  expect(networkSummary(small)).toBe(
    '4x6x1, widths 8 8, kernels 5x5, conditioned on noise level and 3 classes',
  );
});

test('the recipe pictures refuses sides that its network does not take', () => {
  expect(() => networkFromFlags({ recipe: 'pictures' }, { height: 24, width: 68 })).toThrow(
    'The images are 24 x 68; the recipe pictures takes sides of 16 to 64 pixels. Give such images, or take the recipe digits.',
  );
});

describe('sampling, by flags and by what the model file says', () => {
  const polish = { noises: 4, level: 0.2 };
  const own = { method: 'adams', steps: 4, guidance: 1.5, guidanceRange: [0.25, 1] } as const;
  const polished = { method: 'adams', steps: 8, guidance: 1.5, shift: 1.5, polish } as const;
  const distilled = { method: 'euler', steps: 2, guidance: 1, calls: 2 } as const;
  const of = (objective: Model['objective'], config: Model['config'], sampling?: Model['sampling']) =>
    ({ config, objective, parameters: new Map(), ...(sampling && { sampling }) }) satisfies Model;
  const models = {
    tutorial: of('tutorial', presets.tutorial),
    digits: of('flow', presets.digits),
    'a flow whose saver left out the objective': of('tutorial', presets.digits),
    'without classes': of('flow', {
      ...presets.digits,
      conditioning: { noiseLevel: true, classes: 0 },
    }),
    saved: of('flow', presets.digits, own),
    polished: of('flow', presets.digits, polished),
    distilled: of('flow', presets.digits, distilled),
  };
  type Given = Parameters<typeof chosenSampling>[0];
  const heun = { steps: 5, method: 'heun', guidance: 1.5 } as const;

  test.each<[keyof typeof models, Given, string | object]>([
    ['tutorial', {}, { steps: 50, method: 'mix' }],
    ['digits', {}, recipes.digits.sampling],
    ['digits', heun, heun],
    [
      'a flow whose saver left out the objective',
      { method: 'euler' },
      { method: 'euler', steps: 20, guidance: 2 },
    ],
    ['saved', {}, own],
    ['saved', { steps: 8 }, { ...own, steps: 8 }],
    ['saved', { 'guidance-range': [0, 0.5] }, { ...own, guidanceRange: [0, 0.5] }],
    // Its steps are for its method.
    ['saved', { method: 'heun' }, { method: 'heun', steps: 20, guidance: 1.5 }],
    ['polished', {}, polished],
    ['polished', { polish: false }, { method: 'adams', steps: 8, guidance: 1.5, shift: 1.5 }],
    ['polished', { method: 'heun' }, { method: 'heun', steps: 20, guidance: 1.5, polish }],
    ['digits', { polish }, { ...recipes.digits.sampling, polish }],
    ['without classes', { polish }, { method: 'adams', steps: 4, polish }],
    ['distilled', { steps: 2, guidance: 1, polish: false }, distilled],
    ['tutorial', { guidance: 2 }, 'this network has no classes'],
    [
      'digits',
      { method: 'mix' },
      '--method is mix, but this network follows a flow; it must be euler, heun, adams.',
    ],
    ['saved', { method: 'heun', 'guidance-range': [0, 1] }, 'heun has none'],
    ['tutorial', { polish }, '--polish is 4,0.2, but the method mix has none. Leave it out.'],
    ['distilled', { steps: 20 }, 'this network is distilled to 2 calls'],
  ])('%s, %j: %j', (model, given, made) => {
    if (typeof made === 'string') expect(() => chosenSampling(given, models[model])).toThrow(made);
    else expect(chosenSampling(given, models[model])).toEqual(made);
  });

  test.each([
    ['4 steps of adams, guidance 1.5 from level 0.25 to 1: 8 network calls', own],
    [
      '8 steps of adams, guidance 1.5, levels shifted by 1.5, polished by 4 noises of level 0.2: 24 network calls',
      polished,
    ],
    ['2 steps of euler, distilled to 2 calls', distilled],
  ])('reads as %s', (text, sampling) => {
    expect(samplingText(sampling)).toBe(text);
  });

  test('flags are two levels, and noises and a level, or none', () => {
    expect(parsers['guidance-range']('0.2, 0.8')).toEqual([0.2, 0.8]);
    expect([parsers.polish('4, 0.2'), parsers.polish('none')]).toEqual([polish, false]);
  });
});

const pets = { classes: 2, classNames: ['cat', 'dog'] };
type Ordered = [
  Parameters<typeof orderedClasses>[0],
  Parameters<typeof orderedClasses>[1],
  number[] | string | undefined,
];
test.each<Ordered>([
  [{ digits: '3141' }, { classes: 10 }, [3, 1, 4, 1]],
  [{ digits: '12,0' }, { classes: 20 }, [12, 0]],
  [{}, { classes: 3 }, undefined],
  [{ text: 'dog,cat' }, pets, [1, 0]],
  ...['7x', '9', '1,,2'].map((digits) => [{ digits }, { classes: 9 }, '0 to 8'] as Ordered),
  [{ digits: '7' }, { classes: 0 }, '--digits is "7", but this network has no classes'],
  [{ text: 'cow' }, pets, '--text is "cow". There is no class "cow"'],
  [{ text: 'cat', digits: '1' }, pets, 'Give one of them.'],
])('sample orders by %j of %j: %j', (given, of, made) => {
  if (typeof made === 'string') expect(() => orderedClasses(given, of)).toThrow(made);
  else expect(orderedClasses(given, of)).toEqual(made);
});
