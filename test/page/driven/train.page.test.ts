import type { Page } from 'puppeteer';
import { expect, test } from 'vitest';
import { LEAST_STEPS } from '../../../src/keeping/store';
import { violations } from '../../lib/page/axe';
import { drive, inTurns } from '../../lib/page/drive';
import {
  click,
  exist,
  files,
  fromState,
  go,
  isOff,
  isSeen,
  losses,
  mentions,
  offered,
  pause,
  phase,
  pressOn,
  reads,
  saidBy,
  searchOf,
  setting,
  settingsOf,
  steps,
  text,
  textsOf,
  trainToEnd,
  type,
  until,
  type Visited,
} from '../../lib/page/visit';
import { until as untilHere } from '../../lib/until';

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

/** When this browser last forgot what was checked, by its clock; 0: never. */
const forgottenAt = (page: Page) =>
  page.evaluate(async () => {
    const settle = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve) => {
        request.onsuccess = () => resolve(request.result);
      });
    const database = await settle(indexedDB.open('webgpu-diffusion'));
    const store = database.transaction('tuning').objectStore('tuning');
    const key = (await settle(store.getAllKeys())).find((key) => JSON.parse(String(key))[0] === 'forgotten');
    const date = key && (await settle(store.get(key)));
    database.close();
    return Number(date ?? 0);
  });

/** In a browser's storage of its own. */
const open = (query: string) => driven.visitAlone(`${driven.address}${query}`);

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

test('a run shows its held-out loss, also by noise level, the share of accepted samples, and changes of its rate; they are there when it goes on', async () => {
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
  // The classifier is right on 99 % of digits.
  expect(quality.real).toBeGreaterThan(0.95);
  // Both are measured again at the end.
  await type(page, 'epochs', String(Math.ceil(measuredAt / 18) + 2));
  await trainToEnd(page);
  const done = (await losses(page)).length;
  await until(page, (n) => window.harness.state.measured.heldOut.at(-1)?.step === n, done);
  expect(await fromState(page, 'run')).toMatchObject({ images: 144, held: 16 });
  const { heldOut, rates } = await fromState(page, 'measured');
  const last = heldOut.at(-1)!;
  expect(last.images).toBe(16);
  expect(last.loss).toBeLessThan(heldOut[0].loss);
  expect(rates).toEqual([{ step: expect.any(Number), lr: 0.001, before: 0.003 }]);
  await reads(page, 'held-out-at', /^\d\.\d{4} after step \d+$/);
  const label = `; held out ${last.loss.toFixed(4)}; learning rate 0.001 after step ${rates[0].step}`;
  await until(page, (words) => document.getElementById('curve')!.ariaLabel!.includes(words), label);
  const bars = await textsOf(page, '#noise-bars li');
  const loss = last.bins[4];
  expect(bars[4]).toContain(`noise 0.4 to 0.5: ${loss === null ? '–' : loss.toPrecision(2)}`);
  // The samples over the run are played, and saved.
  const newest = `after step ${done}`;
  await reads(page, 'grid-step', newest);
  const said = await saidBy(page, 'grid-step');
  await click(page, '#grid-play');
  await reads(page, 'grid-play', 'Stop');
  await reads(page, 'grid-play', 'Play');
  const played = await said();
  const from = await page.$eval('input#grid-history', ({ title }) => `after ${title.slice(14, -3)}`);
  expect(played[0]).toEqual(from);
  expect(played.at(-1)).toEqual(newest);
  const { save, read } = await files(page);
  const saved = await read(await save('save-history-npy'));
  expect(Buffer.from(saved).toString('latin1', 0, 128)).toMatch(/'shape': \(([2-9]|\d{2,}), 10, 28, 28,\)/);
  expect(await violations(page)).toEqual([]);

  await until(page, () => window.harness.state.measured.quality.length === 2);
  await type(page, 'epochs', '2000');
  const before = await fromState(page, 'measured');
  await click(page, '#put-aside');
  await until(page, () => window.harness.state.kept.length === 1 && !window.harness.state.run);
  expect(await fromState(page, 'measured')).toMatchObject({ heldOut: [], quality: [], rates: [] });
  await pressIn(page, 0, 'Go on');
  await steps(page, done + 1);
  const after = await fromState(page, 'measured');
  expect(after.heldOut.slice(0, before.heldOut.length)).toEqual(before.heldOut);
  expect(after).toMatchObject({ quality: before.quality, rates: before.rates });
  expect(after.secondsBefore).toBeGreaterThan(0);
});

test('a run in minutes ends with its plan, trains on with another plan, and keeps both out of the address', async () => {
  // Enough minutes for the plan to be at its most steps, however busy the machine is.
  const query = '?seed=1&widths=4,8&limit=200&minutes=60&autorun=1';
  const { page } = await open(query);
  await until(page, () => window.harness.state.phase === 'finished');
  const first = await losses(page);
  // 180 images train: 300 updates are more than 100 passes.
  expect((await fromState(page, 'planned'))!.plan).toMatchObject({ batch: 16, steps: 1125 });
  expect(first).toHaveLength(1125);
  expect(await text(page, 'reading-step')).toBe('1,125 / 1,125');
  expect(await searchOf(page)).toBe(query);
  expect(await settingsOf(page)).toMatchObject({ batch: 16, samples: 10, minutes: 60 });
  await click(page, '#train');
  await steps(page, 1145);
  await pause(page);
  expect((await fromState(page, 'planned'))!.plan).toMatchObject({ batch: 16, steps: 2250 });
  expect((await fromState(page, 'measured')).rates).toMatchObject([{ step: 1125, lr: 1e-3, before: 3e-3 }]);
  expect((await losses(page)).slice(0, 1125)).toEqual(first);
});

/** Waits until the rows of the table begin with these names, and have these steps. */
const rowsAre = (page: Page, ...wanted: (readonly [name: string, steps: number])[]) =>
  until(
    page,
    (all) => {
      const rows = [...document.querySelectorAll<HTMLTableRowElement>('#runs-body tr')];
      const isThere = ({ cells }: HTMLTableRowElement, i: number) =>
        cells[0].textContent!.startsWith(all[i][0]) && cells[3].textContent === String(all[i][1]);
      return rows.length === all.length && rows.every(isThere);
    },
    wanted,
  );

test('runs are compared in a table: put aside, drawn beside another, continued, removed', async () => {
  const { page } = await withoutRuns({ lr: '0.01', seed: '123' });
  expect(await isSeen(page, '#runs')).toBe(false);
  await click(page, '#train');
  await steps(page, 60);
  await until(page, () => window.harness.state.stored > 0);
  await until(page, () => localStorage.getItem('webgpu-diffusion-run-notes')!.includes('"sample":"'));
  await click(page, '#put-aside');
  await until(page, () => window.harness.state.kept.length === 1 && !window.harness.state.run);
  const [{ step: kept }] = await fromState(page, 'kept');
  await rowsAre(page, ['the digits', kept]);
  // Its sample; a canvas with nothing is 300 pixels wide.
  await until(page, () => document.querySelector<HTMLCanvasElement>('#runs-body .kept canvas')!.width < 300);

  // Another one, with another seed.
  await type(page, 'seed', '7');
  await click(page, '#train');
  await steps(page, 20);
  await until(page, () => /^\d+ % · Train · /.test(document.title));
  // A tab behind another one trains on, draws nothing, and its title says what it does.
  const front = await driven.context.newPage();
  await until(page, () => document.hidden);
  await steps(page, (await losses(page)).length + 3);
  await pause(page);
  await until(page, () => document.hidden && document.title.startsWith('Train · '));
  await front.close();
  await page.bringToFront();
  const own = (await losses(page)).length;
  await rowsAre(page, ['This run', own], ['the digits', kept]);

  // While a check has the GPU, nothing is trained or measured beside it. What was checked before counts no more.
  const before = await forgottenAt(page);
  await go(page, 'gpu');
  await click(page, '#check-run');
  await untilHere(async () => (await forgottenAt(page)) > before);
  await go(page, 'train');
  await reads(page, 'status-text', 'The check has the GPU');
  await pressIn(page, 1, 'Go on');
  await mentions(page, 'notices-list', 'The check has the GPU');
  expect(await isOff(page, '#measure-quality')).toBe(true);
  await click(page, '#notices-close');
  await go(page, 'gpu');
  await click(page, '#check-run');
  await go(page, 'train');

  // The first one goes on; the second is put aside for it.
  await pressIn(page, 1, 'Go on');
  await until(page, () => window.harness.settings.seed === 123);
  await steps(page, kept + 1);
  await until(page, () => window.harness.state.kept.length === 1);

  // What is reset stays here until it is removed.
  await click(page, '#reset');
  await until(page, () => window.harness.state.losses.length === 0);
  await until(page, () => document.querySelector('#runs-body tr th')!.textContent!.includes('reset'));
  for (const left of [1, 0]) {
    await pressIn(page, 0, 'Remove');
    await exist(page, '#runs-body tr', left);
  }
  expect(await fromState(page, 'kept')).toEqual([]);
});

test('the recipes are radio cards; a run of pictures is kept as such, and goes on', async () => {
  const few = { batch: '4', limit: '18', samples: '0', lr: '0.01', epochs: '5', seed: '123' };
  const { page } = await withoutRuns(few);
  await click(page, '#settings-fold');
  await pressOn(page, '#recipe-tutorial', 'ArrowDown');
  await until(page, () => location.search.includes('recipe=pictures'));
  await trainToEnd(page);
  // Two images of each epoch are left out.
  expect(await losses(page)).toHaveLength(LEAST_STEPS);
  await until(page, (n) => window.harness.state.stored === n, LEAST_STEPS);
  await page.reload();
  await offered(page, 'Go on with the digits');
  // Whatever is chosen by then.
  await click(page, '#recipe-digits');
  await click(page, '#runs-body .kept button');
  await until(page, (n) => window.harness.state.losses.length === n, LEAST_STEPS);
  expect((await settingsOf(page)).recipe).toBe('pictures');
});

test('faces of the device train at one press from the welcome, and a kept run draws them again, with the same losses', async () => {
  /** A run of four epochs on an otherwise empty page: some 90 steps. */
  const begun = async () => {
    const visited = await open('');
    for (const [key, value] of Object.entries({
      recipe: 'pictures',
      widths: '8',
      batch: '4',
      samples: '0',
      epochs: '4',
      lr: '0.01',
    }))
      await setting(visited.page, key, value);
    await click(visited.page, '#train-faces');
    await steps(visited.page, 1);
    return visited;
  };
  const undisturbed = (await begun()).page;
  await phase(undisturbed, 'finished');
  const expected = await losses(undisturbed);
  expect(await fromState(undisturbed, 'data')).toMatchObject({
    name: 'Faces of this device',
    height: 32,
    width: 32,
    channels: 3,
  });
  await undisturbed.close();

  const { page } = await begun();
  await pause(page, LEAST_STEPS);
  expect((await losses(page)).length).toBeLessThan(expected.length);
  await until(page, () => window.harness.state.stored === window.harness.state.losses.length);
  await page.goto(driven.address);
  await offered(page, 'Go on with ');
  await click(page, '#runs-body .kept button');
  await phase(page, 'finished');
  expect(await losses(page)).toEqual(expected);
});
