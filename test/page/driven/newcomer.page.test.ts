/**
 * What somebody meets who uses the page for the first time: presses that come early, own pictures that do not fit, other networks.
 *
 * @module-tag nightly
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'puppeteer';
import { afterAll, expect, test } from 'vitest';
import { violationsEverywhere } from '../../lib/page/axe';
import { drive, inTurns } from '../../lib/page/drive';
import { idx, writePictures } from '../../lib/page/own_pictures';
import {
  click,
  drawn,
  enabled,
  files,
  fromState,
  go,
  isHidden,
  isOff,
  isSeen,
  phase,
  reads,
  reset,
  searchOf,
  step,
  steps,
  TINY,
  text,
  until,
  upload,
} from '../../lib/page/visit';

const driven = drive();
const folder = mkdtempSync(join(tmpdir(), 'newcomer-'));
writePictures(join(folder, 'tall'), { width: 22, height: 40 });
mkdirSync(join(folder, 'empty'));
mkdirSync(join(folder, 'letters'));
for (const [name, text] of [
  ['a-images-idx3-ubyte', idx([20, 28, 28], (i) => i % 128)],
  ['a-labels-idx1-ubyte', idx([20], (i) => i % 2)],
  ['classes.txt', 'A\nB\n'],
])
  writeFileSync(join(folder, 'letters', name), text, 'latin1');
afterAll(() => rmSync(folder, { recursive: true }));
const inTurn = inTurns(() => driven.visit(`${driven.tiny}?task=train&recipe=pictures&${TINY}`));

const chooseFolder = (page: Page, name: string) => upload(page, 'folder', join(folder, name));

/** Nothing reaches the worker until `window.release` is called: it has not started. */
function holdWorker(): void {
  const held: (() => void)[] = [];
  const { postMessage } = Worker.prototype;
  Worker.prototype.postMessage = function (...given: unknown[]) {
    held.push(() => (postMessage as (...all: unknown[]) => void).apply(this, given));
  };
  Object.assign(window, {
    release() {
      Worker.prototype.postMessage = postMessage;
      for (const send of held) send();
    },
  });
}
const release = (page: Page) => page.evaluate(() => (window as unknown as { release(): void }).release());

test.each([
  ['sample', '#sample', 'calls=8&text=2026'],
  ['train', '#train', TINY.replace('samples=4', 'samples=20')],
] as const)(
  'a press on %s while the page starts waits until the page has started',
  async (task, selector, query) => {
    const { page } = await driven.visit(`${driven.tiny}?task=${task}&${query}`, holdWorker);
    await click(page, selector);
    await drawn(page);
    expect(await isOff(page, selector)).toBe(true);
    expect(await fromState(page, 'phase')).toBe('starting');
    await release(page);
    if (task === 'train') {
      await steps(page, 1);
      await reads(page, 'grid-names', '0123456789');
    } else {
      await until(
        page,
        () => document.getElementById('sample-prediction')!.ariaLabel === '2, 0, 2, 6, finished',
      );
    }
  },
);

test.each([360, 1280])(
  'the welcome page leads to Images on Train, unfolded and in sight, and pictures that are read to Train, at %i pixels',
  async (width) => {
    const { page } = await driven.visit(driven.tiny);
    await page.setViewport({ width, height: 740 });
    const focusIsAt = (id: string) => until(page, (i) => document.activeElement!.id === i, id);
    const inSight = (selector: string) =>
      page.$eval(selector, (each) => {
        const { top, bottom } = each.getBoundingClientRect();
        return top >= 0 && bottom < 740;
      });
    await click(page, '#train-own');
    await focusIsAt('data-about');
    for (const press of ['[for=folder]', '[for=files]', '[for=checkpoint-file]'])
      expect(await inSight(press), press).toBe(true);
    await chooseFolder(page, 'tall');
    await focusIsAt('train');
    expect(await inSight('#train')).toBe(true);
    expect(await text(page, 'data-line')).toMatch(/^12 pictures\. Train makes /);
    // Nothing starts by itself.
    await phase(page, 'idle');
    expect(await fromState(page, 'training')).toBe(false);
  },
);

test('a folder without files gets a message', async () => {
  const { page } = await inTurn();
  await phase(page, 'idle');
  await chooseFolder(page, 'empty');
  await reads(page, 'files-problem-text', 'The folder holds no files.');
  await click(page, '#files-problem-close');
});

test('pictures that are cut are reported, and a button fits them in whole', async () => {
  const { page } = await inTurn();
  await go(page, 'train');
  await chooseFolder(page, 'tall');
  await until(page, () => window.harness.state.data?.cut === 12);
  await phase(page, 'idle');
  expect(await text(page, 'data-cut')).toMatch(/^Of 12 pictures the middle is kept.*Fit in the whole$/);
  expect(await violationsEverywhere(page)).toEqual([]);
  await click(page, '#fit-whole');
  await until(page, () => window.harness.state.data?.cut === 0);
  await phase(page, 'idle');
  expect(await searchOf(page)).toContain('fit=fit');
  expect(await isHidden(page, 'data-cut')).toBe(true);
});

test('Draw calls the classes of letters classes, and keeps none as a digit', async () => {
  const { page } = await inTurn();
  await go(page, 'train');
  await chooseFolder(page, 'letters');
  await until(page, () => window.harness.state.data?.name === 'letters');
  await step(page);
  await go(page, 'draw');
  await click(page, '#draw-use-run');
  const words = () =>
    Promise.all(['draw-digits-legend', 'draw-guidance-label', 'draw-example'].map((id) => text(page, id)));
  await reads(page, 'ask-classify', 'Which class?');
  expect(await words()).toEqual(['Class to make', 'how strictly it keeps to the class', 'One of the images']);
  expect(await isOff(page, '#teach-keep')).toBe(true);
  await click(page, '#draw-example');
  await enabled(page, 'draw-clear');
  // The letter on the paper is no digit for the pretrained network either; a drawing may be one.
  await click(page, '#draw-use-pretrained');
  await reads(page, 'ask-classify', 'Which digit?');
  expect((await words()).slice(0, 2)).toEqual(['Digit to make', 'how strictly it keeps to the digit']);
  expect(await isOff(page, '#teach-keep')).toBe(true);
  await click(page, '#draw-clear');
  await until(page, () => !document.getElementById('teach-keep')!.matches(':disabled, [aria-disabled=true]'));
});

test('Inside says why it cannot look into a file’s network, and shows no empty frames', async () => {
  const { page } = await driven.visit(`${driven.tiny}?task=train&recipe=pictures&${TINY}`);
  await phase(page, 'idle');
  await chooseFolder(page, 'tall');
  await until(page, () => window.harness.state.data?.channels === 3);
  await step(page);
  const { save, drop } = await files(page);
  const model = await save('save-model');
  await reset(page);
  await click(page, '#use-digits');
  await until(page, () => window.harness.state.data?.builtIn === true);
  await drop(model, 'tall.safetensors');
  await until(page, () => window.harness.state.model !== undefined);
  await go(page, 'inside');
  await reads(page, 'inside-error', /this network takes 20x20x3/);
  expect(await text(page, 'inside-file')).toBe('tall.safetensors');
  expect(await isSeen(page, '.net-frame')).toBe(false);
  expect(await violationsEverywhere(page)).toEqual([]);
  await click(page, '#inside-pretrained');
  await until(page, () => document.querySelectorAll('#inside-net .net-name').length >= 5);
  await until(page, () => document.querySelector('.net-frame')!.checkVisibility());
});

test('at 200 % zoom no door stands in a row by itself', async () => {
  const { page } = await inTurn();
  for (const view of ['sample', 'explain', 'train', 'gpu']) {
    await go(page, view);
    await page.setViewport({ width: 640, height: 400 });
    const tops = await page.$$eval('.top :is(a, .door-views)', (all) =>
      all.filter((each) => each.checkVisibility()).map((each) => each.getBoundingClientRect().top),
    );
    const rows = new Map<number, number>();
    for (const top of tops) rows.set(Math.round(top / 16), (rows.get(Math.round(top / 16)) ?? 0) + 1);
    expect(rows.size, view).toBeLessThanOrEqual(2);
    for (const count of rows.values()) expect(count, view).toBeGreaterThan(1);
  }
});
