/** The same seed gives the same bits in every process, and nearly the same losses whatever compiles and computes. */
import { execFile } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { launchBrowser } from '../../harness/run/browsers';
import { type Name, type Run, recipeNames, type SizeName, STEPS, widest } from '../lib/bits';
import { serveSources } from '../lib/page/serve_sources';
import { all, type Row } from './row';

type Runs = Record<Name, Run>;

const PROCESSES = 20;
/** Five times the largest relative difference seen, 4.3e-6. */
const BAND = 2.2e-5;

async function inProcess(size: SizeName): Promise<Runs> {
  const script = 'test/long/bits_of_a_process.mjs';
  return JSON.parse((await promisify(execFile)(process.execPath, [script, size])).stdout);
}

async function inBrowser(kind: 'chrome' | 'firefox'): Promise<Runs> {
  await using server = await serveSources();
  await using browser = await launchBrowser(kind);
  const page = await browser.newPage();
  // The server compiles every module at first, on a busy machine for longer than a page may take.
  await page.goto(`${server.address}test/long/bits.html`, { timeout: 0 });
  // Asked again and again: one answer that took minutes would be taken for lost.
  while ((await page.title()) === 'running') await setTimeout(200);
  const text = await page.evaluate(() => document.body.textContent!);
  if ((await page.title()) === 'failed') throw new Error(`${kind}: ${text}`);
  return JSON.parse(text);
}

const processes: Row = {
  name: `same bits: ${PROCESSES} processes, both recipes, small`,
  async run() {
    const seen: Runs[] = [];
    for (let i = 0; i < PROCESSES; i++) seen.push(await inProcess('small'));
    const same = seen.filter((made) => recipeNames.every((name) => made[name].bits === seen[0][name].bits));
    return all(same.length, PROCESSES, ' give the same bits');
  },
};

const stacks: Row = {
  name: `same bits, nearly: the losses of ${STEPS} steps in Node, Chrome and Firefox`,
  async run() {
    const node = await inProcess('whole');
    const chrome = await inBrowser('chrome');
    const firefox = await inBrowser('firefox');
    const pairs = [
      [node, chrome],
      [node, firefox],
      [chrome, firefox],
    ];
    const figures = recipeNames.map((name) => {
      const widths = pairs.map(([a, b]) => widest(a[name].losses, b[name].losses));
      const most = Math.max(...widths);
      return { most, text: `${name} ${widths.map((width) => width.toExponential(1)).join(', ')}` };
    });
    const text = `apart by at most (Node and Chrome, Node and Firefox, Chrome and Firefox): ${figures.map((f) => f.text).join('; ')}`;
    if (figures.some(({ most }) => !(most < BAND))) throw new Error(text);
    return text;
  },
};

export const bits: readonly Row[] = [processes, stacks];
