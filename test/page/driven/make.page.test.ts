/**
 * The welcome and the Make view as their visitors meet them: by mouse, by keyboard, on a phone, without a GPU; and what they save.
 *
 * @module-tag nightly
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
  countOf,
  drawn,
  exist,
  files,
  focus,
  focused,
  fromState,
  go,
  isHidden,
  isSeen,
  losses,
  mentions,
  onPhone,
  phase,
  picture,
  pressOn,
  reads,
  searchOf,
  setting,
  slide,
  TINY,
  text,
  textsOf,
  type,
  unhidden,
  until,
  upload,
  workerOf,
} from '../../lib/page/visit';

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
const moves = (page: Page) => reads(page, 'recorded-making-at', /^step/);
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
/** What sticks out of the window on the right. */
const tooWide = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);

test('the welcome page plays a recording before it asks for a GPU, and plays on until the first digits are there', async () => {
  const { page } = await driven.visit(driven.address, noteIntervals);
  await moves(page);
  expect(await fromState(page, 'adapter')).toBeUndefined();
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
  expect(await intervals(page)).toBe(playing);
  expect(await asked()).toBe(false);

  await pressOn(page, '#make-now', 'Enter');
  await reads(page, 'home-status', /^Compiling the shaders: \d+ of \d+$/);
  expect(await asked()).toBe(true);
  expect(await isSeen(page, '#recorded-making')).toBe(true);
  await unhidden(page, 'panel-sample');
  expect(await fromState(page, 'data')).toBeUndefined(); // no digits to train on
  expect(await isHidden(page, 'home')).toBe(true);
  expect(await searchOf(page)).toBe('?task=sample&noise=145');
  // The button is gone; the focus is not.
  expect(await focused(page)).not.toBe('');
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
  // An order that cannot be made, or an unusual one, also opens the view, which says why.
  await setting(page, 'text', 'x');
  await setting(page, 'steps', '1');
  await click(page, '#make-now');
  await unhidden(page, 'panel-sample');
  expect(await text(page, 'text-problem')).toBe('There is no class "x"; this network makes 0 to 9.');
  expect(await isSeen(page, '#usual')).toBe(true);
});

/** It makes at once what its address asks for. */
const makePage = inTurns(() => driven.visit(`${driven.tiny}?task=sample&steps=2&count=10&digit=3&autorun=1`));

test('the pretrained network makes digits to order at once', async () => {
  const { page } = await makePage();
  await made(page, 2);
  const pictures = () => picture(page, 'sample-prediction');
  /** The samples that follow from doing something. */
  const following = async (act: () => Promise<unknown>) => {
    const before = await pictures();
    await act();
    await until(
      page,
      (shown) =>
        window.harness.state.phase === 'idle' &&
        document.getElementById('frame-label')!.textContent === 'step 2 of 2' &&
        (document.getElementById('sample-prediction') as HTMLCanvasElement).toDataURL() !== shown,
      before,
    );
    return pictures();
  };
  expect(await pressed(page)).toEqual(['3']);
  const sevens = await following(() => click(page, '#digit-7'));
  expect(await pressed(page)).toEqual(['7']);
  expect(await searchOf(page)).toContain('digit=7');
  expect(await losses(page)).toEqual([]);
  expect(await text(page, 'sample-model')).toBe('The pretrained network, after 340,000 images');
  // By keyboard, from the button that was pressed last.
  const threes = await following(() => page.keyboard.press('3'));
  expect([await pressed(page), await searchOf(page)]).toEqual([['3'], expect.stringContaining('digit=3')]);
  expect(threes).not.toBe(sevens);
  await page.keyboard.press('ArrowRight');
  expect(await page.evaluate(() => document.activeElement!.textContent)).toBe('4');
  await click(page, '#sample-fold');
  await focus(page, '#guidance');
  const stricter = await following(() => page.keyboard.press('ArrowRight'));
  expect(await text(page, 'guidance-value')).toBe('2.25');
  expect(await searchOf(page)).toContain('digit=3&guidance=2.25');
  const looser = await following(() => page.keyboard.press('ArrowLeft'));
  expect(looser).toBe(threes);
  expect(stricter).not.toBe(threes);
  await following(() => click(page, '#noise-next'));
  expect(await searchOf(page)).toContain('noise=124');
  expect(await onPhone(page, '#digit-9', '#guidance-value')).toEqual(['9', '2']);
});

test('a number is made digit by digit; a text that is no number gets a message, and nothing is lost', async () => {
  const { page } = await makePage();
  await made(page, 2);
  await type(page, 'count', '4');
  await page.type('#text', 'make 7777');
  await page.keyboard.press('Enter');
  await drawn(page);
  await made(page, 2);
  const written = await picture(page, 'sample-prediction');
  expect(await searchOf(page)).toContain('&text=7777');
  expect(await page.$$('#digits [aria-pressed=true]')).toEqual([]);

  // Four images of the button 7, from the same noise, are the same.
  await page.evaluate(() => Object.assign(document.getElementById('text')!, { value: '' }));
  await page.type('#text', '2026');
  await page.keyboard.press('Enter');
  await changed(page, written);
  await made(page, 2);
  const number = await picture(page, 'sample-prediction');
  await click(page, '#digit-7');
  await changed(page, number);
  await made(page, 2);
  expect(await picture(page, 'sample-prediction')).toBe(written);
  expect(await searchOf(page)).not.toContain('text=');

  await pressOn(page, '#text', 'Enter');
  expect(await text(page, 'text-problem')).toBe(
    'The field is empty. Write what to make, such as 2026, or press one of the buttons.',
  );
  await page.type('#text', '20a6');
  // What is legal has followed; the rest may become so.
  expect(await text(page, 'text-problem')).toBe('');
  await page.keyboard.press('Enter');
  expect(await text(page, 'text-problem')).toBe('There is no class "a"; this network makes 0 to 9.');
  // What has followed is made with all steps, not the class that is chosen where there is no text.
  await drawn(page);
  await made(page, 2);
  expect(await picture(page, 'sample-prediction')).not.toBe(written);
  // Other sizes of the window draw it in other sizes.
  expect(await violationsEverywhere(page)).toEqual([]);
  await drawn(page);
  const followed = await picture(page, 'sample-prediction');
  await page.keyboard.press('Backspace');
  await page.keyboard.press('Backspace');
  await page.keyboard.press('Enter');
  await drawn(page);
  await made(page, 2);
  expect(await picture(page, 'sample-prediction')).toBe(followed);
  expect(await text(page, 'text-problem')).toBe('');
  await page.reload();
  await phase(page, 'idle');
  await until(page, () => (document.getElementById('text') as HTMLInputElement).value === '20');
});

test('samples that Stop or another view ends before the last step are reported as stopped', async () => {
  const { page } = await makePage();
  await made(page, 2);
  const says = (words: string) => reads(page, 'sample-status-text', words);
  await says('');
  const begin = async () => {
    await click(page, '#sample');
    await until(
      page,
      () =>
        window.harness.state.phase === 'sampling' &&
        document.getElementById('frame-label')!.textContent!.endsWith(' of 1,000'),
    );
  };
  await type(page, 'steps', '1000');
  await begin();
  await click(page, '#sample');
  await says('Stopped before the last step');
  await begin();
  await go(page, 'draw');
  await click(page, '#draw-example');
  await phase(page, 'idle');
  await go(page, 'sample');
  await says('Stopped before the last step');
  await type(page, 'steps', '2');
  await click(page, '#sample');
  await made(page, 2);
  await says('');
});

/** Holds the steps of samples back while `window.held` is a list: for `visit`, before the page's own scripts. */
function holdSteps(): void {
  const add = Worker.prototype.addEventListener as (...listener: unknown[]) => void;
  Worker.prototype.addEventListener = function (
    this: Worker,
    type: string,
    listener: (event: MessageEvent) => void,
  ) {
    add.call(this, type, (event: MessageEvent) => {
      const { held } = window as unknown as { held?: (() => void)[] };
      const isStep = event.data.type === 'frame';
      if (held && isStep) held.push(() => listener(event));
      else listener(event);
    });
  } as typeof Worker.prototype.addEventListener;
}

test('late steps of an earlier order are not shown as steps of the next order', async () => {
  const { page } = await driven.visit(
    `${driven.tiny}?task=sample&steps=2&count=10&digit=3&autorun=1`,
    holdSteps,
  );
  await made(page, 2);
  const before = await picture(page, 'sample-prediction');
  await page.evaluate(() => Object.assign(window, { held: [] }));
  await click(page, '#sample');
  await until(page, () => (window as unknown as { held: unknown[] }).held.length === 2);
  await phase(page, 'idle');
  await page.evaluate(() => {
    const { held } = window as unknown as { held: (() => void)[] };
    Object.assign(window, { held: undefined });
    document.getElementById('noise-next')!.click();
    for (const hear of held) hear();
  });
  await changed(page, before);
  await made(page, 2);
});

test('without WebGPU the page plays a recording and says what to do; with reduced motion it waits for Play', async () => {
  const { page } = await driven.newPage();
  await page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
  await page.evaluateOnNewDocument(noteIntervals);
  await page.evaluateOnNewDocument(() => Object.defineProperty(navigator, 'gpu', { value: undefined }));
  await page.evaluateOnNewDocument(() =>
    new MutationObserver(() => {
      const title = document.querySelector('#explain-recorded h2');
      if (title?.textContent === '') document.documentElement.dataset.empty = 'a title';
    }).observe(document, { childList: true, subtree: true }),
  );
  // Whatever the address asks for.
  await page.goto(`${driven.address}?task=train&autorun=1`);
  await reads(page, 'recorded-making-at', 'step 20 of 20');
  expect(await text(page, 'unsupported-title')).toBe('This browser has no WebGPU');
  expect(await countOf(page, '#unsupported li')).toBe(3);
  const seen = (id: string) => isSeen(page, `#${id}`);
  expect(await seen('recorded-learning')).toBe(true);
  await exist(page, '#explain-recorded h2');
  expect(await page.evaluate(() => document.documentElement.dataset.empty)).toBeUndefined();
  expect(await violationsEverywhere(page)).toEqual([]);
  for (const id of ['make-now', 'train-yourself', 'panel-train', 'tab-train'])
    expect(await seen(id)).toBe(false);
  const [still, waiting] = [await picture(page, 'recorded-making'), await intervals(page)];
  expect(await text(page, 'recorded-play')).toBe('Play');
  await click(page, '#recorded-play');
  expect(await intervals(page)).toBe(waiting + 1);
  await reads(page, 'recorded-making-at', /^step \d of/);
  expect(await picture(page, 'recorded-making')).not.toBe(still);
});

test('a phone has samples right under the buttons, and nothing sticks out; a large screen has all pictures', async () => {
  // Runs that the browser keeps are offered above: here there are none.
  const { page } = await driven.visitAlone(`${driven.address}?${TINY}`);
  await phase(page, 'idle');
  const box = (id: string) =>
    page.$eval(`#${id}`, (element) => {
      const { top, bottom } = element.getBoundingClientRect();
      return { top, bottom, seen: element.checkVisibility() };
    });
  await page.setViewport({ width: 360, height: 740 });
  const [buttons, grid] = [await box('train'), await box('grid')];
  expect(grid.top - buttons.bottom).toBeLessThan(140);
  expect(grid.bottom).toBeLessThan(740);
  expect((await box('batch')).seen).toBe(false);
  await click(page, '#settings-fold');
  expect((await box('batch')).seen).toBe(true);
  await click(page, '#settings-fold');
  await go(page, 'sample');
  await unhidden(page, 'panel-sample');
  // What can be pressed before anything unfolds: a set of keys and a menu count as one.
  const controls = () =>
    page.$$eval(
      ['a[href]', 'button:not(.term)', 'input', 'select', 'summary', '[role=slider]']
        .map((one) => `.panel:not([hidden]) ${one}`)
        .join(),
      (all) => {
        const seen = all.filter((one) => one.checkVisibility());
        return new Set(seen.map((one) => one.closest('fieldset, [popover], #gpu-bars') ?? one)).size;
      },
    );
  for (const task of ['sample', 'draw', 'train', 'explain', 'inside', 'gpu']) {
    await go(page, task);
    await page.setViewport({ width: 320, height: 740 });
    expect(await tooWide(page)).toBeLessThanOrEqual(0);
    expect(await controls()).toBeLessThanOrEqual(10);
  }
  await page.setViewport({ width: 1280, height: 800 });
  for (const id of ['curve', 'grid', 'strip-predictions']) expect((await box(id)).bottom).toBeLessThan(800);
  await go(page, 'sample');
  await unhidden(page, 'panel-sample');
  for (const id of ['frame', 'sample-prediction']) expect((await box(id)).bottom).toBeLessThan(800);
  await click(page, '#name');
  await unhidden(page, 'home');
  for (const width of [320, 2560]) {
    await page.setViewport({ width, height: 740 });
    expect(await tooWide(page)).toBeLessThanOrEqual(0);
  }
});

/** A network for 8 x 8 colours that predicts the same velocity everywhere: its samples are red, and hardly blue. With the run that it is of. */
async function reddening() {
  const conditioning = { noiseLevel: true, classes: 2 };
  const config = checkConfig({
    height: 8,
    width: 8,
    channels: 3,
    widths: [4, 4],
    finalActivation: 'none',
    conditioning,
  });
  const { parameters } = parametersOf(config);
  const zeros = () => new Map(parameters.map(({ name, size }) => [name, new Float32Array(size)]));
  const weights = zeros().set('up.1.bias', Float32Array.of(-1.5, 0, 1.5));
  const [count, height, width, channels] = [8, 8, 8, 3];
  // Red images, and blue ones.
  const labels = Uint8Array.from({ length: count }, (_, n) => n % 2);
  const images = Uint8Array.from({ length: count * 192 }, (_, i) =>
    i % 3 === 2 * labels[Math.floor(i / 192)] ? 255 : 0,
  );
  const classNames = ['poppy', 'cornflower'];
  const data = fingerprintImages({
    images,
    labels,
    count,
    height,
    width,
    channels,
    name: 'flowers',
    classNames,
  });
  const unet = { config, parameters, getParameters: async () => weights };
  const adam = { beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weightDecay: 0 };
  const schedule = { decay: 'none', warmup: 0 } as const;
  const state = {
    step: 1,
    corrections: Float32Array.of(0.1, 0.001),
    moment1: zeros(),
    moment2: zeros(),
    adam,
  };
  const trainer = {
    unet,
    adapter: { vendor: '', architecture: '', device: '', description: 'another', software: false },
    variants: {},
    config: { adam, schedule, objective: 'flow', classDropout: 0.05 } as const,
    snapshot: async () => ({ parameters: weights, state, readLosses: async () => [1] }),
  };
  const settings = { seed: 1, batchSize: 4, learningRate: 0.001, epochs: 9 };
  const idx = (magic: number, sizes: readonly number[], values: Uint8Array) =>
    Uint8Array.from([0, 0, 8, magic, ...sizes.flatMap((size) => [0, 0, 0, size]), ...values]);
  return {
    'own-images-idx4-ubyte': idx(4, [count, height, width, channels], images),
    'own-labels-idx1-ubyte': idx(1, [count], labels),
    'run.safetensors': await saveCheckpoint({ trainer, settings, data, losses: [1] }),
    'model.safetensors': await saveModel(unet, { objective: 'flow', data }),
  };
}

/** The mean colour of the pixels of a canvas, or of a saved picture, that are neither white nor empty. */
const meanColour = (page: Page, what: string | number) =>
  page.evaluate(async (of) => {
    const { blobs } = window;
    const picture =
      typeof of === 'string'
        ? document.querySelector<HTMLCanvasElement>(of)!
        : await createImageBitmap(blobs[of]);
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
  const folder = await mkdtemp(join(tmpdir(), 'colours-'));
  const { page } = await driven.visit(`${driven.tiny}?task=train&samples=4&steps=2&method=euler`);
  try {
    for (const [name, bytes] of Object.entries(await reddening())) await writeFile(join(folder, name), bytes);
    const choose = (input: string, ...names: string[]) =>
      upload(page, input, ...names.map((name) => join(folder, name)));
    const { save } = await files(page);
    // Where ink on paper becomes chalk on slate, colours stay what they are.
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
    const isReddened = async (what: string | number) => {
      if (typeof what === 'string')
        expect(await page.$eval(what, (canvas) => getComputedStyle(canvas).filter)).toBe('none');
      const [red, green, blue] = await meanColour(page, what);
      expect([red > 180, Math.abs(green - 127) < 40, blue < 75], `${what}: ${[red, green, blue]}`).toEqual([
        true,
        true,
        true,
      ]);
    };

    // Train: a run that goes on, with the names that its file has.
    await choose('files', 'own-images-idx4-ubyte', 'own-labels-idx1-ubyte', 'run.safetensors');
    await reads(page, 'strip-step', 'after step 1');
    await reads(page, 'grid-step', 'after step 1');
    await isReddened('#grid');
    expect(await meanColour(page, '#strip-clean')).toEqual([127, 0, 127].map((v) => expect.closeTo(v, -1)));
    await isReddened(await save('save-samples'));

    // Make: x, prediction, hand, and the files.
    await go(page, 'sample');
    const names = '#digit-buttons button';
    await until(page, (selector) => document.querySelector(selector) !== null, names);
    expect(await textsOf(page, names)).toEqual(['all', 'poppy', 'cornflower']);
    await page.type('#text', 'cornflower, Poppy');
    await page.keyboard.press('Enter');
    await made(page, 2);
    await isReddened('#sample-prediction');
    await isReddened('#noise-digit');
    await isReddened(await save('save-sampled'));
    await isReddened(await save('save-sheet'));
    const gif = await save('save-gif');
    const frames = await page.evaluate(async (at) => {
      const { blobs } = window;
      const decoder = new ImageDecoder({ data: await blobs[at].arrayBuffer(), type: 'image/gif' });
      await decoder.tracks.ready;
      const { image } = await decoder.decode({ frameIndex: 2 });
      const context = new OffscreenCanvas(image.displayWidth, image.displayHeight).getContext('2d')!;
      context.drawImage(image, 0, 0);
      image.close();
      const last = blobs.push(await context.canvas.convertToBlob()) - 1;
      return { last, count: decoder.tracks.selectedTrack!.frameCount };
    }, gif);
    expect(frames.count).toBe(3);
    await isReddened(frames.last);

    // Inside, Explain and Draw.
    await go(page, 'inside');
    await exist(page, '#inside-choices button', 2);
    expect(await meanColour(page, '#inside-choices button:nth-child(1) canvas')).toEqual([255, 0, 0]);
    expect(await meanColour(page, '#inside-choices button:nth-child(2) canvas')).toEqual([0, 0, 255]);
    expect(await page.$$eval('#inside-label option', (all) => all.map(({ text }) => text))).toEqual([
      'its own',
      'poppy',
      'cornflower',
      'none',
    ]);
    await go(page, 'explain');
    const press = (words: string) =>
      until(
        page,
        (w) => {
          const all = [...document.querySelectorAll<HTMLButtonElement>('.explain button')];
          const found = all.find((each) => each.textContent === w && each.checkVisibility());
          found?.click();
          return found !== undefined;
        },
        words,
      );
    for (const words of ['Next', 'Next', 'Next', 'this run', 'cornflower']) await press(words);
    const figures = '.scene .scene-figure';
    await until(
      page,
      (all) => document.querySelectorAll(all)[1]?.textContent?.includes('it knows: cornflower'),
      figures,
    );
    await slide(page, 'explain-way', 20);
    await until(page, () => document.querySelector('.scene')!.textContent!.includes('this is the sample'));
    await isReddened(`${figures} canvas`);
    await go(page, 'draw');
    await mentions(page, 'draw-model', 'It makes colours; drawings are grey.');

    // A model from a file.
    await go(page, 'sample');
    await choose('model-file', 'model.safetensors');
    await until(page, () => window.harness.state.model !== undefined);
    await click(page, '#sample');
    await made(page, 2);
    await isReddened('#sample-prediction');
  } finally {
    await rm(folder, { recursive: true });
  }
});
