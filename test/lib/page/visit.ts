/** A visitor of the page, who opens, watches and uses it. */
import { fileURLToPath } from 'node:url';
import type { Browser, ElementHandle, EvaluateFunc, KeyInput, Page, WebWorker } from 'puppeteer';
import { until as untilHere } from '../until';
import { hear } from './page_state';

export const root = fileURLToPath(new URL('../../..', import.meta.url));
export const TINY = 'batch=4&limit=16&widths=8&samples=4&lr=0.01';
export const TUTORIAL = `recipe=tutorial&${TINY}`;

/** Adds to `problems` what must not happen on a page, and lets it be left. */
export function watch(page: Page, problems: string[]): void {
  hear(page);
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(String(error)));
  // Whether to leave a run that is not saved.
  page.on('dialog', (dialog) => void dialog.accept());
  page.on('response', (response) => {
    if (response.status() >= 400) problems.push(`${response.status()} ${response.url()}`);
  });
}

export interface Visited {
  readonly page: Page;
  /** What must not happen. */
  readonly problems: string[];
}

/** Opens the page. `before` runs in it before the page's own scripts. */
export async function visit(
  browser: Pick<Browser, 'newPage'>,
  address: string,
  before?: () => void,
): Promise<Visited> {
  const page = await browser.newPage();
  if (before) await page.evaluateOnNewDocument(before);
  page.setDefaultTimeout(0); // the test's own limit ends it
  const problems: string[] = [];
  watch(page, problems);
  await page.goto(address);
  await until(page, () => window.harness !== undefined);
  return { page, problems };
}

/**
 * Waits until a condition holds in the page, looking at each frame. Not page.waitForFunction, which makes a function of a text there, as the
 * page's policy forbids; like that it goes on in the page that comes after this one.
 */
export async function until<T extends unknown[]>(page: Page, condition: EvaluateFunc<T>, ...args: T) {
  const heard = hear(page);
  heard.waitsFor = `${condition} of ${JSON.stringify(args)}`;
  // A page behind another one has no frames.
  const wait = `(async () => {
    const condition = ${condition};
    const next = () => document.hidden ? navigator.locks.request('until', () => {}) : new Promise((resolve) => {
      requestAnimationFrame(resolve);
      document.onvisibilitychange = resolve;
    });
    while (!(await condition(...${JSON.stringify(args)}))) await next();
  })()`;
  for (;;) {
    try {
      await page.evaluate(wait);
      heard.waitsFor = undefined;
      return;
    } catch (error) {
      if (!/context was destroyed|Cannot find context|Not attached to an active page/.test(String(error)))
        throw error;
    }
  }
}

/** Clicks an element once it can be clicked and nothing covers it: all in the page, where nothing can move it meanwhile. */
export const click = (page: Page, selector: string) =>
  until(
    page,
    (s) => {
      if (window.harness?.isDrawn === false) return false;
      const element = document.querySelector<HTMLElement>(s);
      // What is folded away is unfolded first, as a user would.
      element
        ?.closest('details:not([open]) > :not(summary)')
        ?.parentElement?.querySelector('summary')
        ?.click();
      const folded = element?.closest('.panel:not(:has(.fold[aria-expanded=true])) .foldable');
      if (folded) document.querySelector<HTMLElement>(`[aria-controls~=${folded.id}]`)!.click();
      const menu = element?.closest('[popover]:not(:popover-open, #glossary)');
      if (menu) document.querySelector<HTMLElement>(`[popovertarget=${menu.id}]`)!.click();
      if (!element?.checkVisibility() || element.matches(':disabled, [aria-disabled=true]')) return false;
      element.scrollIntoView({ block: 'center' });
      const { left, right, top, bottom } = element.getBoundingClientRect();
      const hit = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
      if (hit?.closest(s) !== element) return false;
      element.focus();
      element.click();
      return true;
    },
    selector,
  );

/** Moves the focus to an element once it is shown. */
export const focus = (page: Page, selector: string) =>
  until(
    page,
    (s) => {
      const element = document.querySelector<HTMLElement>(s);
      element?.focus();
      return document.activeElement === element;
    },
    selector,
  );

export const focused = (page: Page) => page.evaluate(() => document.activeElement!.id);

export async function pressOn(page: Page, selector: string, key: KeyInput): Promise<void> {
  await focus(page, selector);
  await page.keyboard.press(key);
}

/** Waits until the page shows its state. A page in the background draws nothing. */
export const drawn = (page: Page) => until(page, () => window.harness?.isDrawn !== false || document.hidden);

/** Waits until the page is in a phase, and shows it. */
export async function phase(page: Page, name: string): Promise<void> {
  await until(page, (n) => window.harness.state.phase === n, name);
  await drawn(page);
}

type State = Window['harness']['state'];
export const fromState = <K extends keyof State>(page: Page, key: K) =>
  page.evaluate((k) => window.harness.state[k], key);
export const settingsOf = (page: Page) => page.evaluate(() => window.harness.settings);
export const searchOf = (page: Page) => page.evaluate(() => location.search);
export const losses = (page: Page) => page.evaluate(() => [...window.harness.state.losses]);
export async function text(page: Page, id: string): Promise<string | null> {
  await drawn(page);
  return page.evaluate((i) => document.getElementById(i)!.textContent, id);
}

/** How many different greys a canvas shows. */
export const greys = (page: Page, id: string) =>
  page.evaluate((i) => {
    const canvas = document.getElementById(i) as HTMLCanvasElement;
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    return new Set(data.filter((_, at) => at % 4 === 0)).size;
  }, id);
export const picture = (page: Page, id: string) =>
  page.$eval(`#${id}`, (canvas) => (canvas as HTMLCanvasElement).toDataURL());
/** Waits until a canvas shows another picture than this one. */
export const changed = (page: Page, before: string, id = 'sample-prediction') =>
  until(
    page,
    (shown, i) => (document.getElementById(i) as HTMLCanvasElement).toDataURL() !== shown,
    before,
    id,
  );
export async function upload(page: Page, id: string, ...paths: string[]): Promise<void> {
  await ((await page.$(`#${id}`)) as ElementHandle<HTMLInputElement>).uploadFile(...paths);
}

/** Waits until an element has this text, or one that matches. */
export const reads = (page: Page, id: string, words: string | RegExp) =>
  until(
    page,
    (i, pattern) => new RegExp(pattern).test(document.getElementById(i)?.textContent ?? ''),
    id,
    typeof words === 'string' ? `^${words.replace(/[^\w ]/g, '\\$&')}$` : words.source,
  );
export const mentions = (page: Page, id: string, words: string) =>
  until(page, (i, w) => document.getElementById(i)?.textContent?.includes(w) ?? false, id, words);
/** Waits until an element, as a button that can be pressed, matches a selector. */
const matches = (page: Page, id: string, selector: string) =>
  until(page, (i, s) => document.getElementById(i)!.matches(s), id, selector);
export const unhidden = (page: Page, id: string) => matches(page, id, ':not([hidden])');
export const hidden = (page: Page, id: string) => matches(page, id, '[hidden]');
const OFF = ':is(:disabled, [aria-disabled=true])';
export const enabled = (page: Page, id: string) => matches(page, id, `:not(${OFF})`);
export const disabled = (page: Page, id: string) => matches(page, id, OFF);
/** Notes all that an element says from now on. Returns a function that reads it. */
export async function saidBy(page: Page, id: string): Promise<() => Promise<string[]>> {
  await page.evaluate((i) => {
    window.said = [];
    const element = document.getElementById(i)!;
    new MutationObserver(() => window.said.push(element.textContent!)).observe(element, {
      subtree: true,
      childList: true,
      characterData: true,
    });
  }, id);
  return () => page.evaluate(() => window.said);
}

/** Waits until the page has an element, or this number of elements. */
export const exist = (page: Page, selector: string, count?: number) =>
  until(
    page,
    (s, n) => {
      const { length } = document.querySelectorAll(s);
      return n === null ? length > 0 : length === n;
    },
    selector,
    count ?? null,
  );
export const textsOf = (page: Page, selector: string) =>
  page.$$eval(selector, (all) => all.map((each) => each.textContent!));
export const isHidden = (page: Page, id: string) =>
  page.evaluate((i) => document.getElementById(i)!.hidden, id);
export const isSeen = (page: Page, selector: string) =>
  page.$eval(selector, (each) => each.checkVisibility());
/** Whether an element cannot be pressed. */
export const isOff = (page: Page, selector: string) =>
  page.$eval(selector, (each) => each.matches(':disabled, [aria-disabled=true]'));

export const setting = (page: Page, key: string, value: string) =>
  page.evaluate((k, v) => void window.harness.set(k as never, v), key, value);
export const type = (page: Page, id: string, value: string) =>
  page.evaluate(
    (i, v) => {
      const input = document.getElementById(i) as HTMLInputElement;
      input.value = v;
      input.dispatchEvent(new Event('change'));
    },
    id,
    value,
  );

/** Opens a view by its link, shown or not: the doors, which show it, have a test of their own. */
export async function go(page: Page, task: string): Promise<void> {
  await until(
    page,
    (id) => {
      if (window.harness?.isDrawn === false) return false;
      const link = document.getElementById(id)!;
      link.focus();
      link.click();
      return true;
    },
    `tab-${task}`,
  );
  // What is asked next, as the focus on a word, is asked of the view: until it is drawn, it is hidden.
  await drawn(page);
}

declare global {
  interface Window {
    /** What `files` has collected. */
    blobs: Blob[];
    /** What `saidBy` has noted. */
    said: string[];
  }
}

/** Collects what the page saves, and drops such files on it. */
export async function files(page: Page) {
  await page.evaluate(() => {
    const blobs: Blob[] = [];
    Object.assign(window, { blobs });
    URL.createObjectURL = (blob: Blob) => `#${blobs.push(blob)}`; // which downloads nothing
  });
  const save = async (button: string) => {
    const before = await page.evaluate(() => window.blobs.length);
    await click(page, `#${button}`);
    await until(page, (n) => window.blobs.length > n, before);
    return before;
  };
  const read = async (blob: number) =>
    Uint8Array.from(
      await page.evaluate(async (at) => [...new Uint8Array(await window.blobs[at].arrayBuffer())], blob),
    );
  const dropAll = (...all: (readonly [blob: number | string, name: string])[]) =>
    page.evaluate((given) => {
      const { blobs } = window;
      const dataTransfer = new DataTransfer();
      for (const [what, name] of given)
        dataTransfer.items.add(new File([typeof what === 'number' ? blobs[what] : what], name));
      document.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
    }, all);
  const drop = (blob: number | string, name: string) => dropAll([blob, name]);
  /** Whether the browser would ask before it leaves the page. */
  const asks = () => page.evaluate(() => !dispatchEvent(new Event('beforeunload', { cancelable: true })));
  return { save, read, drop, dropAll, asks };
}

/** Drops a folder of this machine, as a user does. */
export async function dropFolder(page: Page, path: string): Promise<void> {
  const session = await page.createCDPSession();
  const data = { items: [], files: [path], dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
    await session.send('Input.dispatchDragEvent', { type, x: 300, y: 300, data });
  await session.detach();
}

/** The page's training worker, which begins a little after the page. */
export const workerOf = (page: Page): Promise<WebWorker> =>
  untilHere(() => page.workers().find((each) => each.url().includes('/worker')));

/**
 * Returns a function that takes the worker's device away as a driver does: not because somebody asked for it. `at`: with a later submission of
 * the worker's, since on a busy machine a run may end before a message from outside arrives.
 */
export async function deviceLoser(page: Page): Promise<(at?: number) => Promise<void>> {
  const worker = await workerOf(page);
  await worker.evaluate(() => {
    const { createBuffer } = GPUDevice.prototype;
    GPUDevice.prototype.createBuffer = function (descriptor) {
      Object.assign(globalThis, { device: this });
      return createBuffer.call(this, descriptor);
    };
  });
  return (at = 0) =>
    worker.evaluate((left) => {
      Object.defineProperty(GPUDeviceLostInfo.prototype, 'reason', { value: 'unknown' });
      const { device } = globalThis as unknown as { device: GPUDevice };
      if (left === 0) return device.destroy();
      const { submit } = GPUQueue.prototype;
      GPUQueue.prototype.submit = function (commands) {
        submit.call(this, commands);
        if (--left === 0) device.destroy();
      };
    }, at);
}

export const steps = (page: Page, count: number) =>
  until(page, (n) => window.harness.state.losses.length >= n, count);

/** Presses Step, also for the first step of a run, for which the page does not show it yet. */
export const pressStep = (page: Page) =>
  until(page, () => {
    const step = document.getElementById('step') as HTMLButtonElement;
    if (!window.harness.isDrawn || step.matches(':disabled, [aria-disabled=true]')) return false;
    step.click();
    return true;
  });

export async function step(page: Page): Promise<void> {
  const { length } = await losses(page);
  await pressStep(page);
  await steps(page, length + 1);
  await phase(page, 'paused');
}

export async function trainToEnd(page: Page): Promise<void> {
  await click(page, '#train');
  await phase(page, 'finished');
}

export async function reset(page: Page): Promise<void> {
  await click(page, '#reset');
  await until(page, () => window.harness.state.run === undefined);
  await phase(page, 'idle');
}

/** Presses Train, if the page rests, and, in the page, Pause where the run has this number of losses. */
async function pauseAt(page: Page, count: number, begins: boolean): Promise<void> {
  await until(
    page,
    (n, presses) => {
      const train = document.getElementById('train') as HTMLButtonElement;
      if (train.matches(':disabled, [aria-disabled=true]')) return false;
      if (presses && !train.dataset.pressed) {
        train.dataset.pressed = 'Train';
        train.click();
        return false;
      }
      const { phase, losses } = window.harness.state;
      // The run may have this number before it begins.
      if (phase !== 'training' || losses.length < n || train.textContent !== 'Pause') return false;
      delete train.dataset.pressed;
      train.click();
      return true;
    },
    count,
    begins,
  );
  await phase(page, 'paused');
}

/** Pauses a run that trains, or is about to, where it has this number of losses. */
export const pause = (page: Page, count = 0) => pauseAt(page, count, false);

/** Trains to about here, and waits until that is kept. */
export async function keepAt(page: Page, count: number): Promise<void> {
  await pauseAt(page, count, true);
  await until(page, () => window.harness.state.stored === window.harness.state.losses.length);
}

/** Waits for a kept run with these words, and a button that goes on with it. */
export const offered = (page: Page, words: string) =>
  until(
    page,
    (w) =>
      [...document.querySelectorAll<HTMLElement>('#runs-body .kept')].some((row) => {
        const goOn = row.querySelector('button')!;
        return !goOn.disabled && row.textContent!.includes(w) && goOn.checkVisibility();
      }),
    words,
  );

/** As a driver that crashes takes the process with it. */
export async function killGpu(browser: Browser): Promise<void> {
  const session = await browser.target().createCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  process.kill(processInfo.find(({ type }) => type === 'GPU')!.id, 'SIGKILL');
  await session.detach();
}
