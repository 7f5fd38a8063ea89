/**
 * What the Train view measures while it trains, a time that is set, and the table of runs.
 *
 * @module-tag nightly
 */
import { join } from 'node:path';
import type { Page } from 'puppeteer';
import { expect, test } from 'vitest';
import { loadImages } from '../../../harness/cli/images';
import { readNpy } from '../../../harness/pictures/npy';
import { FEW } from '../../../harness/studies/shapes';
import { LEAST_STEPS } from '../../../src/keeping/store';
import { takesLong } from '../../lib/lanes/limits';
import { violations } from '../../lib/page/axe';
import { drive, inTurns } from '../../lib/page/drive';
import {
  click,
  dropFolder,
  exist,
  files,
  fromState,
  go,
  hidden,
  isSeen,
  labelOf,
  losses,
  mentions,
  offered,
  pause,
  phase,
  pressOn,
  reads,
  reset,
  root,
  saidBy,
  searchOf,
  setting,
  settingsOf,
  steps,
  TINY,
  text,
  trainToEnd,
  type,
  until,
  type Visited,
} from '../../lib/page/visit';

/** A tenth of the 160 digits is held out. */
const RUN = '?batch=8&limit=160&widths=8&samples=10&epochs=2000';

const driven = drive();

const inTurn = inTurns(() => driven.visit(`${driven.address}${RUN}`));
/** The page without any run, and with these settings. */
async function withoutRuns(settings: Readonly<Record<string, string>>): Promise<Visited> {
  const visited = await inTurn();
  const { page } = visited;
  await until(page, () => window.harness.state.data !== undefined);
  if ((await losses(page)).length > 0) await click(page, '#reset');
  await phase(page, 'idle');
  await until(page, () => {
    const buttons = [...document.querySelectorAll<HTMLButtonElement>('#runs-body button')];
    buttons.find(({ textContent, disabled }) => textContent === 'Remove' && !disabled)?.click();
    return document.querySelectorAll('#runs-body tr').length === 0;
  });
  for (const [key, value] of Object.entries(settings)) await setting(page, key, value);
  return visited;
}

/** In a browser's storage of its own. */
const open = (query: string) => driven.visitAlone(`${driven.address}${query}`);

/** Presses a button as soon as it can be pressed. */
const pressWhenOn = (page: Page, id: string) =>
  until(
    page,
    (name) => {
      const button = document.getElementById(name) as HTMLButtonElement;
      if (button.disabled || button.ariaDisabled === 'true' || button.hidden) return false;
      button.click();
      return true;
    },
    id,
  );

/** The rows of the table, cell by cell. */
const rows = (page: Page) =>
  page.$$eval('#runs-body tr', (all) =>
    all.map((row) => [...(row as HTMLTableRowElement).cells].map((cell) => cell.textContent)),
  );
/** Presses a button of a row once it can be pressed: the table is drawn a frame after the state. */
const pressIn = (page: Page, row: number, name: string) =>
  until(
    page,
    (at, word) => {
      const cells = document.querySelectorAll('#runs-body tr')[at];
      const button = [...(cells?.querySelectorAll('button') ?? [])].find((each) =>
        each.textContent!.startsWith(word),
      );
      if (!button || button.disabled || button.ariaDisabled === 'true') return false;
      button.click();
      return true;
    },
    row,
    name,
  );

test('a run shows its held-out loss, also by noise level, the share of accepted samples, and changes of its rate', async () => {
  const { page } = await inTurn();
  await phase(page, 'idle');
  expect(await text(page, 'data-name')).toBe('160 of MNIST’s digits');
  await click(page, '#train');
  await until(page, () => window.harness.state.measured.heldOut.length > 0);
  await type(page, 'lr', '0.001');
  await until(page, () => window.harness.state.measured.rates.length === 1);
  await pause(page);
  await click(page, '#measure-quality');
  await until(page, () => window.harness.state.measured.quality.length === 1);
  const measuredAt = (await losses(page)).length;
  await reads(page, 'quality-at', `after step ${measuredAt}`);
  const [quality] = (await fromState(page, 'measured')).quality;
  expect(quality).toMatchObject({ step: measuredAt, samples: 100 });
  // The classifier is right on 99 % of them; of a network that has just begun it accepts fewer.
  expect(quality.real).toBeGreaterThan(0.95);
  expect(quality.accepted).toBeLessThan(0.9);
  // Both are measured again at the end.
  await type(page, 'epochs', String(Math.ceil(measuredAt / 18) + 2));
  await trainToEnd(page);
  await until(
    page,
    (n) => window.harness.state.measured.heldOut.at(-1)?.step === n,
    (await losses(page)).length,
  );
  const { heldOut, rates } = await fromState(page, 'measured');
  expect(await fromState(page, 'run')).toMatchObject({ images: 144, held: 16 });
  const [first, last] = [heldOut[0], heldOut[heldOut.length - 1]];
  expect(last.images).toBe(16);
  expect(last.bins).toHaveLength(10);
  expect(last.loss).toBeLessThan(first.loss);
  const done = await losses(page);
  expect(rates).toEqual([{ step: expect.any(Number), lr: 0.001, before: 0.003 }]);
  expect(rates[0].step).toBeLessThanOrEqual(done.length);
  await reads(page, 'held-out-at', /^\d\.\d{4} after step \d+$/);
  // Drawn in the next frame.
  await expect
    .poll(() => labelOf(page, 'curve'), { timeout: 60_000 })
    .toContain(`; held out ${last.loss.toFixed(4)}; learning rate 0.001 after step ${rates[0].step}`);
  const bars = await page.$$eval('#noise-bars li', (all) =>
    all.map((item) => [item.textContent!, (item.querySelector('.now') as HTMLElement).offsetHeight] as const),
  );
  expect(bars).toHaveLength(10);
  for (const [i, loss] of last.bins.entries()) {
    expect(bars[i][0]).toContain(
      `noise ${i / 10} to ${(i + 1) / 10}: ${loss === null ? '–' : loss.toPrecision(2)}`,
    );
    if (loss === null) expect(bars[i][1]).toBe(0);
    else expect(bars[i][1]).toBeGreaterThan(0);
  }
  // The samples over the run, played and saved.
  const newest = `after step ${done.length}`;
  await reads(page, 'grid-step', newest);
  const said = await saidBy(page, 'grid-step');
  await click(page, '#grid-play');
  await reads(page, 'grid-play', 'Stop');
  await reads(page, 'grid-play', 'Play');
  const played = await said();
  expect(played[0]).toBe('after step 1');
  expect(played.at(-1)).toBe(newest);
  // A file that cannot be made says so, and the next press makes it.
  await page.evaluate(() => {
    URL.createObjectURL = () => {
      throw new Error('no room');
    };
  });
  await click(page, '#save-history');
  await mentions(page, 'notices', 'The file could not be made: no room');
  const { save, read } = await files(page);
  const gif = await read(await save('save-history'));
  expect(Buffer.from(gif.subarray(0, 6)).toString()).toBe('GIF89a');
  // The same pictures as numbers, and the first row of each in one.
  const png = await save('save-history-png');
  const size = await page.evaluate(async (at) => {
    const { width, height } = await createImageBitmap(window.blobs[at]);
    return { width, height };
  }, png);
  const { shape, values } = readNpy(await read(await save('save-history-npy')), 'run.npy');
  expect(shape.slice(1)).toEqual([10, 28, 28]);
  expect(shape[0]).toBeGreaterThan(1);
  expect(Math.max(...Array.from(values))).toBeGreaterThan(100);
  // Ten samples stand in two rows of five.
  expect(size).toEqual({ width: 4 + 5 * 60, height: 4 + shape[0] * 60 });

  expect(await violations(page)).toEqual([]);
  // A continued run has all of that behind it.
  await until(page, () => window.harness.state.measured.quality.length === 2);
  await type(page, 'epochs', '2000');
  const before = await fromState(page, 'measured');
  await pressWhenOn(page, 'put-aside');
  await until(page, () => window.harness.state.kept.length === 1 && !window.harness.state.run);
  expect(await fromState(page, 'measured')).toMatchObject({ heldOut: [], quality: [], rates: [] });
  await pressIn(page, 0, 'Go on');
  await steps(page, done.length + 1);
  const after = await fromState(page, 'measured');
  expect(after.heldOut.slice(0, before.heldOut.length)).toEqual(before.heldOut);
  expect(after.quality).toEqual(before.quality);
  expect(after.rates).toEqual(before.rates);
  expect(after.secondsBefore).toBeGreaterThan(0);
});

test('a run in minutes ends with its plan, trains on with another plan, and keeps both out of the address', {
  tags: 'nightly',
}, async () => {
  const query = '?seed=1&widths=4,8&limit=200&autorun=1';
  const { page } = await open(query);
  await until(page, () => window.harness.state.phase === 'finished');
  const first = await losses(page);
  const ofPlan = () => page.evaluate(() => window.harness.state.planned!);
  const { plan } = await ofPlan();
  // 180 images train: 300 updates are more than 100 passes.
  expect(plan).toMatchObject({ batch: 16, steps: 1125 });
  expect(first).toHaveLength(plan.steps!);
  expect(await text(page, 'status-text')).toBe('Finished. Train on plans further steps');
  expect(await text(page, 'reading-step')).toBe('1,125 / 1,125');
  expect(await searchOf(page)).toBe(query);
  expect(await settingsOf(page)).toMatchObject({
    batch: 16,
    samples: 10,
    minutes: 0,
  });
  expect(await text(page, 'train')).toBe('Train on');
  await click(page, '#train');
  await steps(page, plan.steps! + 20);
  await pause(page);
  const { plan: further } = await ofPlan();
  expect(further).toMatchObject({ batch: 16, steps: 2250 });
  expect((await settingsOf(page)).lr).toBe(1e-3);
  expect((await fromState(page, 'measured')).rates).toMatchObject([{ step: 1125, lr: 1e-3, before: 3e-3 }]);
  expect((await losses(page)).slice(0, plan.steps!)).toEqual(first);
  expect(await searchOf(page)).toBe(query);
  await reset(page);
  expect(await settingsOf(page)).toMatchObject({
    batch: 64,
    epochs: 6,
    lr: 3e-3,
  });
});

test('training stops when the time is up, with the run whole, and goes on for the same time again', {
  tags: 'nightly',
}, async () => {
  const { page } = await open(`?recipe=tutorial&${TINY}&epochs=10000&minutes=0.03&autorun=1`);
  await reads(page, 'status-text', /^The time is up/);
  const first = await losses(page);
  expect(first.length).toBeGreaterThan(0);
  const { clock } = await fromState(page, 'measured');
  expect(clock!.press).toBeGreaterThan(0.5);
  await until(page, () => window.harness.state.stored === window.harness.state.losses.length);
  await click(page, '#train');
  // The page may still say it of the time before.
  await steps(page, first.length + 1);
  await phase(page, 'paused');
  await reads(page, 'status-text', /^The time is up/);
  const all = await losses(page);
  expect(all.length).toBeGreaterThan(first.length);
  expect(all.slice(0, first.length)).toEqual(first);
  await type(page, 'minutes', '-1');
  expect(await text(page, 'settings-problem')).toBe(
    'Minutes is -1; it must be a number from 0.01 to 10,000, or empty for no limit.',
  );
});

/** The page draws what has changed with its next frame, which a busy machine makes late. */
const LATER = { timeout: 60_000 };

/** Whether the curve has points of a colour of the style sheet. */
const drawnIn = (page: Page, name: string) =>
  page.evaluate((n) => {
    const hex = getComputedStyle(document.documentElement).getPropertyValue(n).trim();
    const wanted = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
    const canvas = document.querySelector<HTMLCanvasElement>('#curve canvas')!;
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    for (let at = 0; at < data.length; at += 4)
      if (data[at + 3] === 255 && wanted.every((value, i) => Math.abs(data[at + i] - value) < 3)) return true;
    return false;
  }, name);

test('runs are compared in a table: put aside, drawn beside another, continued, removed', async () => {
  const { page } = await withoutRuns({ lr: '0.01', seed: '123' });
  expect(await isSeen(page, '#runs')).toBe(false);
  await click(page, '#train');
  await steps(page, 60);
  await until(page, () => window.harness.state.stored > 0);
  await until(page, () => localStorage.getItem('webgpu-diffusion-run-notes')!.includes('"sample":"'));
  await pressWhenOn(page, 'put-aside');
  await until(page, () => window.harness.state.kept.length === 1 && !window.harness.state.run);
  const [kept] = await page.evaluate(() => window.harness.state.kept.map(({ step }) => step));
  await expect
    .poll(async () => (await rows(page)).map((row) => row.slice(0, 4)), LATER)
    .toEqual([
      [expect.stringMatching(/^the digitsstep \d+, \d\d:\d\d$/), 'digits', 'new weights', String(kept)],
    ]);

  // Its sample; a canvas with nothing is 300 pixels wide.
  await until(page, () => document.querySelector<HTMLCanvasElement>('#runs-body .kept canvas')!.width < 300);

  // Another one, with another seed, and both on the curve.
  await type(page, 'seed', '7');
  await click(page, '#train');
  await steps(page, 20);
  await until(page, () => /^\d+ % · Train · /.test(document.title));
  // A tab behind another one trains on, draws nothing, and its title says what it does.
  const front = await driven.context.newPage();
  await until(page, () => document.hidden);
  await steps(page, (await losses(page)).length + 3);
  await pause(page);
  await until(page, () => document.title.startsWith('Train · '));
  expect(await page.evaluate(() => document.hidden)).toBe(true);
  await front.close();
  await page.bringToFront();
  const own = (await losses(page)).length;
  await expect
    .poll(async () => (await rows(page)).map((row) => [row[0], row[3]]), LATER)
    .toEqual([
      [expect.stringMatching(/^This run/), String(own)],
      [expect.stringMatching(/^the digits/), String(kept)],
    ]);
  await expect.poll(() => drawnIn(page, '--run-0'), LATER).toBe(false);
  await click(page, '#runs-body input');
  await exist(page, '#runs-body .swatch.run-0');
  await expect.poll(() => drawnIn(page, '--run-0'), LATER).toBe(true);

  // While a check has the GPU, nothing is trained or measured beside it.
  await go(page, 'gpu');
  await click(page, '#check-run');
  await go(page, 'train');
  await reads(page, 'status-text', 'The check has the GPU');
  await pressIn(page, 1, 'Go on');
  await mentions(page, 'notices-list', 'The check has the GPU');
  expect(await page.$eval('#measure-quality', (each) => each.matches(':disabled'))).toBe(true);
  await click(page, '#notices-close');
  await go(page, 'gpu');
  await click(page, '#check-run');
  await go(page, 'train');

  // The first one goes on; the second is put aside for it.
  await pressIn(page, 1, 'Go on');
  await until(page, () => window.harness.settings.seed === 123);
  await steps(page, kept + 1);
  await until(page, () => window.harness.state.kept.length === 1);
  await until(page, () => document.querySelector('#runs-body .swatch.run-0') === null);
  await expect.poll(() => drawnIn(page, '--run-0'), LATER).toBe(false);

  // What is reset leaves its losses here until it is removed.
  await click(page, '#reset');
  await until(page, () => window.harness.state.losses.length === 0);
  await until(page, () => document.querySelector('#runs-body tr th')!.textContent!.includes('reset'));
  await expect
    .poll(async () => (await rows(page)).map((row) => row[3]), LATER)
    .toEqual([expect.any(String), String(own)]);
  await pressIn(page, 0, 'Remove');
  await exist(page, '#runs-body input', 1);
  await pressIn(page, 0, 'Remove');
  await until(page, () => window.harness.state.kept.length === 0);
  await hidden(page, 'runs');
});

test('the recipes are radio cards: arrows choose, and digits-3x3 trains on letters, is kept as such, and goes on', async () => {
  const few = { batch: '4', limit: '18', samples: '0', lr: '0.01', epochs: '5', seed: '123' };
  const { page } = await withoutRuns(few);
  await click(page, '#settings-fold');
  const card = () => isSeen(page, '#card-digits-3x3');
  await pressOn(page, '#recipe-tutorial', 'ArrowDown');
  await until(page, () => location.search.includes('recipe=pictures'));
  // Its card is there for whom an address brings it.
  expect(await card()).toBe(false);
  await setting(page, 'recipe', 'digits-3x3');
  await until(page, () => document.querySelector<HTMLInputElement>('#recipe-digits-3x3')!.checked);
  expect(await card()).toBe(true);
  await click(page, '#use-letters');
  await until(page, () => window.harness.state.data?.classNames?.[25] === 'Z');
  await reads(page, 'data-name', /^Letters A to Z: 18 letters/);
  await trainToEnd(page);
  // Two images of each epoch are left out.
  expect(await losses(page)).toHaveLength(LEAST_STEPS);
  await until(page, (n) => window.harness.state.stored === n, LEAST_STEPS);
  await page.reload();
  await offered(page, 'Go on with the letters');
  expect(await text(page, 'runs-body')).toContain('digits-3x3');
  // Whatever is chosen by then.
  await click(page, '#recipe-digits');
  await click(page, '#runs-body .kept button');
  await until(page, (n) => window.harness.state.losses.length === n, LEAST_STEPS);
  expect((await settingsOf(page)).recipe).toBe('digits-3x3');
  expect(await page.evaluate(() => window.harness.state.data!.letters)).toBe(true);
  await until(page, () => document.querySelector<HTMLInputElement>('#recipes :checked')!.disabled);
});

/** The mean colour of each of some images, [count][pixels][3]. */
const meansOf = (bytes: ArrayLike<number>, pixels: number) =>
  Array.from({ length: bytes.length / (3 * pixels) }, (_, i) =>
    [0, 1, 2].map((c) => {
      let sum = 0;
      for (let k = 0; k < pixels; k++) sum += bytes[3 * (i * pixels + k) + c];
      return sum / pixels;
    }),
  );

/** Trains on what is dropped, 38 epochs of 8 updates, by a drop and a press. Returns the mean colours of 40 samples, and of the classes. */
async function trained(path: string, data: object) {
  const { page } = await open('?task=train&widths=16,16&batch=64&epochs=38&samples=40');
  await phase(page, 'idle');
  await dropFolder(page, join(root, path));
  await until(page, () => window.harness.state.data?.count === 600);
  expect(await fromState(page, 'data')).toMatchObject({
    ...{ height: 24, width: 24, channels: 3, notes: [] },
    ...data,
  });
  await click(page, '#train');
  // In waits of a time limit each: a software adapter that others use, too, makes an update a second.
  for (const count of [100, 200, 300]) await steps(page, count);
  await phase(page, 'finished');
  const done = (await losses(page)).length;
  expect(done).toBe(304);
  await reads(page, 'grid-step', `after step ${done}`);
  const { save, read } = await files(page);
  const { shape, values } = readNpy(await read(await save('save-history-npy')), 'run.npy');
  expect(shape.slice(1)).toEqual([40, 24, 24, 3]);
  const samples = meansOf(Array.from(values).slice(-40 * 24 * 24 * 3), 24 * 24);
  const { images } = await loadImages([join(root, 'test/lib/shapes')]);
  const means = meansOf(images.images, 24 * 24);
  const real = FEW.classes.map((_, label) => meanOf(means.filter((_, i) => images.labels![i] === label)));
  return { samples, real };
}

const meanOf = (colours: readonly number[][]) =>
  [0, 1, 2].map((c) => colours.reduce((sum, each) => sum + each[c], 0) / colours.length);
/** The place of the colour that is nearest. */
const nearest = (colour: readonly number[], colours: readonly (readonly number[])[]) => {
  const distances = colours.map((other) => Math.hypot(...other.map((value, c) => value - colour[c])));
  return distances.indexOf(Math.min(...distances));
};

test('after 300 updates on a dropped folder of 600 coloured pictures, samples of each class have its colour', {
  tags: 'nightly',
  ...takesLong('trainsInChrome'),
}, async () => {
  const { samples, real } = await trained('test/lib/shapes', { classes: 4, classNames: FEW.classes });
  for (const [label, name] of FEW.classes.entries())
    expect(nearest(meanOf(samples.filter((_, i) => i % 4 === label)), real), name).toBe(label);
});

test('after training on 600 coloured pictures without labels, half of the samples have the colour of a class', {
  tags: 'nightly',
  ...takesLong('trainsInChrome'),
}, async () => {
  const { samples, real } = await trained('test/lib/shapes/shapes-images-idx4-ubyte.gz', {
    name: 'shapes-images-idx4-ubyte.gz',
  });
  // By hue, which the shade of the paper does not change. Of the pictures 96% are nearer to a class than to grey, of these samples 25 of 40.
  const hueOf = (colour: readonly number[]) =>
    colour.map((value) => value - colour.reduce((sum, each) => sum + each, 0) / 3);
  const hues = [...real.map(hueOf), [0, 0, 0]];
  const classes = samples.map((sample) => nearest(hueOf(sample), hues));
  expect(classes.filter((label) => label < 4).length, classes.join()).toBeGreaterThan(20);
  expect(new Set(classes.filter((label) => label < 4)).size, classes.join()).toBeGreaterThanOrEqual(3);
});
