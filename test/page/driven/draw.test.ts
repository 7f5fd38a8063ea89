/** The Draw view, used with a mouse and with keys: a real page, the pretrained network, any adapter. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'puppeteer';
import { expect, test } from 'vitest';
import { loadDigitLabels } from '../../../src/data/digits';
import { LEAST_STEPS } from '../../../src/keeping/store';
import { violations, violationsEverywhere } from '../axe';
import { drive, inTurns } from '../drive';
import {
  apart,
  click,
  countOf,
  dropFolder,
  enabled,
  exist,
  files,
  focus,
  focused,
  fromState,
  go,
  losses,
  mean,
  mentions,
  messagesOf,
  pause,
  phase,
  pressOn,
  reads,
  recordMessages,
  reset,
  searchOf,
  setting,
  settingsOf,
  slide,
  steps,
  text,
  textsOf,
  type,
  unhidden,
  until,
} from '../visit';

const driven = drive();

/** It draws with the pretrained network, and has a tiny run to train. */
const drawPage = inTurns(() =>
  driven.visit(
    `${driven.address}?task=draw&level=50&batch=4&limit=16&widths=8&samples=0&epochs=10000`,
    recordMessages,
  ),
);

const THREE = [
  [9, 7],
  [12, 5],
  [16, 5],
  [18, 8],
  [17, 11],
  [13, 13],
  [17, 14],
  [19, 18],
  [17, 21],
  [13, 23],
  [9, 21],
] as const;

/** Draws a line through points of the field, in its pixels. */
async function drag(page: Page, points: readonly (readonly [number, number])[]): Promise<void> {
  const { x, y, width } = (await (await page.$('#draw-field'))!.boundingBox())!;
  const at = ([px, py]: readonly [number, number]) => [x + (px * width) / 28, y + (py * width) / 28] as const;
  await page.mouse.move(...at(points[0]));
  await page.mouse.down();
  for (const point of points.slice(1)) await page.mouse.move(...at(point), { steps: 3 });
  await page.mouse.up();
}

/** The pixels of a canvas of 28 x 28 tiles, as ink from 0 to 1. */
const inkIn = (page: Page, selector: string) =>
  page.$eval(selector, (element) => {
    const canvas = element as HTMLCanvasElement;
    const { width, height } = canvas;
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, width, height);
    const cell = width / 28;
    return Array.from({ length: 784 }, (_, i) => {
      const x = Math.floor(((i % 28) + 0.5) * cell);
      const y = Math.floor((Math.floor(i / 28) + 0.5) * cell);
      return 1 - data[4 * (y * width + x)] / 255;
    });
  });

const says = (page: Page, words: string) => mentions(page, 'draw-status-text', words);
/** Everything that was asked has been answered. */
const quiet = (page: Page) =>
  until(page, () => !document.getElementById('draw-status')!.classList.contains('busy'));

/** The page with nothing drawn, which asks the network for this. */
async function blank(ask: 'denoise' | 'classify') {
  const { page } = await drawPage();
  await until(page, () => ['idle', 'paused'].includes(window.harness.state.phase));
  await go(page, 'draw');
  await page.$eval('#draw-use-pretrained', (source) => (source as HTMLElement).click());
  await click(page, `#ask-${ask}`);
  if (
    await page.$eval('#draw-clear', (clear) => clear.ariaDisabled !== 'true' && !clear.matches(':disabled'))
  )
    await click(page, '#draw-clear');
  await says(page, 'Nothing is drawn yet');
  return { page };
}

test('the keyboard alone draws, undoes and clears, and drawings are read as digits while training goes on', async () => {
  // The first of the page: what it undoes is all that was done.
  const { page } = await blank('classify');
  const digit = () => page.$eval('#teach-digit', (select) => (select as HTMLSelectElement).value);
  await focus(page, '#draw-field');
  for (let i = 0; i < 8; i++) await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Enter');
  for (let i = 0; i < 16; i++) await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  expect(await text(page, 'draw-at')).toBe('Row 23, column 15: ink');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  expect(await text(page, 'draw-at')).toBe('Row 23, column 17: paper');
  await page.keyboard.press('Space');
  await exist(page, '#draw-class-rows .best');
  await quiet(page);
  await page.keyboard.down('Control');
  await page.keyboard.press('z');
  await page.keyboard.up('Control');
  await says(page, 'It looks most like a 1');
  await quiet(page);
  expect(await digit()).toBe('1');
  await pressOn(page, '#draw-clear', 'Enter');
  await says(page, 'Nothing is drawn yet');
  expect(await page.$('#draw-class-rows .best')).toBeNull();
  // A button that has nothing to do any more keeps the focus.
  expect(await focused(page)).toBe('draw-clear');
  await pressOn(page, '#draw-undo', 'Enter');
  await says(page, 'It looks most like a 1');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  await until(page, () => document.getElementById('draw-undo')!.ariaDisabled === 'true');
  expect(await focused(page)).toBe('draw-undo');

  await go(page, 'train');
  await click(page, '#train');
  await steps(page, 1);
  await go(page, 'draw');
  await click(page, '#draw-use-pretrained');
  await page.evaluate(() => {
    Math.random = () => 0;
  });
  const [label] = await loadDigitLabels();
  await click(page, '#draw-example');
  await says(page, 'It looks most like a');
  // The page knows the digit of its own images, and does not have to read it.
  expect(await digit()).toBe(String(label));
  const before = await page.evaluate(() => window.harness.state.losses.length);
  await steps(page, before + 1);
  // An untrained network's opinion, but its own.
  await click(page, '#draw-use-run');
  await reads(page, 'draw-model', /^This page’s run/);
  await quiet(page);
  await go(page, 'train');
  await pause(page);
  expect(await fromState(page, 'error')).toBeUndefined();
});

test('a drawn 3 is drowned in noise and brought back, read as a digit, and completed', async () => {
  const { page } = await blank('denoise');
  await page.setViewport({ width: 1280, height: 900 });
  await drag(page, THREE);
  await says(page, 'The noise hides the details');
  await quiet(page);
  const drawn = await inkIn(page, '#draw-ink');
  const noisy = await inkIn(page, '#draw-noisy');
  const made = await inkIn(page, '#draw-made');
  expect(drawn.filter((v) => v > 0.5).length).toBeGreaterThan(60);
  // Half of it is noise, and next to none of that is left.
  expect(apart(noisy, drawn)).toBeGreaterThan(0.15);
  expect(apart(made, drawn)).toBeLessThan(0.6 * apart(noisy, drawn));
  expect(await violationsEverywhere(page)).toEqual([]);

  // Saved, it is the drawing as the network sees it, with noise, and without.
  const { save } = await files(page);
  const png = await save('draw-save');
  const saved = await page.evaluate(async (at) => {
    const bitmap = await createImageBitmap(window.blobs[at]);
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d')!;
    canvas.drawImage(bitmap, 0, 0);
    const inkAt = (tile: number, i: number) => {
      const [x, y] = [4 + 116 * tile + 4 * (i % 28) + 1, 4 + 4 * Math.floor(i / 28) + 1];
      return 1 - canvas.getImageData(x, y, 1, 1).data[0] / 255;
    };
    return [0, 1, 2].map((tile) => Array.from({ length: 784 }, (_, i) => inkAt(tile, i)));
  }, png);
  expect(saved.slice(1).map((each, i) => apart(each, [noisy, made][i]))).toEqual([0, 0]);
  expect(saved[0].filter((v) => v > 0.5).length).toBeGreaterThan(60);
  expect(apart(saved[0], made)).toBeLessThan(apart(saved[0], noisy));

  await click(page, '#ask-classify');
  // The bars come with the answer, the words with the next frame.
  await until(page, () => document.querySelector('#draw-class-rows .best th')?.textContent === '3');
  await says(page, 'It looks most like a 3');
  expect(await text(page, 'draw-status-text')).toMatch(
    /^It looks most like a 3: .* With \d, the next best, it is \d/,
  );
  expect(await countOf(page, '#draw-class-rows tr')).toBe(10);
  expect(await violations(page)).toEqual([]);

  await click(page, '#ask-fill');
  await says(page, 'Nothing is masked yet');
  await drag(page, [
    [10, 18],
    [19, 18],
    [10, 22],
    [19, 22],
  ]);
  await says(page, 'Four ways to fill the mask');
  await quiet(page);
  expect(await violationsEverywhere(page)).toEqual([]);
  const fillings = await Promise.all(
    [1, 2, 3, 4].map((n) => inkIn(page, `#draw-fillings button:nth-child(${n}) canvas`)),
  );
  const top = (picture: number[]) => picture.slice(0, 14 * 28);
  const below = (picture: number[]) => picture.slice(14 * 28);
  for (const other of fillings.slice(1)) {
    expect(apart(top(other), top(fillings[0]))).toBeLessThan(0.01);
    expect(apart(below(other), below(fillings[0]))).toBeGreaterThan(0.01);
  }
  await click(page, '#draw-fillings button');
  await says(page, 'Nothing is masked yet');
  expect(apart(await inkIn(page, '#draw-ink'), fillings[0])).toBeLessThan(0.01);
  await click(page, '#draw-undo');
  await says(page, 'Four ways to fill the mask');
  const search = await searchOf(page);
  for (const part of ['task=draw', '&ask=fill', '&level=50']) expect(search).toContain(part);
});

test('the answer to one drawing is not shown when the question is asked about another', async () => {
  const { page } = await blank('classify');
  await click(page, '#draw-example');
  await says(page, 'It looks most like a');
  await click(page, '#ask-denoise');
  await says(page, 'The noise hides the details');
  await click(page, '#draw-clear');
  await says(page, 'Nothing is drawn yet');
  await click(page, '#draw-example');
  await says(page, 'The noise hides the details');
  const shown = await page.evaluate(async () => {
    document.getElementById('ask-classify')!.click();
    for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
    return [
      document.getElementById('draw-status-text')!.textContent,
      document.querySelectorAll('#draw-class-rows .best').length,
    ];
  });
  expect(shown).toEqual(['', 0]);
  await says(page, 'It looks most like a');
  expect(await countOf(page, '#draw-class-rows .best')).toBe(1);
});

test('a drawing is answered in a few steps, then better while nothing moves; a moving slider does not wait', async () => {
  const { page } = await blank('denoise');
  await setting(page, 'told', '3');
  await slide(page, 'level', 100);
  await quiet(page);
  const before = (await messagesOf(page)).length;
  await page.evaluate(() => {
    const pictures: string[] = [];
    Object.assign(window, { pictures });
    setInterval(() => {
      const canvas = document.getElementById('draw-made') as HTMLCanvasElement;
      // Where nothing is drawn it has no room yet.
      if (!canvas.checkVisibility()) return;
      const shown = canvas.toDataURL();
      if (shown !== pictures.at(-1)) pictures.push(shown);
    }, 5);
  });
  const pictures = () => page.evaluate(() => (window as unknown as { pictures: string[] }).pictures);
  const drawn = async () =>
    (await messagesOf(page)).slice(before).filter(({ to, type }) => to === 'page' && type === 'draw');
  await click(page, '#draw-example');
  // Paper, the first answer, the better one.
  await until(page, () => (window as unknown as { pictures: string[] }).pictures.length === 3);
  await quiet(page);
  expect((await drawn()).map(({ answer }) => answer)).toEqual([true, true]);

  // The slider moves while the better answer to something else is being made.
  await page.evaluate(async () => {
    const { messages } = window;
    const move = (percent: number) => {
      const level = document.getElementById('level') as HTMLInputElement;
      level.value = String(percent);
      level.dispatchEvent(new Event('input'));
    };
    const before = messages.length;
    const count = (to: string, what: string) =>
      messages.slice(before).filter((each) => each.to === to && each.type === what).length;
    move(99);
    while (count('page', 'draw') < 1 || count('worker', 'draw') < 2)
      await new Promise((resolve) => setTimeout(resolve, 1));
    move(98);
  });
  await quiet(page);
  // First and interrupted answer to the one, both to the other.
  expect((await drawn()).map(({ answer }) => answer)).toEqual([true, true, true, false, true, true]);
  expect(await pictures()).toHaveLength(6);
});

/** Draws and keeps two drawings, one as a 0 and one as a 1, and begins to fine-tune on them. */
async function fineTune(page: Page): Promise<void> {
  await page.setViewport({ width: 1280, height: 900 });
  await phase(page, 'idle');
  await click(page, '#teach-keep');
  await reads(page, 'keep-problem', /^Nothing is drawn/);
  for (let n = 0; n < 3; n++) {
    // A hand that crosses everything out.
    await drag(page, [
      [4, 4 + n],
      [24, 24],
      [24 - n, 4],
      [4, 24],
    ]);
    await enabled(page, 'draw-clear');
    await click(page, '#teach-keep');
    await until(page, (k) => document.querySelectorAll('#teach-drawings li').length === k, n + 1);
  }
  await click(page, '#teach-drawings li:last-child button');
  expect(await textsOf(page, '#teach-drawings li')).toEqual(['0', '1']);
  await reads(page, 'teach-start', 'Fine-tune on 2 drawings');
  await click(page, '#teach-start');
  await until(page, () => window.harness.settings.begin === 'pretrained');
  // A tiny network would have made its 60 steps before a test can pause it.
  await type(page, 'epochs', '10000');
}

test('the pretrained network is fine-tuned on kept drawings, and goes on with them after a reload', async () => {
  // Of the runs that the browser keeps, it is the only one.
  const { page } = await driven.visitAlone(`${driven.tiny}?task=draw&samples=0&level=0`);
  await fineTune(page);
  await steps(page, LEAST_STEPS);
  await pause(page);
  await until(page, () => window.harness.state.stored === window.harness.state.losses.length);
  const before = await losses(page);
  await page.reload();
  await until(page, () => window.harness?.state.kept.length === 1);
  await click(page, '#runs-body .kept button');
  await steps(page, before.length + 1);
  await pause(page);
  expect((await losses(page)).slice(0, before.length)).toEqual(before);
  // A new network would err by 2 or so.
  expect(before[0]).toBeGreaterThan(4);
  expect((await settingsOf(page)).task).toBe('train');
  await until(
    page,
    () =>
      document.querySelectorAll<HTMLElement>('#runs-body tr:last-child td')[1].textContent === 'pretrained',
  );
  expect(await fromState(page, 'data')).toMatchObject({
    name: '2 drawings',
    count: 2,
  });
  await go(page, 'draw');
  await click(page, '#teach-start');
  await reads(page, 'teach-problem', /^A run is in progress/);
  await go(page, 'train');
  await reset(page);

  // The drawings are still there, and the settings of before come back after another run on them.
  await go(page, 'draw');
  expect(await countOf(page, '#teach-drawings li')).toBe(2);
  const settings = await settingsOf(page);
  await click(page, '#teach-start');
  await steps(page, 1);
  expect((await settingsOf(page)).begin).toBe('pretrained');
  await reset(page);
  expect(await settingsOf(page)).toEqual({ ...settings, task: 'train' });

  await go(page, 'draw');
  await click(page, '#teach-drawings li:last-child button');
  await click(page, '#teach-start');
  await mentions(page, 'teach-problem', 'show a 0');
});

/** A .npy file of bytes. */
function npy(shape: string, values: Uint8Array): Uint8Array {
  const header = `{'descr': '|u1', 'fortran_order': False, 'shape': (${shape}), }\n`;
  return Buffer.concat([
    Uint8Array.of(0x93, 78, 85, 77, 80, 89, 1, 0, header.length, 0),
    Buffer.from(header),
    values,
  ]);
}

test('the error of the pretrained network on drawings falls in 60 steps of fine-tuning on them', {
  tags: 'thorough',
}, async () => {
  const { page } = await driven.visit(`${driven.address}?task=draw&samples=0&level=0`);
  await phase(page, 'idle');
  const { add, dropAll } = await files(page);
  // A hand that crosses everything out: each image has two strokes of a place of its own, which follows from its class.
  const images = new Uint8Array(32 * 784);
  for (let n = 0; n < 32; n++)
    for (let i = 0; i < 24; i++)
      for (const x of [2 + i, 25 - i])
        images.fill(255, 784 * n + 28 * ((i + n) % 28) + x, 784 * n + 28 * ((i + n) % 28) + x + 2);
  await add(npy('32, 28, 28', images));
  await add(
    npy(
      '32,',
      Uint8Array.from({ length: 32 }, (_, n) => n % 10),
    ),
  );
  await dropAll([0, 'crossed.npy'], [1, 'crossed-labels.npy']);
  await click(page, '#teach-own');
  await phase(page, 'finished');
  expect((await settingsOf(page)).batch).toBe(32);
  const all = await losses(page);
  expect(all).toHaveLength(60);
  expect(mean(all.slice(-15))).toBeLessThan(0.7 * mean(all.slice(0, 15)));
});

test('images of the user’s come as pictures in folders and as .npy, and a sentence says what is wrong with them', async () => {
  const { page } = await driven.visit(`${driven.address}?task=draw&samples=0`);
  await phase(page, 'idle');
  const { add, read, dropAll } = await files(page);
  await page.evaluate(async () => {
    for (const width of [28, 28, 20]) {
      const canvas = new OffscreenCanvas(width, 28);
      const context = canvas.getContext('2d')!;
      context.fillStyle = 'black';
      context.fillRect(12, 4, 3, 20);
      window.blobs.push(await canvas.convertToBlob());
    }
  });
  await add(npy('4, 28, 28', new Uint8Array(4 * 784)));
  await add(npy('4,', Uint8Array.of(1, 2, 3, 4)));
  await add(npy('4,', new Uint8Array(4).fill(7)));
  await add(Buffer.from('Dear diary'));
  const complains = (words: string) => mentions(page, 'files-problem-text', words);
  const has = (name: string) => until(page, (n) => window.harness.state.data?.name === n, name);
  // Of any sizes, and without labels; one that is broken is said.
  await dropAll([0, 'a.png'], [2, 'b.png']);
  await has('2 pictures');
  await dropAll([0, 'a.png'], [6, 'b.png']);
  await complains(
    'More than a tenth of the 2 pictures cannot be read: b.png is not a picture that this browser',
  );
  await dropAll([3, 'mine.npy'], [4, 'mine-labels.npy']);
  await has('mine.npy');
  await unhidden(page, 'panel-train');
  await reads(page, 'teach-own', 'Fine-tune on mine.npy (4 images)');
  await dropAll([3, 'mine.npy'], [5, 'one-class.npy']);
  await mentions(page, 'data-notes', 'All 4 images have the label 7');
  await dropAll([6, 'notes.txt']);
  await complains('notes.txt is neither a picture nor data to train on');
  await dropAll([3, 'mine.npy'], [4, 'mine-labels.npy']);
  await until(page, () => window.harness.state.data?.classes === 5);
  // Which have no pretrained network.
  const beginning = (recipe: string) => setting(page, 'recipe', recipe);
  await beginning('digits-3x3');
  await mentions(page, 'begin-note', 'recipe digits-3x3');
  expect(
    await page.$eval('#begin [value=pretrained]', (option) => (option as HTMLOptionElement).disabled),
  ).toBe(true);
  await beginning('digits');
  await reads(page, 'begin-note', '');
  await page.select('#begin', 'pretrained');
  await until(page, () => location.search.includes('begin=pretrained'));

  // Folders only come by a real drop.
  const folder = await mkdtemp(join(tmpdir(), 'webgpu-diffusion-own-'));
  try {
    await mkdir(join(folder, 'mine', '3'), { recursive: true });
    await writeFile(join(folder, 'mine', '3', 'notes.txt'), 'none');
    await dropFolder(page, join(folder, 'mine'));
    await complains('The folder mine holds no images');
    await writeFile(join(folder, 'mine', '3', 'a.png'), await read(0));
    await dropFolder(page, join(folder, 'mine'));
    await complains('a.png is the only picture');
    await mkdir(join(folder, 'mine', '7'));
    await writeFile(join(folder, 'mine', '7', 'b.png'), await read(1));
    await dropFolder(page, join(folder, 'mine'));
    await has('mine');
  } finally {
    await rm(folder, { recursive: true });
  }
  expect(await fromState(page, 'data')).toMatchObject({
    count: 2,
    height: 28,
    classes: 8,
  });
});
