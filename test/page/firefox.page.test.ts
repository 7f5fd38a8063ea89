/** The page's main path in Firefox: it opens, the recording plays, digits are made while it shows how far that is. */
import type { Browser } from 'puppeteer';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { launchBrowser } from '../../harness/run/browsers';
import { tellOfFailures } from '../lib/page/drive';
import { hear } from '../lib/page/page_state';
import { fromState, greys, isHidden, reads, saidBy, text, type, until } from '../lib/page/visit';

let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser('firefox');
});

tellOfFailures(() => browser);
afterAll(() => browser?.close());

test('the welcome page plays its recording, and Make digits now shows its progress and makes digits', async () => {
  const page = await browser.newPage();
  page.setDefaultTimeout(0); // the test's own limit ends it
  hear(page);
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  await page.goto(inject('builtPage').address, { waitUntil: 'domcontentloaded' });
  await until(page, () => window.harness !== undefined);
  await reads(page, 'recorded-making-at', /^step/);
  expect(await fromState(page, 'adapter')).toBeUndefined();
  // One digit in two steps: shaders take their time to compile here, and to run.
  await type(page, 'steps', '2');
  await type(page, 'count', '1');
  // Whatever the page says on the way.
  const readSaid = await saidBy(page, 'home-status');
  await page.click('#make-now');
  await reads(page, 'frame-label', 'step 2 of 2');
  const said = await readSaid();
  expect(
    said.some((words) => /^Compiling the shaders: \d+ of \d+$/.test(words)),
    said.join('; '),
  ).toBe(true);
  expect(await isHidden(page, 'panel-sample')).toBe(false);
  expect(await greys(page, 'sample-prediction')).toBeGreaterThan(8);
  expect(await text(page, 'sample-error')).toBe('');
  expect(problems).toEqual([]);
  await page.close();
});
