/** The Inside view, used as a person would: an image, noise, a layer, a step in slow motion, a shader. */
import type { Page } from 'puppeteer';
import { expect, test } from 'vitest';
import { violationsEverywhere } from '../axe';
import { drive, inTurns } from '../drive';
import {
  click,
  countOf,
  focus,
  focused,
  hidden,
  labelOf,
  phase,
  pressOn,
  pressOnTrain,
  setting,
  steps,
  text,
  textsOf,
  type,
  unhidden,
  until,
} from '../visit';

const driven = drive();

const saying = (page: Page, id: string, words: string) =>
  until(page, (i, w) => document.getElementById(i)!.textContent!.includes(w), id, words);

/** What a canvas shows, as a number that another picture does not have. */
const shown = (page: Page, selector: string) =>
  page.$eval(selector, (canvas) => {
    const { width, height } = canvas as HTMLCanvasElement;
    const { data } = (canvas as HTMLCanvasElement).getContext('2d')!.getImageData(0, 0, width, height);
    return data.reduce((hash, byte, i) => (hash * 31 + byte * (i % 251)) | 0, width);
  });

/** Presses a part of the drawing, by the keyboard. */
async function open(page: Page, name: string) {
  await page.evaluate((n) => {
    const all = [...document.querySelectorAll<HTMLButtonElement>('#inside-net button')];
    all.find((b) => b.querySelector('.net-name')!.textContent === n)!.focus();
  }, name);
  await page.keyboard.press('Enter');
}

/** The picture of a part of the drawing. */
const drawn = async (page: Page, name: string) => {
  const at = await page.$$eval(
    '#inside-net .net-name',
    (all, n) => all.findIndex((e) => e.textContent === n),
    name,
  );
  return shown(page, `#inside-net > .net-part:nth-of-type(n):nth-child(${at + 2}) canvas`);
};

const FEW = 'epochs=2000&batch=4&limit=16&widths=8&samples=0&refresh=1';
const inTurn = inTurns(() => driven.visit(`${driven.address}?task=inside&${FEW}`));

test('Inside shows the pretrained network before anything is trained, and axe finds nothing wrong', async () => {
  const { page } = await inTurn();
  await page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
  await saying(page, 'inside-status', 'The pretrained network, after 340,000 images');
  const names = await textsOf(page, '#inside-net .net-name');
  expect(names).toEqual([
    ...['noisy', 'level, class', 'down.0', 'down.1', 'down.2', 'up.0', 'up.1', 'up.2', 'prediction'],
  ]);

  // Another level of noise: other maps, and another prediction.
  const before = [await drawn(page, 'noisy'), await drawn(page, 'up.1'), await drawn(page, 'prediction')];
  await focus(page, '#inside-level');
  for (let i = 0; i < 3; i++) await page.keyboard.press('PageDown');
  await until(page, () => Number((document.getElementById('inside-level') as HTMLInputElement).value) < 60);
  await expect
    .poll(
      async () => [await drawn(page, 'noisy'), await drawn(page, 'up.1'), await drawn(page, 'prediction')],
      {
        timeout: 60_000,
      },
    )
    .toSatisfy((now: number[]) => now.every((hash, i) => hash !== before[i]));

  // A layer opens.
  await open(page, 'down.1');
  await saying(page, 'part-title', 'down.1');
  expect(await text(page, 'part-about')).toContain('5×5 convolution from 32 maps to 64, then swish');
  expect(await text(page, 'part-scale')).toContain('64 maps of 14×14');
  await pressOn(page, '#part-slider', 'End');
  expect(await text(page, 'part-facts')).toMatch(/^Map 64 of 64: −?[\d.]+ to −?[\d.]+, mean/);

  // A pixel of it opens, moves and leads to the layer before.
  await pressOn(page, '#part-pixel', 'Enter');
  await saying(page, 'pixel-title', 'down.1: map 64, row 8, column 8');
  const [products, bias, ofImage, wanted, stored] = await page.$$eval('#pixel-total td', (all) =>
    all.map((td) => Number(td.textContent!.replace('−', '-'))),
  );
  expect(products + bias + ofImage).toBeCloseTo(wanted, 5);
  expect(Math.abs(stored - wanted)).toBeLessThan(1e-3);
  expect(await countOf(page, '#pixel-products td')).toBe(25);
  expect(await text(page, 'pixel-lines')).toMatch(/^pv3 \+= p \* v\[3\];\noutput\[at\] = .*image_bias/);
  for (let i = 0; i < 8; i++) await page.keyboard.press('ArrowUp');
  await saying(page, 'pixel-title', 'row 1, column 8');
  expect(await countOf(page, '#pixel-window .outside')).toBe(10);
  await click(page, '#pixel-before');
  await saying(page, 'pixel-title', 'down.0: map 1, row ');
  expect(await text(page, 'part-title')).toBe('down.0');
  await open(page, 'down.1');

  // A step, stage by stage.
  await pressOn(page, '#slow-make', 'Enter');
  await unhidden(page, 'stage');
  expect(await focused(page)).toBe('slow-make');
  for (const [stage, words, lit] of [
    ['corrupt', 'images are mixed with noise', ['noisy']],
    [
      'forward',
      'its guess at the direction from the image to the noise',
      ['level, class', 'down.0', 'down.1', 'down.2', 'up.0', 'up.1', 'up.2'],
    ],
    ['loss', 'images, is 0.', ['up.2', 'prediction']],
    ['backward', 'its norm is 0.', ['level, class', 'down.0', 'down.1', 'down.2', 'up.0', 'up.1', 'up.2']],
    [
      'update',
      'at the learning rate 0.003',
      ['level, class', 'down.0', 'down.1', 'down.2', 'up.0', 'up.1', 'up.2'],
    ],
  ] as const) {
    await click(page, `#stage-${stage}`);
    expect(await text(page, 'stage-text')).toContain(words);
    expect(await textsOf(page, '#inside-net .lit .net-name')).toEqual(lit);
    expect(await page.$$eval('.stages [aria-current]', (all) => all.map((e) => e.id))).toEqual([
      `stage-${stage}`,
    ]);
  }
  await click(page, '#part-gradient');
  expect(await labelOf(page, 'part-grid')).toContain('Gradients of the loss of down.1');
  expect(await countOf(page, '#inside-norms dt')).toBe(8);

  // The dispatches, and the sources of one.
  await click(page, '#inside-list summary');
  await until(page, () => document.querySelectorAll('.disclose').length > 40);
  expect(await text(page, 'dispatches-about')).toMatch(
    /^\d+ dispatches for 4 images, with the usual kernels/,
  );
  await page.evaluate(() => {
    const all = [...document.querySelectorAll<HTMLButtonElement>('.disclose')];
    all.find((b) => b.textContent === 'swish_max_pool')!.click();
  });
  await until(page, () => document.querySelectorAll('.source-text .token').length > 50);
  const [wgsl, reference] = await textsOf(page, '.source-text pre');
  expect(wgsl).toContain('@compute @workgroup_size');
  expect(wgsl).toContain('//');
  expect(reference).toContain('export const reference');
  expect(await text(page, 'dispatches')).toMatch(/Shape: .*height \d+, .*batch 4/);
  // With all that can be open.
  expect(await violationsEverywhere(page)).toEqual([]);

  // How long they take; anything else that is asked for comes first.
  await click(page, '#dispatches-time');
  await saying(page, 'dispatches-timed', 'Timed ');
  const timed = await textsOf(page, '#dispatches td:last-child');
  expect(Number(timed[0])).toBeGreaterThan(0);
  await click(page, '#inside-choices button');
  await saying(page, 'dispatches-timed', 'Stopped after ');
  await hidden(page, 'stage');
  // The narrowest screen.
  await page.setViewport({ width: 320, height: 700 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0);
});

test('Inside shows the network of the run, whose kernels change while it learns, and the run goes on', async () => {
  const { page } = await inTurn();
  // Few steps of many images.
  await type(page, 'batch', '64');
  await setting(page, 'limit', '128');
  await setting(page, 'model', 'run');
  await saying(page, 'inside-status', 'An untrained network');
  const kernels = await shown(page, '#inside-kernels');
  await pressOnTrain(page, 'train');
  await steps(page, 30);
  // As if three seconds had passed, after which the page looks again.
  await page.evaluate(() => {
    const now = performance.now.bind(performance);
    performance.now = () => now() + 3000;
  });
  await expect.poll(() => shown(page, '#inside-kernels'), { timeout: 60_000 }).not.toBe(kernels);
  await saying(page, 'inside-norms-of', 'of step');
  const at = await page.evaluate(() => window.harness.state.losses.length);
  await steps(page, at + 5);
  await pressOnTrain(page, 'train');
  await phase(page, 'paused');
  // Paused, what is shown is the network as it is.
  await until(page, () => {
    const now = window.harness.state.losses.length.toLocaleString('en-US');
    return document.getElementById('inside-norms-of')!.textContent === `of step ${now}`;
  });
});
