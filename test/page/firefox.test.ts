/** The page's main path in Firefox: it opens, the recording plays, digits are made while it shows how far that is. */
import type { Browser } from 'puppeteer';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { launchBrowser } from '../../harness/run/browsers';
import { tellOfFailures } from './drive';
import { hear } from './page_state';
import { fromState, isHidden, reads, text, type, until } from './visit';

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
  await page.evaluate(() => {
    const said: string[] = [];
    Object.assign(window, { said });
    const status = document.getElementById('home-status')!;
    new MutationObserver(() => said.push(status.textContent!)).observe(status, {
      childList: true,
      characterData: true,
      subtree: true,
    });
  });
  await page.click('#make-now');
  await reads(page, 'frame-label', 'step 2 of 2');
  const said = await page.evaluate(() => (window as unknown as { said: string[] }).said);
  expect(
    said.some((words) => /^Compiling the shaders: \d+ of \d+$/.test(words)),
    said.join('; '),
  ).toBe(true);
  expect(await isHidden(page, 'panel-sample')).toBe(false);
  const ink = await page.evaluate(() => {
    const canvas = document.getElementById('sample-prediction') as HTMLCanvasElement;
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    return Array.from({ length: data.length / 4 }, (_, i) => 1 - data[4 * i] / 255);
  });
  // A stroke on paper, neither noise nor nothing.
  const share = ink.filter((v) => v > 0.5).length / ink.length;
  expect(share).toBeGreaterThan(0.02);
  expect(share).toBeLessThan(0.4);
  expect(ink.filter((v) => v < 0.1).length / ink.length).toBeGreaterThan(0.4);
  expect(await text(page, 'sample-error')).toBe('');
  expect(problems).toEqual([]);
  await page.close();
});
