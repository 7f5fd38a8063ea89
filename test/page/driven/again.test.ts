/** What is done on the page, ends badly or is left, and is done again: nothing of the first time is left, and the second time is as the first. */
import type { Page } from 'puppeteer';
import { expect, test } from 'vitest';
import { drive } from '../drive';
import {
  click,
  deviceLoser,
  drawn,
  files,
  go,
  losses,
  phase,
  steps,
  TINY,
  TUTORIAL,
  text,
  type,
  until,
  visit,
} from '../visit';

const driven = drive();
const open = (query: string, before?: () => void) => visit(driven.context, `${driven.tiny}${query}`, before);

/** Presses Make, and waits until these digits are there, after all steps, and the page rests. An error of this press ends the wait. */
const make = async (page: Page, digits: string) => {
  await page.evaluate(() => Object.assign(window, { seen: window.harness.state.error }));
  await click(page, '#sample');
  await until(
    page,
    (wanted) => {
      const { error } = window.harness.state;
      if (error && error !== (window as { seen?: unknown }).seen) throw new Error(error.message);
      const [, what, at, of] =
        /^(.*) at step (\d+) of (\d+)$/.exec(document.getElementById('sample-prediction')!.ariaLabel!) ?? [];
      return what === wanted && at === of;
    },
    digits,
  );
  await until(page, () => ['idle', 'paused'].includes(window.harness.state.phase));
};

test('an address that is shared, a file that is chosen, a drop that is left: each twice', async () => {
  const { page, problems } = await open('?task=sample&calls=6&text=20', () => {
    const copies: string[] = [];
    Object.assign(window, { copies, shares: [] as string[] });
    const given = { configurable: true, writable: true };
    Object.defineProperties(navigator, {
      canShare: { ...given, value: () => true },
      share: {
        ...given,
        value: async ({ url }: { url: string }) => {
          (window as unknown as { shares: string[] }).shares.push(url);
          throw new DOMException('Closed.', 'AbortError');
        },
      },
      clipboard: { ...given, value: { writeText: async (text: string) => void copies.push(text) } },
    });
  });
  await phase(page, 'idle');
  await make(page, '2, 0');
  const told = () =>
    page.evaluate(() => {
      const { copies, shares } = window as unknown as Record<'copies' | 'shares', string[]>;
      return { copies: copies.length, shares: shares.length };
    });
  // Who closes the share menu wants no copy either.
  for (const shares of [1, 2]) {
    await click(page, '#share');
    await until(page, (n) => (window as unknown as { shares: string[] }).shares.length === n, shares);
    expect([await told(), await text(page, 'shared')]).toEqual([{ copies: 0, shares }, '']);
  }
  // What is said of an address is not true of other images.
  await page.evaluate(() => Object.assign(navigator, { canShare: () => false }));
  await click(page, '#share');
  await until(page, () =>
    document.getElementById('shared')!.textContent!.startsWith('The address is copied'),
  );
  await type(page, 'text', '31');
  await make(page, '3, 1');
  expect(await text(page, 'shared')).toBe('');

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
  await until(page, () => !document.getElementById('files-problem')!.hidden);

  // Files that are dragged over the page, and out of it again, or dropped.
  const veil = () => page.$eval('#drop', (each) => (each as HTMLElement).hidden);
  for (const end of ['dragleave', 'drop']) {
    for (const event of ['dragenter', end]) {
      await page.evaluate((name) => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File(['no model'], 'other.safetensors'));
        document.body.dispatchEvent(
          new DragEvent(name, { dataTransfer, bubbles: true, cancelable: true, relatedTarget: null }),
        );
      }, event);
      expect(await veil(), event).toBe(event !== 'dragenter');
    }
  }
  expect(problems).toEqual([]);
  await page.close();
});

test('images are made again after the device was lost, by the pretrained network too; what was ordered before is left', async () => {
  const { page } = await open('?task=sample&calls=6&text=20');
  await phase(page, 'idle');
  const lose = await deviceLoser(page);
  await make(page, '2, 0');
  for (const word of ['31', '42']) {
    await lose();
    // The view of four noises may have asked for another device by then.
    await until(page, () => window.harness.state.error?.code === 'device-lost');
    await type(page, 'text', word);
    await make(page, [...word].join(', '));
    expect(await page.evaluate(() => window.harness.state.error)).toBeUndefined();
    expect(await text(page, 'sample-status-text')).toBe('Ready');
  }
  await page.evaluate(() => localStorage.removeItem('webgpu-diffusion-losses'));
  await page.close();
});

test('a file that cannot be read or is refused leaves the page as it was, and the next one is taken', async () => {
  const { page, problems } = await open(`?${TUTORIAL}&epochs=2000`);
  await phase(page, 'idle');
  const { save, drop, asks } = await files(page);
  // So that the run is in its file alone.
  const worker = page.workers().find((each) => each.url().includes('/worker'))!;
  await worker.evaluate(() => {
    const handles = FileSystemFileHandle.prototype as unknown as { createSyncAccessHandle(): Promise<never> };
    handles.createSyncAccessHandle = () => Promise.reject(new DOMException('Full.', 'QuotaExceededError'));
  });
  await click(page, '#step');
  await steps(page, 1);
  await phase(page, 'paused');
  expect(await asks()).toBe(true);
  const [checkpoint, before] = [await save('save-checkpoint'), await losses(page)];
  const complaint = (words: string) =>
    until(page, (w) => document.getElementById('files-problem-text')!.textContent!.includes(w), words);
  const enabled = () =>
    page.$$eval('#train, #step, #reset', (all) =>
      all.map((each) => !each.matches(':disabled, [aria-disabled=true]')),
    );
  for (let turn = 0; turn < 2; turn++) {
    await drop('no checkpoint', 'broken.safetensors');
    await complaint('broken.safetensors');
    // Refused: another run is under way.
    await drop(checkpoint, 'checkpoint.safetensors');
    await complaint('A run is in progress');
    await phase(page, 'paused');
    expect(await losses(page)).toEqual(before);
    expect(await enabled()).toEqual([true, true, true]);
  }
  // What is saved needs no question.
  expect(await asks()).toBe(false);

  await click(page, '#reset');
  await until(page, () => window.harness.state.run === undefined);
  await phase(page, 'idle');
  await drop('nothing', 'images-idx3-ubyte');
  await complaint('images-idx3-ubyte');
  await phase(page, 'idle');
  expect(await page.evaluate(() => window.harness.state.data?.builtIn)).toBe(true);
  await drop(checkpoint, 'checkpoint.safetensors');
  await phase(page, 'paused');
  expect(await losses(page)).toEqual(before);
  expect(await text(page, 'files-problem-text')).toBe('');
  expect(problems).toEqual([]);
  await page.close();
});

test('a press that cannot start says why, and the next one starts', async () => {
  const { page, problems } = await open(`?task=sample&calls=6&text=20&${TINY}`);
  await phase(page, 'idle');
  const worker = page.workers().find((each) => each.url().includes('/worker'))!;
  await worker.evaluate(() => {
    const { createShaderModule } = GPUDevice.prototype;
    Object.assign(globalThis, {
      mend: () => Object.assign(GPUDevice.prototype, { createShaderModule }),
    });
    GPUDevice.prototype.createShaderModule = () => {
      throw new TypeError('No shader for a test.');
    };
  });
  for (let turn = 0; turn < 2; turn++) {
    await click(page, '#sample');
    await until(page, () => !document.getElementById('sample-error')!.hidden);
    await phase(page, 'idle');
    expect(await page.$eval('#sample', (each) => each.matches(':disabled, [aria-disabled=true]'))).toBe(
      false,
    );
  }
  await worker.evaluate(() => void (globalThis as unknown as { mend(): void }).mend());
  await make(page, '2, 0');
  expect(await page.$eval('#sample-error', (each) => (each as HTMLElement).hidden)).toBe(true);
  await go(page, 'train');
  await click(page, '#step');
  await steps(page, 1);
  expect(problems.filter((each) => !each.includes('No shader for a test'))).toEqual([]);
  await page.close();
});

test('where no GPU is found, the page says so, and the button on the welcome page can be pressed again', async () => {
  const { page } = await open('');
  await until(page, () => window.harness !== undefined);
  await until(page, () => !document.getElementById('make-now')!.matches(':disabled, [aria-disabled=true]'));
  const worker = page.workers().find((each) => each.url().includes('/worker'))!;
  await worker.evaluate(() => {
    navigator.gpu.requestAdapter = async () => null;
  });
  await click(page, '#make-now');
  await until(page, () => !document.getElementById('unsupported')!.hidden);
  await drawn(page);
  expect(await page.$eval('#make-now', (each) => each.matches(':disabled, [aria-disabled=true]'))).toBe(
    false,
  );
  expect(await page.$eval('#home-progress', (bar) => (bar as HTMLElement).hidden)).toBe(true);
  await page.close();
});
