/** What a file of tests drives: the built page and a browser, from its first test to after its last one. */
import type { Browser } from 'puppeteer';
import { afterAll, beforeAll, inject } from 'vitest';
import { launchBrowser } from '../lanes/browsers';

interface Driven {
  readonly address: string;
  browser: Browser;
}

/** Call once at the top of a file. The browser is there when the tests begin. */
export function drive(address = inject('builtPage').address): Driven {
  const driven = { address } as Driven;
  beforeAll(async () => {
    driven.browser = await launchBrowser('chrome');
  });
  afterAll(() => driven.browser?.close());
  return driven;
}
