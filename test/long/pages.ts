/** A page's run that is interrupted again and again, and ends as one that never was. */
import { setTimeout } from 'node:timers/promises';
import type { Browser, Page } from 'puppeteer';
import { launchBrowser } from '../../harness/run/browsers';
import { TestRandom } from '../../harness/specs/lib/spec';
import { LEAST_STEPS } from '../../src/keeping/store';
import { serveSources } from '../lib/page/serve_sources';
import { keepAt, killGpu, losses, offered, phase, steps, TUTORIAL, until, visit } from '../lib/page/visit';
import { all, type Row, temporary } from './row';

const RUN = TUTORIAL.replace('samples=4', 'samples=0');
const EPOCH = 4;
const RELOADS = 30;
const KILLS = 20;
/** Steps of a run that is killed three times. */
const LENGTH = 240;

async function withBrowser<T>(work: (browser: Browser) => Promise<T>, profile?: string): Promise<T> {
  await using browser = await launchBrowser('chrome', { profile });
  return await work(browser);
}

const undisturbed = (address: string, count: number) =>
  withBrowser(async (browser) => {
    const { page } = await visit(browser, `${address}?${RUN}&epochs=${Math.ceil(count / EPOCH)}&autorun=1`);
    await phase(page, 'finished');
    return losses(page);
  });

/** From which step. */
async function goOn(page: Page): Promise<number> {
  await offered(page, 'Go on with the digits');
  const { step } = await page.evaluate(() => window.harness.state.kept[0]);
  await page.click('#runs-body .kept button');
  await steps(page, step);
  return step;
}

/** Notes in the page when it had how many losses. */
const watch = (page: Page) =>
  page.evaluate(() => {
    const seen: [number, number][] = [];
    setInterval(() => seen.push([performance.now(), window.harness.state.losses.length]), 20);
    Object.assign(window, { seen });
  });

const isSame = (a: readonly number[], b: readonly number[]) =>
  a.length === b.length && a.every((loss, i) => loss === b[i]);

const reloads: Row = {
  name: 'page reloaded or closed at random',
  async run() {
    await using server = await serveSources();
    const { address } = server;
    const random = new TestRandom(1);
    let resumed = 0;
    let inTime = 0;
    let mostSeconds = 0;
    let mostSteps = 0;
    const trained = await withBrowser(async (browser) => {
      const url = `${address}?${RUN}&epochs=10000`;
      let { page } = await visit(browser, url);
      await phase(page, 'idle');
      await page.click('#train');
      for (let i = 0; i < RELOADS; i++) {
        await until(page, (n) => window.harness.state.stored >= n, LEAST_STEPS);
        await watch(page);
        await setTimeout(6000 * random.next());
        const { seen, now, own } = await page.evaluate(() => ({
          seen: (window as unknown as { seen: [number, number][] }).seen,
          now: performance.now(),
          own: window.harness.state.losses.length,
        }));
        if (i % 2 === 0) await page.reload();
        else {
          await page.close();
          ({ page } = await visit(browser, url));
        }
        const kept = await goOn(page);
        resumed++;
        const at = seen.find(([_, count]) => count >= kept)?.[0] ?? now;
        const seconds = kept >= own ? 0 : (now - at) / 1000;
        mostSeconds = Math.max(mostSeconds, seconds);
        mostSteps = Math.max(mostSteps, own - kept);
        if (seconds <= 5 || own - kept <= 1) inTime++;
      }
      await phase(page, 'training');
      await page.click('#train');
      await phase(page, 'paused');
      return losses(page);
    });
    const whole = await undisturbed(address, trained.length);
    if (!isSame(trained, whole.slice(0, trained.length))) throw new Error('The losses differ.');
    return `${all(resumed, RELOADS)} resumed, ${all(inTime, RELOADS)} within 5 s or a step (at most ${mostSteps} steps, ${mostSeconds.toFixed(1)} s, were lost); ${trained.length} losses as of a run left alone`;
  },
};

/** Whether a run went on as if nothing had happened, after each of three kills in short order. */
async function threeKills(address: string, random: TestRandom, whole: readonly number[]): Promise<boolean[]> {
  using profile = temporary();
  const said = (page: Page, id: string, words: string) =>
    until(page, (i, w) => document.getElementById(i)!.textContent!.includes(w), id, words);
  /** At some step. */
  const kill = async (browser: Browser, page: Page) => {
    const { length } = await losses(page);
    await steps(page, length + 1 + Math.floor(10 * random.next()));
    await killGpu(browser);
  };
  /** A few steps on: whether all losses so far are a whole run's. */
  const same = async (page: Page) => {
    await steps(page, (await losses(page)).length + 3);
    const now = await losses(page);
    return isSame(now, whole.slice(0, now.length));
  };
  const ends = await withBrowser(async (browser) => {
    const { page } = await visit(browser, `${address}?${RUN}&epochs=${LENGTH / EPOCH}`);
    await phase(page, 'idle');
    await keepAt(page, LEAST_STEPS);
    await page.click('#train');
    await kill(browser, page);
    await said(page, 'notices', 'another took its place');
    const first = await same(page);
    await kill(browser, page);
    await said(page, 'error-text', 'Reload the page, or wait');
    await page.reload();
    await goOn(page);
    const second = await same(page);
    await kill(browser, page);
    await said(page, 'error-text', 'close all its windows and start it again');
    await page.reload();
    await said(page, 'unsupported-remedies', 'start it again');
    return [first, second];
  }, profile.folder);
  const third = await withBrowser(async (browser) => {
    const { page } = await visit(browser, address);
    await goOn(page);
    await phase(page, 'finished');
    return isSame(await losses(page), whole);
  }, profile.folder);
  return [...ends, third];
}

const gpuKills: Row = {
  name: 'gpu-kill: Chrome’s GPU process killed',
  async run() {
    await using server = await serveSources();
    const { address } = server;
    const random = new TestRandom(2);
    const whole = await undisturbed(address, LENGTH);
    const counts = [0, 0, 0];
    for (let i = 0; i < KILLS; i++) {
      (await threeKills(address, random, whole)).forEach((good, kill) => {
        counts[kill] += Number(good);
      });
    }
    const [first, second, third] = counts.map((count) => all(count, KILLS));
    return `${first} go on by themselves; killed again at once, ${second} after a reload; a third time, ${third} after another start of the browser. All losses equal the losses of a run left alone`;
  },
};

export const pages: readonly Row[] = [reloads, gpuKills];
