/**
 * What a visitor does once in each view: answers a guess, makes an order, looks at the GPU, reads a word; by mouse, by keyboard, by touch.
 *
 * @module-tag nightly
 */
import type { Page } from 'puppeteer';
import { expect, test } from 'vitest';
import { violations } from '../../lib/page/axe';
import { drive } from '../../lib/page/drive';
import {
  click,
  exist,
  focus,
  hidden,
  isSeen,
  mentions,
  phase,
  pressOn,
  reads,
  searchOf,
  text,
  textsOf,
  until,
} from '../../lib/page/visit';

const driven = drive();

const says = (page: Page, words: string) =>
  until(page, (w) => document.querySelector('.scene')?.textContent?.includes(w) ?? false, words);
const scene = (page: Page, place: string) =>
  until(page, (p) => document.querySelector('.scene-place')?.firstChild?.textContent === p, place);

test('Explain answers a guess, has an address for each scene', async () => {
  const { page } = await driven.visit(`${driven.tiny}?task=explain&scene=1`);
  await page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
  await scene(page, '2 of 5');
  // A guess plays the picture to where the answer can be seen.
  await until(page, () => {
    const all = [...document.querySelectorAll<HTMLButtonElement>('.guess button')];
    const key = all.find((each) => each.textContent === 'Nothing but noise' && each.checkVisibility());
    if (key && key.ariaPressed !== 'true') key.click();
    return key?.ariaPressed === 'true';
  });
  await says(page, 'No: the strokes are still there, under noise.');
  await says(page, '= 0.50 x + 0.50 n');
  await pressOn(page, '.scene-steps .primary', 'Enter');
  await scene(page, '3 of 5');
  expect(await searchOf(page)).toBe('?task=explain&scene=2');
  for (const place of ['4 of 5', '5 of 5']) {
    await page.keyboard.press('ArrowRight');
    await scene(page, place);
  }
  await says(page, 'Recorded: a new network learns the digits.');
});

test('an order that is not the usual one says so beside Make, and a press undoes it; the hand moves it; two columns are one PNG', async () => {
  const { page } = await driven.visit(
    `${driven.tiny}?task=sample&steps=1&count=2&method=euler&guidance=1&digit=7`,
  );
  /** All steps of what is chosen have been made. */
  const finished = (steps: number) => reads(page, 'frame-label', `step ${steps} of ${steps}`);
  await phase(page, 'idle');
  const unusual = 'Not the usual order: 1 step of Euler, guidance 1 and 2 images.';
  expect(await text(page, 'unusual-text')).toEqual(unusual);
  expect(await isSeen(page, '#usual')).toBe(true);
  await click(page, '#sample');
  await finished(1);
  await click(page, '#usual');
  await hidden(page, 'unusual');
  await finished(4);
  expect(await searchOf(page)).toBe('?task=sample&digit=7');
  expect(await text(page, 'calls-note')).toBe('4 steps of Adams · 8 network calls');

  const place = () => page.$eval('#noise-handle', (handle) => handle.ariaValueText);
  await focus(page, '#noise-handle');
  const { x, y, width, height } = (await (await page.$('#noise-field'))!.boundingBox())!;
  // The button that opens a menu moves nothing.
  await page.mouse.move(x + width / 2, y + height / 2);
  await page.mouse.down({ button: 'right' });
  await page.mouse.up({ button: 'right' });
  expect(await place()).toBe('0 % to the right, 0 % down');
  await page.mouse.down();
  await page.mouse.move(x + width, y + height, { steps: 3 });
  await page.mouse.up();
  expect(await place()).toBe('100 % to the right, 100 % down');
  await until(page, () => location.search.includes('&across=100&down=100'));
  await finished(4);

  await click(page, '#compare');
  await until(page, () => document.getElementById('column-right')!.ariaLabel!.endsWith('step 20 of 20'));
  await phase(page, 'idle');
  await page.evaluate(() => document.getElementById('save-columns')!.click());
  await reads(page, 'shared', /^Saved as digits-7-calls-2-calls-40-seed-123\S*\.png\.$/);
});

test('the view of the GPU times a step and its kernels when it is opened, and leads to the list of shaders', async () => {
  const { page } = await driven.visit(`${driven.address}?task=gpu&widths=8`);
  await exist(page, '#gpu-facts .facts');
  await mentions(page, 'gpu-status', 'kernels right on small cases');
  const rows = /^Done: (\d+) rows/.exec((await text(page, 'gpu-status'))!)![1];
  await exist(page, '#bench-table tbody tr', Number(rows));
  expect(await text(page, 'bench-table')).toContain('Network: digits with widths 8; 16 images of 28x28');
  await exist(page, '#bench-plot svg title');
  // The address is as it was.
  expect(await searchOf(page)).toBe('?task=gpu&widths=8');

  await pressOn(page, '#bench-table tr:nth-child(2) .disclose', 'Enter');
  await until(page, () => document.querySelectorAll('#bench-table .token').length > 20);
  expect((await textsOf(page, '#bench-table pre'))[0]).toContain('@compute');
  expect(await violations(page)).toEqual([]);

  // In sight, though the network is drawn above it before it comes.
  await pressOn(page, '#gpu-shaders', 'Enter');
  await exist(page, '#dispatches tbody tr');
  await until(page, () => {
    const { top } = document.getElementById('inside-shaders')!.getBoundingClientRect();
    // Within a pixel, at whose parts a browser does not stop.
    return window.harness.isDrawn && Math.abs(top) < 1;
  });
});

test('words explain themselves on focus and on touch, on a narrow screen, before there is a run', async () => {
  const { page } = await driven.newPage();
  await page.setViewport({ width: 360, height: 740, hasTouch: true, isMobile: true });
  await page.goto(`${driven.address}?task=train`);
  await until(page, () => window.harness?.isDrawn && window.harness.state.phase === 'idle');
  const shows = (words: string) =>
    until(
      page,
      (w) => document.querySelector('#glossary:popover-open')?.textContent?.includes(w) ?? false,
      words,
    );
  const gone = () => until(page, () => document.querySelector('#glossary:popover-open') === null);
  await page.tap('button[data-means="denoise"]');
  await shows('To take noise away');
  await page.touchscreen.tap(1, 400);
  await gone();
  await click(page, '#settings-fold');
  await focus(page, 'button[data-means="learning rate"]');
  await shows('How far a training step moves the parameters');
  const { left, right } = await page.$eval('#glossary', (each) => each.getBoundingClientRect().toJSON());
  expect(left).toBeGreaterThanOrEqual(0);
  expect(right).toBeLessThanOrEqual(360);
  expect(await page.evaluate(() => document.activeElement!.getAttribute('aria-describedby'))).toBe(
    'glossary',
  );
  expect(await violations(page)).toEqual([]);
  await page.keyboard.press('Escape');
  await gone();
});
