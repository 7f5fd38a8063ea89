/** Flags of the recipes: schedule, sampling, what to draw, what is held out. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { UsageError } from '../../harness/cli/args';
import { noteOn } from '../../harness/cli/commands/evaluate';
import { orderedOf } from '../../harness/cli/commands/sample';
import { holdOut, loadImages } from '../../harness/cli/images';
import { describeNetwork, networkFromFlags } from '../../harness/cli/network_flags';
import { samplingFlags, samplingOf, samplingText } from '../../harness/cli/sampling_flags';
import { scheduleFlag, scheduleFor } from '../../harness/cli/schedule_flag';
import { DIGITS } from '../../src/data/digits';
import { checkSchedule } from '../../src/plan/schedule';
import { recipes } from '../../src/recipes';
import { presets } from '../../src/unet/config';
import type { Model } from '../../src/weights/model';
import { idxFile, temporaryFolder } from '../lib/system';

describe('--schedule', () => {
  const parse = (text: string) => scheduleFlag.parse(text, 'schedule');

  test('becomes the schedule of a trainer', () => {
    expect(checkSchedule(scheduleFor(parse('constant'), 10))).toEqual({ decay: 'none', warmup: 0 });
    expect(checkSchedule(scheduleFor(parse('constant,warmup=20'), 10))).toEqual({
      decay: 'none',
      warmup: 20,
    });
    const cosine = { decay: 'cosine', warmup: 5, steps: 400, floor: 0.25 };
    expect(checkSchedule(scheduleFor(parse('cosine,warmup=5,floor=0.25'), 400))).toEqual(cosine);
    expect(checkSchedule(scheduleFor(parse('linear,warmup=5,floor=0.25'), 400))).toEqual({
      ...cosine,
      decay: 'linear',
    });
  });

  test.each([
    '',
    'line',
    'linear,floor',
    'cosine,warmup',
    'cosine,warmup=1.5',
    'cosine,floor=2',
    'constant,floor=0.1',
    'cosine,steps=9',
  ])('refuses %j', (text) => {
    expect(() => parse(text)).toThrow(UsageError);
    expect(() => parse(text)).toThrow('cosine,warmup=20,floor=0.01');
  });

  test('refuses a cosine that would end before it begins', () => {
    expect(() => scheduleFor(parse('cosine,warmup=20'), 20)).toThrow('would end before it begins');
  });
});

describe('the flags of a recipe', () => {
  test('make a network with the classes and the size of the data', () => {
    expect(networkFromFlags({})).toEqual(presets.tutorial);
    expect(networkFromFlags({ recipe: 'digits' })).toEqual(presets.digits);
    expect(networkFromFlags({ recipe: 'pictures' })).toEqual(presets.pictures);
    const small = networkFromFlags(
      { recipe: 'digits', widths: [8, 8] },
      { height: 4, width: 6, channels: 1, classes: 3 },
    );
    expect(small).toMatchObject({
      height: 4,
      width: 6,
      widths: [8, 8],
      conditioning: { noiseLevel: true, classes: 3 },
    });
    expect(describeNetwork(small)).toBe(
      '4x6x1, widths 8 8, kernels 5x5, conditioned on noise level and 3 classes',
    );
    expect(networkFromFlags({}, { classes: 10 })).toEqual(presets.tutorial);
    const icons = { height: 32, width: 32, channels: 3, classes: 4 };
    expect(networkFromFlags({ recipe: 'pictures' }, icons)).toEqual({
      ...{ ...presets.pictures, height: 32, width: 32 },
      conditioning: { noiseLevel: true, classes: 4 },
    });
    expect(networkFromFlags({ recipe: 'pictures' }, { ...icons, classes: 0 }).conditioning).toEqual({
      noiseLevel: true,
      classes: 0,
    });
  });

  test.each([
    [12, 24],
    [24, 68],
  ])('the recipe pictures refuses %i x %i pixels', (height, width) => {
    expect(() => networkFromFlags({ recipe: 'pictures' }, { height, width })).toThrow(
      `The images are ${height} x ${width}; the recipe pictures takes sides of 16 to 64 pixels. Give such images, or take the recipe digits.`,
    );
    expect(networkFromFlags({ recipe: 'digits' }, { height, width })).toMatchObject({ height, width });
  });

  const model = (objective: Model['objective']): Model => ({
    config: objective === 'flow' ? presets.digits : presets.tutorial,
    objective,
    parameters: new Map(),
  });

  test('leave sampling to the model where they do not set it', () => {
    expect(samplingOf({}, model('tutorial'))).toEqual({ steps: 50, method: 'mix' });
    expect(samplingOf({}, model('flow'))).toEqual(recipes.digits.sampling);
    const richer = { ...model('flow'), config: presets['digits-3x3'] };
    expect(samplingOf({}, richer)).toEqual(recipes['digits-3x3'].sampling);
    const colours = { ...model('flow'), config: presets.pictures };
    expect(samplingText(samplingOf({}, colours))).toBe('8 steps of adams: 8 network calls');
    const given = { steps: 5, method: 'heun', guidance: 1.5 } as const;
    expect(samplingOf(given, model('flow'))).toEqual(given);
    expect(() => samplingOf({ guidance: 2 }, model('tutorial'))).toThrow('this network has no classes');
  });

  test('refuse a method of sampling that makes nothing but noise of a network', () => {
    expect(() => samplingOf({ method: 'mix' }, model('flow'))).toThrow(
      '--method is mix, but this network follows a flow; it must be euler, heun, adams.',
    );
    expect(() => samplingOf({ method: 'euler' }, model('tutorial'))).toThrow(
      '--method is euler, but this network is trained as in the tutorial; it must be mix.',
    );
    expect(samplingOf({ method: 'mix' }, model('tutorial'))).toEqual({ steps: 50, method: 'mix' });
    // A file of a flow whose saver left out the objective.
    const unsaid = { ...model('tutorial'), config: presets.digits };
    expect(samplingOf({ method: 'euler' }, unsaid)).toMatchObject({ method: 'euler', steps: 20 });
  });

  test('change the sampling that a model file states', () => {
    const sampling = { method: 'adams', steps: 4, guidance: 1.5, guidanceRange: [0.25, 1] } as const;
    const saved: Model = { ...model('flow'), sampling };
    expect(samplingOf({}, saved)).toEqual(sampling);
    expect(samplingOf({ steps: 8 }, saved)).toEqual({ ...sampling, steps: 8 });
    expect(samplingOf({ 'guidance-range': [0, 0.5] }, saved)).toEqual({
      ...sampling,
      guidanceRange: [0, 0.5],
    });
    // Its steps are for its method.
    expect(samplingOf({ method: 'heun' }, saved)).toEqual({ method: 'heun', steps: 20, guidance: 1.5 });
    expect(() => samplingOf({ method: 'heun', 'guidance-range': [0, 1] }, saved)).toThrow('heun has none');
    expect(samplingText(sampling)).toBe(
      '4 steps of adams, guidance 1.5 from level 0.25 to 1: 8 network calls',
    );
    const parse = (text: string) => samplingFlags['guidance-range'].parse(text, 'guidance-range');
    expect(parse('0.2, 0.8')).toEqual([0.2, 0.8]);
    for (const text of ['', '0.5', '0.8,0.2', '0,1,2', '0,', 'low,high'])
      expect(() => parse(text)).toThrow('two levels from 0 to 1, the lower one first');
  });

  test('--polish adds a polish, or takes away the polish of the file', () => {
    const polish = { noises: 4, level: 0.2 };
    const saved: Model = { ...model('flow'), sampling: { method: 'adams', steps: 8, guidance: 1.5, polish } };
    expect(samplingOf({}, saved)).toEqual(saved.sampling);
    expect(samplingText(samplingOf({}, saved))).toBe(
      '8 steps of adams, guidance 1.5, polished by 4 noises of level 0.2: 24 network calls',
    );
    expect(samplingOf({ polish: false }, saved)).toEqual({ method: 'adams', steps: 8, guidance: 1.5 });
    const other = { noises: 1, level: 0.5 };
    expect(samplingOf({ polish: other }, saved)).toMatchObject({ guidance: 1.5, polish: other });
    expect(samplingOf({ polish }, model('flow'))).toEqual({ ...recipes.digits.sampling, polish });
    const plain = { ...presets.digits, conditioning: { noiseLevel: true, classes: 0 } };
    expect(samplingOf({ polish }, { ...model('flow'), config: plain })).toMatchObject({ steps: 4, polish });
    expect(() => samplingOf({ polish }, model('tutorial'))).toThrow(
      '--polish is 4,0.2, but the method mix has none. Leave it out.',
    );
    const { parse } = samplingFlags.polish;
    expect(parse('4, 0.2', 'polish')).toEqual(polish);
    expect(parse('none', 'polish')).toBe(false);
    for (const text of ['', '4', '0,0.2', '65,0.2', '1.5,0.2', '4,0', '4,2', '4,', '4,0.2,1', 'yes'])
      expect(() => parse(text, 'polish')).toThrow(
        'it must be 1 to 64 noises and a level from 0.001 to 1, such as 4,0.2, or none.',
      );
  });

  test('cannot change the sampling of a distilled network', () => {
    const sampling = { method: 'euler', steps: 2, guidance: 1, calls: 2 } as const;
    const distilled: Model = { ...model('flow'), sampling };
    expect(samplingOf({ steps: 2, guidance: 1, polish: false }, distilled)).toEqual(sampling);
    expect(samplingText(sampling)).toBe('2 steps of euler, distilled to 2 calls');
    for (const given of [
      { steps: 20 },
      { method: 'adams' },
      { guidance: 2 },
      { 'guidance-range': [0, 1] },
      { polish: { noises: 4, level: 0.2 } },
    ] as const)
      expect(() => samplingOf(given, distilled)).toThrow('this network is distilled to 2 calls');
  });

  test('--digits and --text order classes by number or by name', () => {
    const digitsOf = (digits: string, classes: number) => orderedOf({ digits }, { classes });
    expect(digitsOf('3141', 10)).toEqual([3, 1, 4, 1]);
    expect(digitsOf('12,0', 20)).toEqual([12, 0]);
    expect(orderedOf({}, { classes: 3 })).toBeUndefined();
    expect(orderedOf({}, { classes: 0 })).toBeUndefined();
    for (const given of ['7x', '9', '1,,2']) expect(() => digitsOf(given, 9)).toThrow('0 to 8');
    expect(() => digitsOf('7', 0)).toThrow('--digits is "7", but this network has no classes');
    const pets = { classes: 2, classNames: ['cat', 'dog'] };
    expect(orderedOf({ text: 'dog,cat' }, pets)).toEqual([1, 0]);
    expect(() => orderedOf({ text: 'cow' }, pets)).toThrow('--text is "cow". There is no class "cow"');
    expect(() => orderedOf({ text: ' ' }, pets)).toThrow('Write what to make, such as cat, dog.');
    expect(() => orderedOf({ text: 'cat', digits: '1' }, pets)).toThrow('Give one of them.');
  });

  test('evaluate measures networks of MNIST digits, others only with --force and a note', () => {
    const of = (name?: string) => ({ count: 1, height: 28, width: 28, channels: 1, fnv1a: '0', name });
    const own = { model: 'own.safetensors' };
    expect(noteOn({ data: of(DIGITS) }, own)).toBeUndefined();
    expect(noteOn({}, {})).toBeUndefined();
    expect(noteOn({}, { model: 'digits-instant' })).toBeUndefined();
    expect(noteOn({}, own)).toContain('does not say what it was trained on');
    expect(() => noteOn({ data: of('clothes') }, own)).toThrow('trained on "clothes"');
    expect(() => noteOn({ data: of() }, own)).toThrow('--force');
    expect(noteOn({ data: of('clothes') }, { ...own, force: true })).toContain('mean little');
  });
});

describe('labels beside images', () => {
  const folder = temporaryFolder(afterAll);

  const images = (count: number) => idxFile([count, 1, 2], Array(2 * count).keys());
  const labels = (...values: number[]) => idxFile([values.length], values);

  test('are read with the images, in their order, and cut with them', async () => {
    await writeFile(join(folder, 'train-images-idx3-ubyte'), images(3));
    await writeFile(join(folder, 't10k-images-idx3-ubyte'), images(2));
    await writeFile(join(folder, 'train-labels-idx1-ubyte'), labels(7, 8, 9));
    expect((await loadImages([folder])).images.labels).toBeUndefined();
    await writeFile(join(folder, 't10k-labels-idx1-ubyte'), labels(1, 2));
    const { images: set } = await loadImages([folder]);
    expect([...set.labels!]).toEqual([7, 8, 9, 1, 2]);
    expect([...(await loadImages([folder], { limit: 4 })).images.labels!]).toEqual([7, 8, 9, 1]);

    expect(holdOut(set, 4).held!.count).toBe(4);
    expect(() => holdOut(set, 5)).toThrow('give 0 to 4');
  });

  test('are refused where their number is not the number of images', async () => {
    await writeFile(join(folder, 't10k-labels-idx1-ubyte'), labels(1, 2, 3));
    await expect(loadImages([folder])).rejects.toThrow('holds 6 labels, but there are 5 images');
  });
});
