/**
 * What a page's run survives: a reload, a lost device, a GPU process that is killed, other tabs, storage that is full.
 *
 * @module-tag nightly
 */
import type { Browser, Page } from 'puppeteer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchBrowser } from '../../../harness/run/browsers';
import { LEAST_STEPS } from '../../../src/keeping/store';
import { drive, inTurns, tellOfFailures } from '../../lib/page/drive';
import { leaveNoRoom } from '../../lib/page/own_pictures';
import {
  click,
  deviceLoser,
  exist,
  files,
  fromState,
  keepAt,
  killGpu,
  losses,
  mentions,
  offered,
  pause,
  phase,
  reset,
  saidBy,
  searchOf,
  step,
  steps,
  TUTORIAL,
  text,
  trainToEnd,
  type,
  unhidden,
  until as untilOnPage,
  type Visited,
  visit,
} from '../../lib/page/visit';
import { until } from '../../lib/until';

/** Enough for a run to be still under way when what happens to it arrives. */
const STEPS = 160;
const EPOCHS = `epochs=${STEPS / 4}`;
const RUN = `?${TUTORIAL.replace('samples=4', 'samples=0')}&${EPOCHS}`;

const driven = drive();
/** One of its own, whose GPU process can be killed. */
let browser: Browser;
/** The losses of a run that nothing happened to. */
let undisturbed: number[];

tellOfFailures(() => browser);
const inTurn = inTurns(() => visit(browser, `${driven.address}${RUN}`));
/** The page without a run, whatever was before. */
async function withoutRun(): Promise<Visited> {
  const visited = await inTurn();
  const { page } = visited;
  if (await page.evaluate(() => window.harness.state.losses.length > 0)) await click(page, '#reset');
  await untilOnPage(page, () => window.harness.state.losses.length === 0);
  await phase(page, 'idle');
  return visited;
}

beforeAll(async () => {
  browser = await launchBrowser('chrome');
  const { page } = await withoutRun();
  await trainToEnd(page);
  undisturbed = await losses(page);
  expect(undisturbed).toHaveLength(STEPS);
});
afterAll(() => browser?.close());

test('a device that is lost in the middle of training is replaced, and the run ends as if nothing had happened', async () => {
  const { page } = await withoutRun();
  const loseDevice = await deviceLoser(page);
  await keepAt(page, LEAST_STEPS);
  const said = await saidBy(page, 'error-text');
  await loseDevice(3);
  await click(page, '#train');
  await untilOnPage(page, () => window.said.length > 0);
  expect((await said())[0]).toMatch(/^The GPU device was lost.*The run goes on by itself/);
  await phase(page, 'finished');
  // Neither Chrome nor the page that the next test opens counts this loss.
  await page.evaluate(() => localStorage.removeItem('webgpu-diffusion-losses'));
  expect(await losses(page)).toEqual(undisturbed);
  expect(await text(page, 'notices')).toContain('and another took its place. The run goes on from step');
  expect(await fromState(page, 'error')).toBeUndefined();
});

/** The names of the folders in which the browser keeps runs. */
const folders = (page: Page) =>
  page.evaluate(async () => {
    const names: string[] = [];
    const root = await navigator.storage.getDirectory();
    const runs = await root.getDirectoryHandle('webgpu-diffusion-runs', { create: true });
    for await (const name of runs.keys()) names.push(name);
    return names;
  });

test('a page that is left in the middle of a run goes on with the run, bit for bit, and looks as before', async () => {
  const { page } = await withoutRun();
  // A run of the test before may still be on its way out, and stays if the page is left meanwhile.
  const others = new Set(await folders(page));
  await keepAt(page, LEAST_STEPS);
  const kept = (await losses(page)).length;
  // All in the page: on a busy machine the run may end before a message from outside arrives. With nothing of the run in the address.
  await page.evaluate(() => document.getElementById('train')!.click());
  await untilOnPage(
    page,
    (n, address) => {
      if (location.href === address) return true;
      if ('left' in window || window.harness.state.losses.length < n) return false;
      Object.assign(window, { left: true });
      location.assign(address);
      return false;
    },
    kept + 10,
    `${driven.address}?samples=0`,
  );
  await offered(page, 'Go on with the digits');
  // On a busy machine the browser leaves the page later than it was asked to.
  const at = Number(/step (\d+), /.exec((await text(page, 'runs-body'))!)![1]);
  expect(at).toBeGreaterThanOrEqual(kept);
  await click(page, '#runs-body .kept button');
  await steps(page, 1);
  expect((await losses(page)).slice(0, at)).toEqual(undisturbed.slice(0, at));
  expect(await searchOf(page)).toContain(`recipe=tutorial&batch=4&lr=0.01&${EPOCHS}`);
  await phase(page, 'finished');
  expect(await losses(page)).toEqual(undisturbed);
  await untilOnPage(page, (n) => window.harness.state.stored === n, STEPS);

  // What is reset is gone from the browser, too.
  await reset(page);
  await until(async () => (await folders(page)).every((name) => others.has(name)));
});

test('a GPU process that is killed once, twice, three times: the run goes on, after a reload, after a restart', async () => {
  const { page } = await withoutRun();
  // A run that does not end before its device does.
  await type(page, 'epochs', '10000');
  const said = (words: string) => mentions(page, 'error-text', words);
  await keepAt(page, LEAST_STEPS);
  await click(page, '#train');
  await steps(page, 40);
  await killGpu(browser);
  // The phase is over in a moment: a busy page has no time to see it.
  await untilOnPage(page, () => localStorage.getItem('webgpu-diffusion-losses') !== null);
  await steps(page, 50);

  const kept = (await losses(page)).length;
  await steps(page, kept + 5);
  await killGpu(browser);
  await said('Reload the page, or wait');
  await said('of the run is kept in this browser');
  await page.reload();
  await offered(page, 'Go on with the digits');
  await click(page, '#runs-body .kept button');
  await steps(page, kept + 10);

  await killGpu(browser);
  await said('close all its windows and start it again');
  await page.reload();
  await mentions(page, 'unsupported-title', 'The browser no longer gives the page a GPU');
  await mentions(page, 'unsupported-remedies', 'Close all windows of the browser');
});

test('two tabs keep two runs, each with one writer; a run can be discarded', async () => {
  const context = await driven.browser.createBrowserContext();
  const open = (query: string) => driven.visitAlone(driven.address + query, context);
  const first = await open(`${RUN.replace(EPOCHS, 'epochs=10000')}&autorun=1`);
  // Kept without a pause, by the time.
  await untilOnPage(first.page, (n) => window.harness.state.stored >= n, LEAST_STEPS);
  await pause(first.page);
  const { page } = await open(RUN);
  await phase(page, 'idle');
  await mentions(page, 'runs-body', 'open in another tab');
  expect(await page.$$eval('#runs-body button', (all) => all.map((b) => b.disabled))).toEqual([true, true]);
  await keepAt(page, LEAST_STEPS);
  const third = await open(RUN);
  await exist(third.page, '#runs-body .kept', 2);

  // What a tab leaves behind, another can have.
  const own = (await losses(page)).length;
  await page.close();
  await offered(third.page, `step ${own}, `);
  await first.page.close();
  await exist(third.page, '#runs-body .kept', 2);
  await exist(third.page, '#runs-body button:disabled', 0);
  await click(third.page, '#runs-body .kept:first-child button + button');
  await exist(third.page, '#runs-body .kept', 1);
});

test('where the storage is full, training goes on, and the page says so and offers the file', async () => {
  const { page } = await driven.visitAlone(driven.address + RUN);
  await phase(page, 'idle');
  const { save, asks } = await files(page);
  await leaveNoRoom(page);
  await step(page);
  await unhidden(page, 'not-stored');
  expect(await text(page, 'not-stored-text')).toMatch(
    /^The run is not kept in this browser: there is no room/,
  );
  expect(await asks()).toBe(true);
  await save('not-stored-save');
  expect(await asks()).toBe(false);
  await type(page, 'epochs', '1');
  await trainToEnd(page);
});
