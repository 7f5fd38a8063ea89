/**
 * The welcome and the Make view as their visitors meet them: by mouse, by keyboard, without a GPU.
 *
 * @module-tag nightly
 */
import type { Page } from 'puppeteer';
import { expect, test } from 'vitest';
import { violationsEverywhere } from '../../lib/page/axe';
import { drive, inTurns } from '../../lib/page/drive';
import {
  changed,
  click,
  exist,
  focus,
  fromState,
  isHidden,
  isSeen,
  picture,
  pressOn,
  reads,
  searchOf,
  text,
  textsOf,
  type,
  unhidden,
  until,
  workerOf,
} from '../../lib/page/visit';

const driven = drive();

const pressed = (page: Page) => textsOf(page, '#digits [aria-pressed=true]');
/** The steps of an order have all been made, and shown. */
const made = (page: Page, steps: number) =>
  until(
    page,
    (label) =>
      ['idle', 'paused'].includes(window.harness.state.phase) &&
      document.getElementById('frame-label')!.textContent === label,
    `step ${steps} of ${steps}`,
  );

test('the welcome page plays a recording before it asks for a GPU', async () => {
  const { page } = await driven.visit(driven.address);
  await reads(page, 'recorded-making-at', /^step/);
  const worker = await workerOf(page);
  await worker.evaluate(() => {
    const { requestAdapter } = GPU.prototype;
    GPU.prototype.requestAdapter = function (options) {
      Object.assign(globalThis, { asked: true });
      return requestAdapter.call(this, options);
    };
  });
  const asked = () => worker.evaluate(() => 'asked' in globalThis);
  await pressOn(page, '#recorded-play', 'Enter');
  await reads(page, 'recorded-play', 'Play');
  await page.keyboard.press('Enter');
  await reads(page, 'recorded-play', 'Pause');
  expect(await asked()).toBe(false);

  await pressOn(page, '#make-now', 'Enter');
  await reads(page, 'home-status', /^Compiling the shaders: \d+ of \d+$/);
  expect(await asked()).toBe(true);
  expect(await isSeen(page, '#recorded-making')).toBe(true);
  await unhidden(page, 'panel-sample');
  expect(await fromState(page, 'data')).toBeUndefined(); // no digits to train on
  expect(await isHidden(page, 'home')).toBe(true);
  expect(await searchOf(page)).toBe('?task=sample&noise=145');
  await made(page, 4);
  expect(await pressed(page)).toEqual(['all']);

  // The name of the page leads back to the welcome.
  await click(page, '#name');
  await unhidden(page, 'home');
  expect(await violationsEverywhere(page)).toEqual([]);
});

/** It makes at once what its address asks for. */
const makePage = inTurns(() => driven.visit(`${driven.tiny}?task=sample&steps=2&count=10&digit=3&autorun=1`));

test('the pretrained network makes digits to order at once: by button, by key, as a number, with more guidance', async () => {
  const { page } = await makePage();
  await made(page, 2);
  /** The samples that follow from doing something. */
  const following = async (act: () => Promise<unknown>) => {
    const before = await picture(page, 'sample-prediction');
    await act();
    await changed(page, before);
    await made(page, 2);
    return picture(page, 'sample-prediction');
  };
  expect(await pressed(page)).toEqual(['3']);
  const sevens = await following(() => click(page, '#digit-7'));
  expect(await pressed(page)).toEqual(['7']);
  expect(await searchOf(page)).toEqual(expect.stringContaining('digit=7'));
  // By keyboard, from the button that was pressed last.
  const threes = await following(() => page.keyboard.press('3'));
  expect(await pressed(page)).toEqual(['3']);
  expect(threes === sevens).toBe(false);
  await click(page, '#sample-fold');
  await focus(page, '#guidance');
  expect(await following(() => page.keyboard.press('ArrowRight'))).not.toBe(threes);
  expect(await searchOf(page)).toContain('digit=3&guidance=2.25');
  expect(await following(() => page.keyboard.press('ArrowLeft'))).toBe(threes);

  // Four images of the button 7, from the same noise, are the images of the number 7777.
  await type(page, 'count', '4');
  const fours = await following(() => click(page, '#digit-7'));
  await following(() => click(page, '#digit-3'));
  const write = async (words: string) => {
    await page.evaluate(() => Object.assign(document.getElementById('text')!, { value: '' }));
    await page.type('#text', words);
    await page.keyboard.press('Enter');
  };
  expect(await following(() => write('make 7777'))).toBe(fours);
  expect(await pressed(page)).toEqual([]);
  // What is legal follows while it is typed; a text that is no number is not made.
  await following(() => write('20a6'));
  expect(await text(page, 'text-problem')).toBe('There is no class "a"; this network makes 0 to 9.');
  expect(await violationsEverywhere(page)).toEqual([]);
});

test('without WebGPU the page plays a recording and says what to do; with reduced motion it waits for Play', async () => {
  const { page } = await driven.newPage();
  await page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
  await page.evaluateOnNewDocument(() => Object.defineProperty(navigator, 'gpu', { value: undefined }));
  // Whatever the address asks for.
  await page.goto(`${driven.address}?task=train&autorun=1`);
  await reads(page, 'recorded-making-at', 'step 20 of 20');
  expect(await text(page, 'unsupported-title')).toBe('This browser has no WebGPU');
  await exist(page, '#explain-recorded h2');
  expect(await violationsEverywhere(page)).toEqual([]);
  for (const id of ['make-now', 'train-yourself', 'panel-train', 'tab-train'])
    expect(await isSeen(page, `#${id}`), id).toBe(false);
  const still = await picture(page, 'recorded-making');
  await click(page, '#recorded-play');
  await reads(page, 'recorded-making-at', /^step \d of/);
  expect(await picture(page, 'recorded-making')).not.toBe(still);
});
