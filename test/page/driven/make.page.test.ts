/**
 * The welcome and the Make view as their visitors meet them: by mouse, by keyboard, on a phone, without a GPU; and what they save.
 *
 * @module-tag nightly
 */
import type { Page } from 'puppeteer';
import { expect, test } from 'vitest';
import { checkConfig, parametersOf } from '../../../src/unet/config';
import { saveCheckpoint } from '../../../src/weights/checkpoint';
import { fingerprintImages } from '../../../src/weights/fingerprint';
import { saveModel } from '../../../src/weights/save_model';
import { violationsEverywhere } from '../../lib/page/axe';
import { drive, inTurns } from '../../lib/page/drive';
import {
  changed,
  click,
  exist,
  files,
  focus,
  fromState,
  go,
  isHidden,
  isSeen,
  mentions,
  picture,
  pressOn,
  reads,
  searchOf,
  setting,
  text,
  textsOf,
  type,
  unhidden,
  until,
  workerOf,
} from '../../lib/page/visit';
import * as small from '../../lib/small_files';

const driven = drive();

const pressed = (page: Page) => textsOf(page, '#digits [aria-pressed=true]');
/** The steps of an order have all been made, and shown. */
const made = (page: Page, steps: number) =>
  until(
    page,
    (label) =>
      ['idle', 'paused'].includes(window.harness.state.phase) &&
      document.getElementById('frame-label')!.textContent === label,
    `step ${steps} of ${steps}`,
  );
/** Notes in `window.intervals` which intervals run: for a page, before its own scripts. */
function noteIntervals(): void {
  const intervals = new Set<number>();
  const { setInterval, clearInterval } = window;
  Object.assign(window, {
    intervals,
    setInterval(...all: Parameters<typeof setInterval>) {
      const id = setInterval(...all);
      intervals.add(id);
      return id;
    },
    clearInterval(id: number) {
      intervals.delete(id);
      clearInterval(id);
    },
  });
}
/** How many run: the recording plays by one. */
const intervals = (page: Page) =>
  page.evaluate(() => (window as unknown as { intervals: ReadonlySet<number> }).intervals.size);
test('the welcome page plays a recording before it asks for a GPU, and plays on until the first digits are there', async () => {
  const { page } = await driven.visit(driven.address, noteIntervals);
  await reads(page, 'recorded-making-at', /^step/);
  const worker = await workerOf(page);
  await worker.evaluate(() => {
    const { requestAdapter } = GPU.prototype;
    GPU.prototype.requestAdapter = function (options) {
      Object.assign(globalThis, { asked: true });
      return requestAdapter.call(this, options);
    };
  });
  const asked = () => worker.evaluate(() => 'asked' in globalThis);
  const playing = await intervals(page);
  await pressOn(page, '#recorded-play', 'Enter');
  expect(await intervals(page)).toBe(playing - 1);
  await page.keyboard.press('Enter');
  expect([await intervals(page), await asked()]).toEqual([playing, false]);

  await pressOn(page, '#make-now', 'Enter');
  await reads(page, 'home-status', /^Compiling the shaders: \d+ of \d+$/);
  expect([await asked(), await isSeen(page, '#recorded-making')]).toEqual([true, true]);
  await unhidden(page, 'panel-sample');
  expect(await fromState(page, 'data')).toBeUndefined(); // no digits to train on
  expect([await isHidden(page, 'home'), await searchOf(page)]).toEqual([true, '?task=sample&noise=145']);
  await made(page, 4);
  expect(await pressed(page)).toEqual(['all']);

  // The name of the page leads back to the welcome, and nothing is lost.
  const digits = await picture(page, 'sample-prediction');
  await click(page, '#name');
  await unhidden(page, 'home');
  expect(await searchOf(page)).toBe('');
  await page.evaluate(() => history.back());
  await unhidden(page, 'panel-sample');
  expect(await picture(page, 'sample-prediction')).toBe(digits);
  await click(page, '#name');
  await unhidden(page, 'home');
  expect(await violationsEverywhere(page)).toEqual([]);
  // An order that cannot be made also opens the view, which says why.
  await setting(page, 'text', 'x');
  await click(page, '#make-now');
  await unhidden(page, 'panel-sample');
  expect(await text(page, 'text-problem')).toBe('There is no class "x"; this network makes 0 to 9.');
});

/** It makes at once what its address asks for. */
const makePage = inTurns(() => driven.visit(`${driven.tiny}?task=sample&steps=2&count=10&digit=3&autorun=1`));

test('the pretrained network makes digits to order at once: by button, by key, as a number, with more guidance', async () => {
  const { page } = await makePage();
  await made(page, 2);
  /** The samples that follow from doing something. */
  const following = async (act: () => Promise<unknown>) => {
    const before = await picture(page, 'sample-prediction');
    await act();
    await changed(page, before);
    await made(page, 2);
    return picture(page, 'sample-prediction');
  };
  expect(await pressed(page)).toEqual(['3']);
  const sevens = await following(() => click(page, '#digit-7'));
  expect([await pressed(page), await searchOf(page)]).toEqual([['7'], expect.stringContaining('digit=7')]);
  expect(await text(page, 'sample-model')).toBe('The pretrained network, after 340,000 images');
  // By keyboard, from the button that was pressed last.
  const threes = await following(() => page.keyboard.press('3'));
  expect([await pressed(page), threes === sevens]).toEqual([['3'], false]);
  await page.keyboard.press('ArrowRight');
  expect(await page.evaluate(() => document.activeElement!.textContent)).toBe('4');
  await click(page, '#sample-fold');
  await focus(page, '#guidance');
  expect(await following(() => page.keyboard.press('ArrowRight'))).not.toBe(threes);
  expect(await text(page, 'guidance-value')).toBe('2.25');
  expect(await searchOf(page)).toContain('digit=3&guidance=2.25');
  expect(await following(() => page.keyboard.press('ArrowLeft'))).toBe(threes);
  await following(() => click(page, '#noise-next'));
  expect(await searchOf(page)).toContain('noise=124');

  // Four images of the button 7, from the same noise, are the images of the number 7777.
  await type(page, 'count', '4');
  const fours = await following(() => click(page, '#digit-7'));
  await following(() => click(page, '#digit-3'));
  const write = async (words: string) => {
    await page.evaluate(() => Object.assign(document.getElementById('text')!, { value: '' }));
    await page.type('#text', words);
    await page.keyboard.press('Enter');
  };
  expect(await following(() => write('make 7777'))).toBe(fours);
  expect(await pressed(page)).toEqual([]);
  // What is legal follows while it is typed; a text that is no number is not made.
  await following(() => write('20a6'));
  expect(await text(page, 'text-problem')).toBe('There is no class "a"; this network makes 0 to 9.');
  expect(await violationsEverywhere(page)).toEqual([]);
  await page.keyboard.press('Backspace');
  await page.keyboard.press('Backspace');
  await page.keyboard.press('Enter');
  await reads(page, 'text-problem', '');
  await page.reload();
  await until(page, () => (document.getElementById('text') as HTMLInputElement).value === '20');
});

test('without WebGPU the page plays a recording and says what to do; with reduced motion it waits for Play', async () => {
  const { page } = await driven.newPage();
  await page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
  await page.evaluateOnNewDocument(noteIntervals);
  await page.evaluateOnNewDocument(() => Object.defineProperty(navigator, 'gpu', { value: undefined }));
  // Whatever the address asks for.
  await page.goto(`${driven.address}?task=train&autorun=1`);
  await reads(page, 'recorded-making-at', 'step 20 of 20');
  expect(await text(page, 'unsupported-title')).toBe('This browser has no WebGPU');
  await exist(page, '#unsupported li', 3);
  await exist(page, '#explain-recorded h2');
  expect(await violationsEverywhere(page)).toEqual([]);
  for (const id of ['make-now', 'train-yourself', 'panel-train', 'tab-train'])
    expect(await isSeen(page, `#${id}`), id).toBe(false);
  const [still, waiting] = [await picture(page, 'recorded-making'), await intervals(page)];
  await click(page, '#recorded-play');
  expect(await intervals(page)).toBe(waiting + 1);
  await reads(page, 'recorded-making-at', /^step \d of/);
  expect(await picture(page, 'recorded-making')).not.toBe(still);
});

/** A network for 8 x 8 colours that predicts the same velocity everywhere: its samples are red, and hardly blue. With the run that it is of. */
async function reddening() {
  const config = checkConfig({
    ...{ height: 8, width: 8, channels: 3, widths: [4, 4], finalActivation: 'none' },
    conditioning: { noiseLevel: true, classes: 2 },
  });
  const { parameters } = parametersOf(config);
  const zeros = () => new Map(parameters.map(({ name, size }) => [name, new Float32Array(size)]));
  const weights = zeros().set('up.1.bias', Float32Array.of(-1.5, 0, 1.5));
  const unet = { config, parameters, getParameters: async () => weights };
  const [count, height, width, channels] = [8, 8, 8, 3];
  // Red images, and blue ones.
  const labels = Uint8Array.from({ length: count }, (_, n) => n % 2);
  const images = Uint8Array.from({ length: count * 192 }, (_, i) =>
    i % 3 === 2 * labels[Math.floor(i / 192)] ? 255 : 0,
  );
  const classNames = ['poppy', 'cornflower'];
  const size = { count, height, width, channels };
  const data = fingerprintImages({ images, labels, ...size, name: 'flowers', classNames });
  const state = { ...small.state, step: 1, moment1: zeros(), moment2: zeros() };
  const trainer = {
    ...{ ...small.trainer, unet, variants: {} },
    ...small.snapshotOf({ parameters: weights, state, readLosses: async () => [1] }),
  };
  const settings = { seed: 1, batchSize: 4, learningRate: 0.001, epochs: 9 };
  const idx = (sizes: readonly number[], values: Uint8Array) =>
    Uint8Array.from([0, 0, 8, sizes.length, ...sizes.flatMap((size) => [0, 0, 0, size]), ...values]);
  return {
    'own-images-idx4-ubyte': idx(Object.values(size), images),
    'own-labels-idx1-ubyte': idx([count], labels),
    'run.safetensors': await saveCheckpoint({ trainer, settings, data, losses: [1] }),
    'model.safetensors': await saveModel(unet, { objective: 'flow', data }),
  };
}

/** The mean colour of the pixels of a canvas, or of a saved picture, that are neither white nor empty. */
const meanColour = (page: Page, what: string | number) =>
  page.evaluate(async (of) => {
    const picture =
      typeof of === 'string'
        ? document.querySelector<HTMLCanvasElement>(of)!
        : await createImageBitmap(window.blobs[of]);
    const context = new OffscreenCanvas(picture.width, picture.height).getContext('2d')!;
    context.drawImage(picture, 0, 0);
    const { data } = context.getImageData(0, 0, picture.width, picture.height);
    const sums = [0, 0, 0, 0];
    for (let i = 0; i < data.length; i += 4) {
      if (data[i] + data[i + 1] + data[i + 2] === 765 || data[i + 3] === 0) continue;
      for (let c = 0; c < 3; c++) sums[c] += data[i + c];
      sums[3]++;
    }
    return sums.slice(0, 3).map((sum) => Math.round(sum / sums[3]));
  }, what);

test('a coloured network is shown in its colours in every view, and its classes by their names', async () => {
  const { page } = await driven.visit(`${driven.tiny}?task=train&samples=4&steps=2&method=euler`);
  const { save, add, dropAll } = await files(page);
  const [images, labels, run, model] = await Promise.all(
    Object.entries(await reddening()).map(async ([name, bytes]) => [await add(bytes), name] as const),
  );
  // Where ink on paper becomes chalk on slate, colours stay what they are.
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
  const isReddened = async (what: string | number) => {
    if (typeof what === 'string')
      expect(await page.$eval(what, (canvas) => getComputedStyle(canvas).filter)).toBe('none');
    const [red, green, blue] = await meanColour(page, what);
    const seen = [red > 180, Math.abs(green - 127) < 40, blue < 75];
    expect(seen, `${what}: ${[red, green, blue]}`).toEqual([true, true, true]);
  };

  // Train: a run that goes on, with the names that its file has.
  await dropAll(images, labels, run);
  for (const id of ['strip-step', 'grid-step']) await reads(page, id, 'after step 1');
  await isReddened('#grid');
  expect(await meanColour(page, '#strip-clean')).toEqual([127, 0, 127].map((v) => expect.closeTo(v, -1)));
  await isReddened(await save('save-samples'));

  // Make: prediction, hand, and a file.
  await go(page, 'sample');
  await exist(page, '#digit-buttons button', 3);
  expect(await textsOf(page, '#digit-buttons button')).toEqual(['all', 'poppy', 'cornflower']);
  await page.type('#text', 'cornflower, Poppy');
  await page.keyboard.press('Enter');
  await made(page, 2);
  for (const id of ['#sample-prediction', '#noise-digit']) await isReddened(id);
  await isReddened(await save('save-sampled'));

  // Inside and Draw.
  await go(page, 'inside');
  await exist(page, '#inside-choices button', 2);
  for (const [i, colour] of [
    [255, 0, 0],
    [0, 0, 255],
  ].entries())
    expect(await meanColour(page, `#inside-choices button:nth-child(${i + 1}) canvas`)).toEqual(colour);
  expect(await textsOf(page, '#inside-label option')).toEqual(['its own', 'poppy', 'cornflower', 'none']);
  await go(page, 'draw');
  await mentions(page, 'draw-model', 'It makes colours; drawings are grey.');

  // A model from a file.
  await go(page, 'sample');
  await dropAll(model);
  await until(page, () => window.harness.state.model !== undefined);
  await click(page, '#sample');
  await made(page, 2);
  await isReddened('#sample-prediction');
});
