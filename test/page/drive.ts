/** What a file of tests drives: the built page, and a part of the browser with a storage of its own, from its first test to after its last one. */
import { join } from 'node:path';
import type { Browser, BrowserContext } from 'puppeteer';
import { afterAll, beforeAll, expect, inject } from 'vitest';
import { launchBrowser } from '../lanes/browsers';

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

/** Call once at the top of a file. The browser is there when the tests begin; nothing that they do may break the page's policy. */
export function drive(): Driven {
  const driven = { address: inject('builtPage').address } as Driven;
  beforeAll(async () => {
    driven.browser = await sharedBrowser();
    driven.context = await driven.browser.createBrowserContext();
  });
  afterAll(async () => {
    await driven.context?.close();
    const reports = await fetch(new URL('/reports', inject('builtPage').address));
    expect(await reports.json(), 'What the policy forbids').toEqual([]);
  });
  return driven;
}
