/** What a file of tests drives: the built page, and a part of the browser with a storage of its own, from its first test to after its last one. */
import { join } from 'node:path';
import type { Browser, BrowserContext } from 'puppeteer';
import { afterAll, beforeAll, inject } from 'vitest';
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

/** Call once at the top of a file. The browser is there when the tests begin. */
export function drive(address = inject('builtPage').address): Driven {
  const driven = { address } as Driven;
  beforeAll(async () => {
    driven.browser = await sharedBrowser();
    driven.context = await driven.browser.createBrowserContext();
  });
  afterAll(() => driven.context?.close());
  return driven;
}
