/** What a file of tests drives: the built page, and a part of the browser with a storage of its own, from its first test to after its last one. */
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'puppeteer';
import { afterAll, afterEach, beforeAll, expect, inject } from 'vitest';
import { launchBrowser } from '../../harness/run/browsers';
import { statesOf } from './page_state';
import type { Visited } from './visit';

interface Driven {
  readonly address: string;
  /** The same page with tiny networks in place of the pretrained ones of `digits`, for tests that do not judge the digits. */
  readonly tiny: string;
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

/** Leaves pictures of a page, on a screen and on a phone, under the name of the current test. */
async function shoot(page: Page, folder: string): Promise<void> {
  const name = expect.getState().currentTestName!.replace(/\W+/g, '-').slice(0, 60);
  for (const [width, height] of [
    [1280, 800],
    [360, 740],
  ]) {
    await page.setViewport({ width, height });
    await page.screenshot({ path: join(folder, `${name}-${width}.png`), fullPage: true });
  }
}

/** Leaves pictures of each page as its test closes it. */
function photograph(context: BrowserContext, folder: string): void {
  const newPage = context.newPage.bind(context);
  context.newPage = async () => {
    const page = await newPage();
    const close = page.close.bind(page);
    page.close = () => shoot(page, folder).then(() => close());
    return page;
  };
}

/**
 * A page that tests of a file use one after another, since its shaders take seconds to compile. The first of them opens it; after a test that
 * has failed, the next one opens another. Each begins with bringing it to a state that it knows. `anew`: opens another, as the test needs it.
 */
export function inTurns(open: () => Promise<Visited>): (anew?: () => Promise<Visited>) => Promise<Visited> {
  let shared: Promise<Visited> | undefined;
  let isUsed = false;
  afterEach(async ({ task }) => {
    if (isUsed && process.env.SHOTS) await shared?.then(({ page }) => shoot(page, process.env.SHOTS!));
    isUsed = false;
    if (task.result?.state === 'fail') shared = undefined;
  });
  return async (anew) => {
    isUsed = true;
    if (anew) shared = anew();
    else shared ??= open();
    const visited = await shared;
    const { page } = visited;
    // Another page may lie above it, and then it draws nothing.
    if (await page.evaluate(() => document.hidden)) await page.bringToFront();
    const { width } = page.viewport()!;
    if (width !== 800) await page.setViewport({ width: 800, height: 600 });
    return visited;
  };
}

/** Call once at the top of a file. The browser is there when the tests begin; nothing that they do may break the page's policy. */
export function drive(): Driven {
  const { address } = inject('builtPage');
  const driven = { address, tiny: address.replace('/some/', '/tiny/') } as Driven;
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
