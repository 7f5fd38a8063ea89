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
  drawn,
  files,
  fromState,
  go,
  isHidden,
  isOff,
  losses,
  mentions,
  messagesOf,
  phase,
  pressStep,
  reads,
  recordMessages,
  reset,
  step,
  steps,
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
const open = (query: string, before?: () => void) => driven.visit(`${driven.tiny}${query}`, before);

const pictures = mkdtempSync(join(tmpdir(), 'again-'));
writePictures(pictures, { width: 20, height: 20 });
afterAll(() => rmSync(pictures, { recursive: true }));

/** Presses Make, and waits until these digits are there, after all steps, and the page rests. An error of this press ends the wait. */
const make = async (page: Page, digits: string) => {
  await page.evaluate(() => Object.assign(window, { seen: window.harness.state.error }));
  await click(page, '#sample');
  await until(
    page,
    (wanted) => {
      const { error } = window.harness.state;
      if (error && error !== (window as { seen?: unknown }).seen) throw new Error(error.message);
      return document.getElementById('sample-prediction')!.ariaLabel === `${wanted}, finished`;
    },
    digits,
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

test('images are made again after the device was lost, also by the pretrained network; older orders are dropped', async () => {
  const { page } = await open('?task=sample&calls=6&text=20', recordMessages);
  await phase(page, 'idle');
  const lose = await deviceLoser(page);
  await make(page, '2, 0');
  for (const word of ['31', '42']) {
    // After the map of the noise field is made, nothing but the next press asks for another device.
    await until(page, () => {
      const ids = (to: string) => window.messages.filter((each) => each.to === to).map(({ id }) => id);
      return ids('worker').every((id) => ids('page').includes(id));
    });
    await lose();
    await until(page, () => window.harness.state.error?.code === 'device-lost');
    await type(page, 'text', word);
    await make(page, [...word].join(', '));
    expect(await fromState(page, 'error')).toBeUndefined();
  }

  // A better answer to a drawing, which a loss has ended, is not asked for again before something changes.
  const worker = await workerOf(page);
  await worker.evaluate(() => {
    const { device } = globalThis as unknown as { device: GPUDevice };
    addEventListener('message', ({ data }) => {
      if (data.call === 'draw' && !data.args[0].rough) device.destroy();
    });
  });
  const asked = async () =>
    (await messagesOf(page)).filter(({ to, type: what }) => to === 'worker' && what === 'draw').length;
  const says = (words: string) =>
    until(page, (w) => document.getElementById('draw-status-text')!.textContent!.startsWith(w), words);
  await go(page, 'draw');
  await click(page, '#draw-example');
  await says('The GPU device was lost');
  await drawn(page);
  expect(await asked()).toBe(2);
  await click(page, '#draw-noise-next');
  await says('The noise hides the details');
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
  const [checkpoint, before] = [await save('save-checkpoint'), await losses(page)];
  const complaint = (words: string) => mentions(page, 'files-problem-text', words);
  await drop('no checkpoint', 'broken.safetensors');
  await complaint('broken.safetensors');
  // Refused: another run is under way.
  await drop(checkpoint, 'checkpoint.safetensors');
  await complaint('A run is in progress');
  await phase(page, 'paused');
  expect(await losses(page)).toEqual(before);
  for (const id of ['#train', '#step', '#reset']) expect(await isOff(page, id), id).toBe(false);
  // What is saved needs no question.
  expect(await asks()).toBe(false);

  await reset(page);
  await drop('nothing', 'images-idx3-ubyte');
  await complaint('images-idx3-ubyte');
  await phase(page, 'idle');
  expect(await page.evaluate(() => window.harness.state.data?.builtIn)).toBe(true);
  await drop(checkpoint, 'checkpoint.safetensors');
  await phase(page, 'paused');
  expect(await losses(page)).toEqual(before);
  expect(await text(page, 'files-problem-text')).toBe('');
});

test('a press on Make or Train that cannot start says why, and the next press starts', async () => {
  const { page, problems } = await open(`?task=sample&calls=6&text=20&${TINY}`);
  await phase(page, 'idle');
  const worker = await workerOf(page);
  await worker.evaluate(() => {
    const { createShaderModule } = GPUDevice.prototype;
    Object.assign(globalThis, { mend: () => Object.assign(GPUDevice.prototype, { createShaderModule }) });
    GPUDevice.prototype.createShaderModule = () => {
      throw new TypeError('No shader for a test.');
    };
  });
  await click(page, '#sample');
  await unhidden(page, 'sample-error');
  await phase(page, 'idle');
  expect(await isOff(page, '#sample')).toBe(false);
  await go(page, 'train');
  await page.evaluate(() => Object.assign(window, { seen: window.harness.state.error }));
  await pressStep(page);
  await until(page, () => {
    const { error, phase } = window.harness.state;
    return phase === 'idle' && error?.at === 'task' && error !== (window as { seen?: unknown }).seen;
  });
  expect(await losses(page)).toEqual([]);
  await go(page, 'sample');
  await worker.evaluate(() => void (globalThis as unknown as { mend(): void }).mend());
  await make(page, '2, 0');
  expect(await isHidden(page, 'sample-error')).toBe(true);
  await go(page, 'train');
  await pressStep(page);
  await steps(page, 1);
  expect(problems.splice(0).filter((each) => !each.includes('No shader for a test'))).toEqual([]);
});

test('images that Stop ends are made with the next press', async () => {
  const { page } = await open(`?task=sample&steps=1000&method=euler&text=20&${TINY}`);
  await phase(page, 'idle');
  await click(page, '#sample');
  // In the page: the steps may be over before a message from outside arrives.
  await until(page, () => {
    const label = document.getElementById('frame-label')!.textContent!;
    if (window.harness.state.phase !== 'sampling' || !label.endsWith(' of 1,000')) return false;
    document.getElementById('sample')!.click();
    return true;
  });
  await reads(page, 'sample', 'Make');
  await phase(page, 'idle');
  expect(await text(page, 'sample-status-text')).toBe('Stopped before the last step');
  await type(page, 'steps', '2');
  await make(page, '2, 0');
  expect(await text(page, 'sample-status-text')).toBe('');
});

// Not in a page from its sources, which fetches nothing.
test('a network or digits that do not load come with the next press', async () => {
  const { page } = await open(`?task=sample&calls=6&text=20&${TINY}`);
  await phase(page, 'idle');
  const worker = await workerOf(page);
  const failOnce = () =>
    worker.evaluate(() => {
      const { fetch } = globalThis;
      globalThis.fetch = async () => {
        globalThis.fetch = fetch;
        throw new TypeError('No network for a test.');
      };
    });
  await failOnce();
  await click(page, '#sample');
  await unhidden(page, 'sample-error');
  await phase(page, 'idle');
  await make(page, '2, 0');

  await failOnce();
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
    const hold = () => {
      const held = new Promise<void>((release) => Object.assign(globalThis, { release }));
      Blob.prototype.arrayBuffer = async function () {
        await held;
        return arrayBuffer.call(this);
      };
    };
    Object.assign(globalThis, { hold });
  });
  /** Pictures are read only after they are released. */
  const tell = (what: 'hold' | 'release') =>
    worker.evaluate((w) => void (globalThis as unknown as Record<typeof what, () => void>)[w](), what);
  const choose = () => upload(page, 'folder', pictures);
  for (let turn = 0; turn < 2; turn++) {
    await tell('hold');
    await choose();
    await click(page, '#stop-reading');
    await tell('release');
    await phase(page, 'idle');
    expect(await page.evaluate(() => window.harness.state.data?.builtIn)).toBe(true);
    expect(await text(page, 'files-problem-text')).toBe('');
  }
  await choose();
  await until(page, () => window.harness.state.data?.count === 12);
  await phase(page, 'idle');
});

test('where no GPU is found, the page says so, and the button on the welcome page can be pressed again', async () => {
  const { page } = await open('');
  const worker = await workerOf(page);
  await worker.evaluate(() => {
    navigator.gpu.requestAdapter = async () => null;
  });
  await click(page, '#make-now');
  await unhidden(page, 'unsupported');
  await drawn(page);
  expect([await isOff(page, '#make-now'), await isHidden(page, 'home-progress')]).toEqual([false, true]);
});
