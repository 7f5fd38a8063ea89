/** What a file of tests drives: the built page, and a part of the browser with a storage of its own, from its first test to after its last one. */
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'puppeteer';
import { afterAll, afterEach, beforeAll, expect, inject } from 'vitest';
import { launchBrowser } from '../../harness/run/browsers';
import { statesOf } from './page_state';

interface Driven {
  readonly address: string;
  browser: Browser;
  context: BrowserContext;
}

let browser: Browser | undefined;

/** One for all files, since they run in one process, one by one; it ends with that. What is left of it goes with the built page. */
async function sharedBrowser(): Promise<Browser> {
  if (!browser?.connected)
    browser = await launchBrowser('chrome', { profile: join(inject('builtPage').folder, '../profile') });
  return browser;
}

/**
 * What the engine has measured and checked on this adapter in earlier files: a storage begins with it, so that a file need not check the
 * same kernels again. A storage that must know nothing is made with `browser.createBrowserContext`.
 */
const tuning = new Map<string, string>();

/** Lets the engine remember `entries` in the storage of a context, and adds to `tuning` all that is there. */
async function shareTuning(
  context: BrowserContext,
  address: string,
  entries: readonly (readonly [string, string])[],
): Promise<void> {
  const page = await context.newPage();
  // A page of the same origin, without the harness.
  await page.goto(new URL('/nothing', address).href);
  const known = await page.evaluate(async (entries) => {
    const settle = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    // As src/gpu/cache.ts does.
    const opening = indexedDB.open('webgpu-diffusion', 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore('tuning');
    const store = (await settle(opening)).transaction('tuning', 'readwrite').objectStore('tuning');
    for (const [key, value] of entries) await settle(store.put(value, key));
    const keys = await settle(store.getAllKeys());
    return Promise.all(keys.map(async (key) => [String(key), await settle<string>(store.get(key))] as const));
  }, entries);
  for (const [key, value] of known) tuning.set(key, value);
  await page.close();
}

/** Prints the states of the pages that a test of this file leaves open when it fails, whatever ends it. Call once at the top of a file. */
export function tellOfFailures(current: () => Browser | undefined): void {
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') console.error(await statesOf((await current()?.pages()) ?? []));
  });
}

/** Leaves pictures of each page as its test closes it: on a screen, and on a phone. */
function photograph(context: BrowserContext, folder: string): void {
  const newPage = context.newPage.bind(context);
  const shot = async (page: Page) => {
    const name = expect.getState().currentTestName!.replace(/\W+/g, '-').slice(0, 60);
    for (const [width, height] of [
      [1280, 800],
      [360, 740],
    ]) {
      await page.setViewport({ width, height });
      await page.screenshot({ path: join(folder, `${name}-${width}.png`), fullPage: true });
    }
  };
  context.newPage = async () => {
    const page = await newPage();
    const close = page.close.bind(page);
    page.close = () => shot(page).then(() => close());
    return page;
  };
}

/** Call once at the top of a file. The browser is there when the tests begin; nothing that they do may break the page's policy. */
export function drive(): Driven {
  const driven = { address: inject('builtPage').address } as Driven;
  beforeAll(async () => {
    driven.browser = await sharedBrowser();
    driven.context = await driven.browser.createBrowserContext();
    await shareTuning(driven.context, driven.address, [...tuning]);
    if (process.env.SHOTS) photograph(driven.context, process.env.SHOTS);
  });
  tellOfFailures(() => browser);
  afterAll(async () => {
    if (driven.context) await shareTuning(driven.context, driven.address, []);
    await driven.context?.close();
    const reports = await fetch(new URL('/reports', inject('builtPage').address));
    expect(await reports.json(), 'What the policy forbids').toEqual([]);
  });
  return driven;
}
