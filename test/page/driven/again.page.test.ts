/**
 * What is done on the page, ends badly or is left, and is done again: nothing of the first time is left, and the second time is as the first.
 *
 * @module-tag nightly
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'puppeteer';
import { afterAll, expect, test } from 'vitest';
import { drive } from '../../lib/page/drive';
import { leaveNoRoom, writePictures } from '../../lib/page/own_pictures';
import {
  click,
  deviceLoser,
  files,
  fromState,
  go,
  isHidden,
  losses,
  mentions,
  phase,
  reset,
  step,
  TINY,
  TUTORIAL,
  text,
  type,
  unhidden,
  until,
  upload,
  workerOf,
} from '../../lib/page/visit';

const driven = drive();
const open = (query: string) => driven.visit(`${driven.tiny}${query}`);

const pictures = mkdtempSync(join(tmpdir(), 'again-'));
writePictures(pictures, { width: 20, height: 20 });
afterAll(() => rmSync(pictures, { recursive: true }));

/** Presses Make, and waits until these digits are there, after all steps, and the page rests. */
const make = async (page: Page, digits: string) => {
  await click(page, '#sample');
  await until(
    page,
    (label) => document.getElementById('sample-prediction')!.ariaLabel === label,
    `${digits}, finished`,
  );
  await until(page, () => ['idle', 'paused'].includes(window.harness.state.phase));
};

test('a chosen file and a drop that is left work a second time', async () => {
  const { page } = await open('?task=sample');
  await phase(page, 'idle');
  // The same file again: a browser says nothing of a choice that it takes for the one before.
  const chosen = await page.$eval('#model-file', (input) => {
    const field = input as HTMLInputElement;
    const data = new DataTransfer();
    data.items.add(new File(['no model'], 'model.safetensors'));
    field.files = data.files;
    field.dispatchEvent(new Event('change'));
    return field.value;
  });
  expect(chosen).toBe('');
  await unhidden(page, 'files-problem');

  // Files that are dragged over the page, and out of it again, or dropped.
  for (const event of ['dragenter', 'dragleave', 'dragenter', 'drop']) {
    await page.evaluate((name) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File(['no model'], 'other.safetensors'));
      const given = { dataTransfer, bubbles: true, cancelable: true, relatedTarget: null };
      document.body.dispatchEvent(new DragEvent(name, given));
    }, event);
    expect(await isHidden(page, 'drop'), event).toBe(event !== 'dragenter');
  }
});

test('images are made again after the device was lost, also by the pretrained network', async () => {
  const { page } = await open('?task=sample&calls=6&text=20');
  await phase(page, 'idle');
  const lose = await deviceLoser(page);
  await make(page, '2, 0');
  for (const word of ['31', '42']) {
    await lose();
    await until(page, () => window.harness.state.error?.code === 'device-lost');
    await type(page, 'text', word);
    await make(page, [...word].join(', '));
    expect(await fromState(page, 'error')).toBeUndefined();
  }

  await page.evaluate(() => localStorage.removeItem('webgpu-diffusion-losses'));
});

test('a file that cannot be read or is refused leaves the page as it was, and the next file is taken', async () => {
  const { page } = await open(`?${TUTORIAL}&epochs=2000`);
  await phase(page, 'idle');
  const { save, drop, asks } = await files(page);
  // So that the run is in its file alone.
  await leaveNoRoom(page);
  await step(page);
  expect(await asks()).toBe(true);
  const checkpoint = await save('save-checkpoint');
  const before = await losses(page);
  const complaint = (words: string) => mentions(page, 'files-problem-text', words);
  await drop('no checkpoint', 'broken.safetensors');
  await complaint('broken.safetensors');
  await drop(checkpoint, 'checkpoint.safetensors');
  await complaint('A run is in progress');
  await phase(page, 'paused');
  expect(await losses(page)).toEqual(before);
  // What is saved needs no question.
  expect(await asks()).toBe(false);

  await reset(page);
  await drop('nothing', 'images-idx3-ubyte');
  await complaint('images-idx3-ubyte');
  await phase(page, 'idle');
  expect((await fromState(page, 'data'))?.builtIn).toBe(true);
  await drop(checkpoint, 'checkpoint.safetensors');
  await phase(page, 'paused');
  expect(await losses(page)).toEqual(before);
  expect(await text(page, 'files-problem-text')).toBe('');
});

// Not in a page from its sources, which fetches nothing.
test('a network or digits that do not load come with the next press', async () => {
  const { page } = await open(`?task=sample&calls=6&text=20&${TINY}`);
  await phase(page, 'idle');
  const worker = await workerOf(page);
  /** The next file of this kind does not come. */
  const failOnce = (kind: string) =>
    worker.evaluate((part) => {
      const { fetch } = globalThis;
      globalThis.fetch = async (...given) => {
        if (!String(given[0]).includes(part)) return fetch(...given);
        globalThis.fetch = fetch;
        throw new TypeError('No network for a test.');
      };
    }, kind);
  await failOnce('.safetensors');
  await click(page, '#sample');
  await unhidden(page, 'sample-error');
  await phase(page, 'idle');
  await make(page, '2, 0');

  await failOnce('mnist');
  await go(page, 'train');
  await until(page, () => window.harness.state.error?.at === 'data');
  await phase(page, 'idle');
  await step(page);
  expect(await fromState(page, 'error')).toBeUndefined();
});

test('the reading of pictures is cancelled, and begun again', async () => {
  const { page } = await open(`?task=train&${TINY}`);
  await phase(page, 'idle');
  const worker = await workerOf(page);
  await worker.evaluate(() => {
    const { arrayBuffer } = Blob.prototype;
    // Pictures are read only after they are released.
    const held = new Promise<void>((release) => Object.assign(globalThis, { release }));
    Blob.prototype.arrayBuffer = async function () {
      await held;
      return arrayBuffer.call(this);
    };
  });
  const choose = () => upload(page, 'folder', pictures);
  await choose();
  await click(page, '#stop-reading');
  await worker.evaluate(() => (globalThis as unknown as { release(): void }).release());
  await phase(page, 'idle');
  expect((await fromState(page, 'data'))?.builtIn).toBe(true);
  expect(await text(page, 'files-problem-text')).toBe('');
  await choose();
  await until(page, () => window.harness.state.data?.count === 12);
  await phase(page, 'idle');
});
