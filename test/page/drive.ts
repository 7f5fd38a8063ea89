/** What a file of tests drives: the page's server and a browser, from its first test to after its last one. */
import type { Browser } from 'puppeteer';
import { afterAll, beforeAll } from 'vitest';
import { launchBrowser } from '../lanes/browsers';
import { servePage } from './visit';

interface Driven {
  server: Awaited<ReturnType<typeof servePage>>;
  browser: Browser;
}

/** Call once at the top of a file. What it returns is filled when the tests begin. */
export function drive(options?: Parameters<typeof servePage>[0]): Driven {
  const driven = {} as Driven;
  beforeAll(async () => {
    driven.server = await servePage(options);
    driven.browser = await launchBrowser('chrome');
  });
  afterAll(async () => {
    await driven.browser?.close();
    await driven.server?.close();
  });
  return driven;
}
