/** What a file of tests drives: the built page, and a browser whose storage is empty when its first test begins, but for what the engine knows of the adapter. */
import { join } from 'node:path';
import type { Browser, BrowserContext } from 'puppeteer';
import { afterAll, afterEach, beforeAll, expect, inject } from 'vitest';
import { launchBrowser } from '../../../harness/run/browsers';
import { statesOf } from './page_state';
import { type Visited, visit, watch } from './visit';

interface Driven {
  readonly address: string;
  /** The same page with tiny networks in place of the pretrained ones of `digits`, for tests that do not judge the digits. */
  readonly tiny: string;
  browser: Browser;
  context: BrowserContext;
  /** An empty page for one test. */
  newPage(): Promise<Visited>;
  /** Opens a page for one test. */
  visit(address: string, before?: () => void): Promise<Visited>;
  /** The same in a storage of its own, or in this context. */
  visitAlone(address: string, context?: BrowserContext): Promise<Visited>;
}

/** What the current test visits. After it, nothing may have gone wrong there; what `inTurns` has not `kept` is closed then. */
const current = new Set<Visited>();
const kept = new WeakSet<Visited>();

async function leave(context: BrowserContext): Promise<void> {
  const all = [...current];
  current.clear();
  const problems = all.flatMap((visited) => visited.problems.splice(0));
  const pages = all
    .filter((visited) => !kept.has(visited) && !visited.page.isClosed())
    .map(({ page }) => page);
  const alone = pages.map((page) => page.browserContext()).filter((each) => each !== context);
  for (const page of pages) await page.close();
  for (const each of new Set(alone)) await each.close();
  expect(problems, 'What went wrong on a page').toEqual([]);
}

let browser: Browser | undefined;

/** One for all files, since they run in one process, one by one; it ends with that. What is left of it goes with the built page. */
async function sharedBrowser(): Promise<Browser> {
  if (!browser?.connected)
    browser = await launchBrowser('chrome', { profile: join(inject('builtPage').folder, '../profile') });
  return browser;
}

/**
 * Empties the storage of pages from `address`, but for what the engine has measured and checked on this adapter: so only the first file
 * checks the kernels. A storage that must know nothing is made with `browser.createBrowserContext`.
 */
async function emptyStorage(browser: Browser, address: string): Promise<void> {
  // The browser's first tab, which no test has.
  const [tab, ...left] = await browser.defaultBrowserContext().pages();
  for (const page of left) await page.close();
  const session = await tab.createCDPSession();
  const { origin } = new URL(address);
  await session.send('Storage.clearDataForOrigin', { origin, storageTypes: 'local_storage,file_systems' });
  await session.detach();
}

/** Prints the states of the pages that a test of this file leaves open when it fails, whatever ends it. Call once at the top of a file. */
export function tellOfFailures(current: () => Browser | undefined): void {
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') console.error(await statesOf((await current()?.pages()) ?? []));
  });
}

/**
 * A page that tests of a file use one after another, since its shaders take seconds to compile. The first of them opens it; after a test that
 * has failed, the next one opens another. Each begins with bringing it to a state that it knows.
 */
export function inTurns(open: () => Promise<Visited>): () => Promise<Visited> {
  let shared: Promise<Visited> | undefined;
  let failed: Promise<Visited> | undefined;
  let problems: readonly string[] = [];
  afterEach(async ({ task }) => {
    if (task.result?.state !== 'fail' && problems.length === 0) return;
    failed = shared;
    shared = undefined;
  });
  return async () => {
    // It holds what it has in the storage.
    await failed?.then(({ page }) => page.close()).catch(() => {});
    failed = undefined;
    shared ??= open();
    const visited = await shared;
    current.add(visited);
    kept.add(visited);
    const { page } = visited;
    problems = visited.problems;
    // Another page may lie above it, and then it draws nothing.
    if (await page.evaluate(() => document.hidden)) await page.bringToFront();
    const { width } = page.viewport()!;
    if (width !== 800) await page.setViewport({ width: 800, height: 600 });
    return visited;
  };
}

/**
 * Call once at the top of a file. The browser is there when the tests begin; nothing that they do may break the page's policy, or be an
 * error on a page that they visit.
 */
export function drive(): Driven {
  const { address } = inject('builtPage');
  const noted = (visited: Visited) => {
    current.add(visited);
    return visited;
  };
  const driven: Driven = {
    address,
    tiny: address.replace('/some/', '/tiny/'),
    async newPage() {
      const visited = { page: await driven.context.newPage(), problems: [] };
      watch(visited.page, visited.problems);
      return noted(visited);
    },
    visit: async (url, before) => noted(await visit(driven.context, url, before)),
    visitAlone: async (url, context) =>
      noted(await visit(context ?? (await driven.browser.createBrowserContext()), url)),
  } as Driven;
  beforeAll(async () => {
    driven.browser = await sharedBrowser();
    driven.context = driven.browser.defaultBrowserContext();
  });
  afterEach(() => leave(driven.context));
  tellOfFailures(() => browser);
  afterAll(async () => {
    if (driven.browser?.connected) await emptyStorage(driven.browser, driven.address);
    if (!inject('builtPage').reports) return;
    const reports = await fetch(new URL('/reports', inject('builtPage').address));
    expect(await reports.json(), 'What the policy forbids').toEqual([]);
  });
  return driven;
}
