/** The Explain view and the words that explain themselves, as a reader meets them: by mouse, by keyboard, on a phone, without a GPU. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'puppeteer';
import { expect, test } from 'vitest';
import { violations, violationsEverywhere } from '../axe';
import { drive, inTurns } from '../drive';
import { writePictures } from '../own_pictures';
import {
  apart,
  click,
  drawn,
  exist,
  focus,
  focused,
  go,
  ink,
  mean,
  mentions,
  pause,
  phase,
  pressOn,
  pressStep,
  reads,
  searchOf,
  settingsOf,
  slide,
  steps,
  text,
  trainToEnd,
  type,
  until,
  upload,
} from '../visit';

const driven = drive();

const open = (query: string) => driven.visit(`${driven.address}${query}`);
const explainPage = inTurns(() => open('?task=explain&scene=1'));
/** The ink of a figure's first image. */
const inkOf = (page: Page, figure: number) => ink(page, '.scene figure canvas', figure);
const scene = (page: Page, place: string) =>
  until(page, (p) => document.querySelector('.scene-place')?.firstChild?.textContent === p, place);
const says = (page: Page, words: string) =>
  until(page, (w) => document.querySelector('.scene')!.textContent!.includes(w), words);
/** The network has answered all that was asked. */
const answered = (page: Page) =>
  until(
    page,
    () =>
      document.querySelector('.scene-status')?.textContent === '' &&
      !document.querySelector('.scene')!.textContent!.includes('Recorded'),
  );
const errors = (page: Page) =>
  page.$eval('.errors', (curve) => (curve.ariaLabel!.match(/\d\.\d{3}/g) ?? []).map(Number));
const button = (page: Page, words: string) =>
  page.evaluate((w) => {
    const all = [...document.querySelectorAll<HTMLButtonElement>('.explain button')];
    all.find((each) => each.textContent === w && each.checkVisibility())!.click();
  }, words);

/** Presses an answer of the scene's question. */
const guess = async (page: Page, answer: string) => {
  await button(page, answer);
  await until(
    page,
    (words) => document.querySelector('.guess [aria-pressed=true]')?.textContent === words,
    answer,
  );
};

test('Explain shows its scenes by keyboard, live on the pretrained network, at an address each; axe finds no fault', async () => {
  const { page } = await explainPage();
  await page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
  await scene(page, '2 of 5');
  const back = () => page.$eval('.scene-steps button', (each) => each.textContent);
  expect(await back()).toBe('First scene');
  // The mix is the image where there is no noise, and the noise where there is no image.
  await slide(page, 'explain-t', 0);
  await says(page, '= 1.00 x + 0.00 n');
  expect(apart(await inkOf(page, 2), await inkOf(page, 0))).toBe(0);
  await slide(page, 'explain-t', 100);
  await says(page, '= 0.00 x + 1.00 n');
  expect(apart(await inkOf(page, 2), await inkOf(page, 1))).toBe(0);
  expect(apart(await inkOf(page, 1), await inkOf(page, 0))).toBeGreaterThan(0.2);
  // A guess plays the picture to where the answer can be seen.
  await guess(page, 'Nothing but noise');
  await says(page, 'No: the strokes are still there, under noise.');
  await says(page, '= 0.50 x + 0.50 n');
  // A shader opens in the page; what has no address yet is no link.
  await button(page, 'the shader that mixes them');
  await until(page, () => /fn main/.test(document.querySelector('.scene-source pre')?.textContent ?? ''));
  expect(await page.$$('a[href*="/OWNER/"]')).toEqual([]);
  expect(await violationsEverywhere(page)).toEqual([]);

  await pressOn(page, '.scene-steps .primary', 'Enter');
  await scene(page, '3 of 5');
  expect(await searchOf(page)).toBe('?task=explain&scene=2');
  expect(await back()).toBe('Back');
  await answered(page);
  const [before, after] = await errors(page);
  expect(after).toBeLessThan(before / 2);
  // A clean image asks for no guess; pure noise for the hardest.
  await slide(page, 'explain-level', 0);
  await says(page, 'Without noise there is nothing to guess');
  const [, clean] = await errors(page);
  expect(clean).toBeLessThan(0.001);
  expect(apart(await inkOf(page, 0), await inkOf(page, 3))).toBeLessThan(0.01);
  await slide(page, 'explain-level', 10);
  await says(page, 'the mean of all such digits');
  expect((await errors(page))[1]).toBeGreaterThan(after);
  await slide(page, 'explain-level', 5);
  await guess(page, 'With most noise');
  await says(page, 'Right: its error is largest at t = 1.00.');
  await says(page, 'the mean of all such digits');
  // Another image: the truth changes.
  const truth = await inkOf(page, 3);
  await button(page, '0');
  await exist(page, '.scene canvas[aria-label^="a 0"]');
  await answered(page);
  expect(apart(await inkOf(page, 3), truth)).toBeGreaterThan(0.02);
  expect(await violations(page)).toEqual([]);

  await page.keyboard.press('ArrowRight');
  await scene(page, '4 of 5');
  await answered(page);
  // Where movement is not wanted, it ends at the end at once.
  await says(page, 'this is the sample');
  const made = await inkOf(page, 0);
  expect(apart(made, await inkOf(page, 1))).toBeLessThan(0.02);
  expect(await violations(page)).toEqual([]);
  await slide(page, 'explain-way', 0);
  await says(page, 'moves x 1/20 of the way');
  expect(apart(await inkOf(page, 0), made)).toBeGreaterThan(0.2);
  await button(page, 'Other noise');
  await answered(page);
  await says(page, 'this is the sample');
  expect(apart(await inkOf(page, 0), made)).toBeGreaterThan(0.02);

  await guess(page, 'A smear');
  await says(page, 'Right: it makes a smear, the mean of all that is possible.');
  await says(page, 'moves x 1/20 of the way');

  await page.keyboard.press('ArrowRight');
  await scene(page, '5 of 5');
  await says(page, 'Recorded: a new network learns the digits.');
  expect(mean(await inkOf(page, 0))).toBeGreaterThan(0);
  await guess(page, 'Noise');
  await says(page, 'Right: after step 0 it made noise.');
  expect(await page.$eval('.playback output', (output) => output.textContent)).toBe('0');
  expect(await violationsEverywhere(page)).toEqual([]);

  // The last one. Its links lead on, and the browser leads back.
  await page.keyboard.press('ArrowRight');
  await scene(page, '5 of 5');
  await click(page, '.scene a[data-lead=data-about]');
  await until(page, () => document.activeElement!.id === 'data-about');
  await page.goBack();
  await scene(page, '5 of 5');
  await pressOn(page, '.scene-steps button', 'ArrowLeft');
  await scene(page, '4 of 5');
  expect(await searchOf(page)).toBe('?task=explain&scene=3');
});

test('Explain shows a run in colour with its own classes, and no recorded digit in its place', async () => {
  const folder = join(mkdtempSync(join(tmpdir(), 'explain-')), 'flowers');
  writePictures(folder, { width: 16, height: 16 });
  const { page } = await open('?task=train&recipe=pictures&size=16&batch=4&widths=8&samples=0&epochs=2');
  try {
    await phase(page, 'idle');
    await upload(page, 'folder', folder);
    await until(page, () => window.harness.state.data?.channels === 3);
    await phase(page, 'idle');
    await trainToEnd(page);
    // All that the scenes ever show, also before an answer.
    await page.evaluate(() => {
      const seen = Object.assign(window, { seen: new Set<string>() }).seen;
      const look = () => {
        const pictures = document.querySelector<HTMLElement>('.scene-pictures');
        if (!pictures?.checkVisibility()) return;
        for (const key of pictures.querySelectorAll('.choice button'))
          if (key.checkVisibility()) seen.add(key.textContent!);
        if (document.querySelector('.scene')!.textContent!.includes('Recorded')) seen.add('recorded');
      };
      new MutationObserver(look).observe(document.body, {
        ...{ subtree: true, childList: true, attributes: true, characterData: true },
      });
    });
    await page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
    await go(page, 'explain');
    await scene(page, '1 of 5');
    for (const [place, words] of [
      ['2 of 5', undefined],
      ['3 of 5', 'It knows which class to look for.'],
      ['4 of 5', 'it knows: poppy'],
    ] as const) {
      await button(page, 'Next');
      await scene(page, place);
      if (!words) await page.evaluate(() => (window as never as { seen: Set<string> }).seen.clear());
      else {
        await until(page, () => document.querySelector('.scene-pictures')!.checkVisibility());
        await answered(page);
        await button(page, 'poppy');
        await says(page, words);
        await says(page, 'after step 6');
        await until(
          page,
          () => document.querySelector('.choice [aria-pressed=true]')!.textContent === 'poppy',
        );
        const keys = await page.$$eval('.scene-pictures .choice button', (all) =>
          all
            .filter((key) => key.checkVisibility())
            .map((key) => [key.textContent, key.scrollWidth <= key.clientWidth]),
        );
        expect(keys).toEqual([
          ['poppy', true],
          ['רקפת', true],
        ]);
        expect(await violations(page)).toEqual([]);
      }
    }
    await button(page, 'Next');
    await says(page, 'Your run, at step 6.');
    await exist(page, '.scene canvas[aria-label^="11 pictures from noise"]');
    // Samples are switched off, and the recorded ones are of digits.
    expect(await page.$eval('.guess', (each) => each.checkVisibility())).toBe(false);
    const seen = await page.evaluate(() => [...(window as never as { seen: Set<string> }).seen]);
    expect(seen.sort()).toEqual(['poppy', 'רקפת']);
  } finally {
    rmSync(join(folder, '..'), { recursive: true });
  }
});

test('Draw says when the network of the run takes over, and takes it at the end of a short run', async () => {
  const { page } = await open(
    '?task=train&recipe=digits-3x3&batch=4&limit=8&holdout=0&widths=8&samples=0&epochs=3',
  );
  await phase(page, 'idle');
  await pressStep(page);
  await steps(page, 1);
  await go(page, 'draw');
  const said = (words: string) => reads(page, 'draw-model', words);
  await said(
    'The pretrained network, after 340,000 images. This page’s run takes over after step 6; choose it to draw with it now.',
  );
  await go(page, 'train');
  await trainToEnd(page);
  await go(page, 'draw');
  await said('This page’s run, step 6');
  await go(page, 'train');
  expect(await text(page, 'train')).toBe('Train as long again');
  await click(page, '#train');
  await steps(page, 12);
  await phase(page, 'finished');
  expect((await settingsOf(page)).epochs).toBe(6);
});

test('Draw keeps the pretrained network at first, and the second scene of Explain follows the run as it learns', {
  tags: 'thorough',
}, async () => {
  const { page } = await open(
    '?task=train&recipe=digits-3x3&batch=4&limit=1000&widths=8&samples=0&epochs=10000',
  );
  await phase(page, 'idle');
  await pressStep(page);
  await steps(page, 1);
  await go(page, 'draw');
  const said = (words: string) => mentions(page, 'draw-model', words);
  await said('The pretrained network, after 340,000 images. This page’s run takes over after step 300');
  await click(page, '#draw-use-run');
  await said('This page’s run, step 1');

  await go(page, 'train');
  await click(page, '#train');
  await steps(page, 2);
  await go(page, 'explain');
  await scene(page, '1 of 5');
  await button(page, 'Next');
  await scene(page, '2 of 5');
  await button(page, 'Next');
  await until(
    page,
    () => document.querySelector('.scene-network')?.textContent?.includes('after step') ?? false,
  );
  await answered(page);
  const words = () => page.$eval('.scene-network', (network) => network.textContent);
  const at = await words();
  await until(page, (w) => document.querySelector('.scene-network')!.textContent !== w, at);
  await go(page, 'train');
  await pause(page);
});

test('doors lead to views, on the narrowest screen too; focus, titles and Back follow', async () => {
  const { page } = await explainPage();
  await go(page, 'explain');
  const place = await page.$eval('.scene-place', (all) => all.firstChild!.textContent!);
  const links = () =>
    page.$$eval('#doors a', (all) => {
      const seen = all.filter((link) => link.checkVisibility());
      for (const link of seen) {
        const { left, right } = link.getBoundingClientRect();
        if (left < 0 || right > innerWidth) throw new Error(`${link.id} is out of sight`);
      }
      return seen.map((link) => [link.textContent, link.ariaCurrent].filter(Boolean).join(' '));
    });
  const at = async (title: string) => {
    await until(page, (words) => document.title.startsWith(`${words} ·`), title);
    return page.evaluate(() => [
      document.activeElement!.id,
      document.getElementById('view-title')!.textContent,
    ]);
  };
  for (const width of [360, 320]) {
    await page.setViewport({ width, height: 740 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(
      0,
    );
    expect(await links()).toEqual(['Play', 'Learn true', 'Train', 'Explain page', 'Inside', 'GPU']);
  }
  await pressOn(page, '#tab-inside', 'Enter');
  expect(await at('Inside')).toEqual(['tab-inside', 'Inside']);
  await focus(page, '#tab-gpu');
  // What happens meanwhile leaves the focus where it is.
  await type(page, 'seed', '123');
  await drawn(page);
  expect(await focused(page)).toBe('tab-gpu');
  await page.keyboard.press('Enter');
  expect(await at('GPU')).toEqual(['tab-gpu', 'GPU']);
  expect(await links()).toEqual(['Play', 'Learn', 'Train', 'GPU page']);
  // A door opens what was last open behind it.
  await pressOn(page, '#door-learn', 'Enter');
  expect(await at('Inside')).toEqual(['door-learn', 'Inside']);
  await page.goBack();
  expect(await at('GPU')).toEqual(['tab-gpu', 'GPU']);
  await page.goBack();
  expect(await at('Inside')).toEqual(['tab-inside', 'Inside']);
  await page.goBack();
  expect(await at('Explain')).toEqual(['tab-explain', 'Explain']);
  await scene(page, place);
  await pressOn(page, '#tab-train', 'Enter');
  expect(await at('Train')).toEqual(['tab-train', 'Train']);
  await page.goBack();
  expect(await at('Explain')).toEqual(['tab-explain', 'Explain']);
});

test('words explain themselves on focus, hover and touch, on the narrowest screen too; axe finds nothing wrong with them', async () => {
  const { page } = await explainPage();
  await go(page, 'train');
  const box = () =>
    page.$eval('#glossary', (element) => {
      const { left, right, top, bottom } = element.getBoundingClientRect();
      return { left, right, top, bottom, text: element.textContent, shown: element.checkVisibility() };
    });
  const shows = (words: string) =>
    until(
      page,
      (w) => document.querySelector('#glossary:popover-open')?.textContent?.includes(w) ?? false,
      words,
    );
  const gone = () => until(page, () => document.querySelector('#glossary:popover-open') === null);
  await page.setViewport({ width: 320, height: 640 });
  // The browser lays it out anew by and by.
  await until(page, () => innerWidth === 320 && document.documentElement.scrollWidth <= innerWidth);
  await click(page, '#settings-fold');
  await focus(page, 'button[data-means="learning rate"]');
  await shows('How far a training step moves the parameters');
  const { left, right, top, bottom } = await box();
  expect(left).toBeGreaterThanOrEqual(0);
  expect(right).toBeLessThanOrEqual(320);
  expect(top).toBeGreaterThanOrEqual(0);
  expect(bottom).toBeLessThanOrEqual(640);
  expect(await page.evaluate(() => document.activeElement!.getAttribute('aria-describedby'))).toBe(
    'glossary',
  );
  await page.keyboard.press('Escape');
  await gone();
  // The label is still the field's.
  expect(await page.$eval('#epochs', (input) => (input as HTMLInputElement).labels![0].textContent)).toBe(
    'Epochs',
  );

  await page.setViewport({ width: 1280, height: 800 });
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  await page.hover('button[data-means="denoise"]');
  await shows('To take noise away');
  await page.hover('#glossary');
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect((await box()).shown).toBe(true);
  await page.hover('#train');
  await gone();

  await go(page, 'explain');
  await until(page, () => Boolean(document.querySelector('.scene-head h2')?.textContent));
  await focus(page, '.explain .term');
  await exist(page, '#glossary:popover-open');
  expect(await violationsEverywhere(page)).toEqual([]);

  await go(page, 'train');
  // The browser loads the page anew for this.
  await page.setViewport({ width: 360, height: 740, hasTouch: true, isMobile: true });
  await until(page, () => window.harness?.isDrawn && window.harness.state.phase === 'idle');
  await page.tap('button[data-means="denoise"]');
  await shows('To take noise away');
  await page.touchscreen.tap(1, 400);
  await gone();
});

test('without a GPU the scenes of Explain show a recording, and say so', async () => {
  const { page } = await driven.newPage();
  await page.evaluateOnNewDocument(() => Object.defineProperty(navigator, 'gpu', { value: undefined }));
  await page.goto(`${driven.address}?task=explain&scene=2`);
  await scene(page, '1 of 5');
  await button(page, 'Next');
  await scene(page, '2 of 5');
  await slide(page, 'explain-t', 100);
  await says(page, '= 0.00 x + 1.00 n');
  for (const [place, words] of [
    ['3 of 5', 'Recorded, as there is no GPU here'],
    ['4 of 5', 'Recorded, as there is no GPU here'],
    ['5 of 5', 'Recorded: a new network learns the digits.'],
  ]) {
    await button(page, 'Next');
    await scene(page, place);
    await says(page, words);
    expect((await inkOf(page, 0)).some((each) => each > 0.5)).toBe(true);
  }
  await guess(page, 'Blots');
  await says(page, 'No: after step 0 it made noise.');
  expect(await violations(page)).toEqual([]);
});
