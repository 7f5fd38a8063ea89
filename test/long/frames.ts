/** How a page in Chrome draws that gives training a part of each frame, as examples/frames does, and how one trains whose frames take long. */
import { launchBrowser } from '../../harness/run/browsers';
import { serveExamples } from '../lib/page/serve_examples';
import { servePage } from '../lib/page/visit';
import type { Row } from './row';

const SECONDS = 10;

/** What the example says each second, after its shaders have compiled and its first submissions have found how fast the adapter is. */
async function look(address: string, milliseconds: number): Promise<{ frames: number; wait: number }> {
  await using browser = await launchBrowser('chrome', { canvases: true });
  const page = await browser.newPage();
  await page.goto(`${address}frames/index.html?milliseconds=${milliseconds}`);
  const trains = milliseconds > 0;
  const words = trains ? /step [3-9]|step \d\d/ : /frames a second/;
  await page.waitForFunction(
    (pattern) => new RegExp(pattern).test(document.querySelector('#status')!.textContent!),
    { polling: 100, timeout: 300_000 },
    words.source,
  );
  const said: RegExpExecArray[] = [];
  let last = '';
  while (said.length < SECONDS) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const status = await page.$eval('#status', ({ textContent }) => textContent!);
    const told = /^(\d+) frames a second, the frame waits ([\d.]+) ms/.exec(status);
    if (!told) throw new Error(status);
    if (status !== last) said.push(told);
    last = status;
  }
  const median = (at: number) => said.map((s) => Number(s[at])).sort((a, b) => a - b)[SECONDS >> 1];
  return { frames: median(1), wait: median(2) };
}

export const frames: Row = {
  name: 'frames of a page beside training',
  async run() {
    await using server = await serveExamples();
    const idle = await look(server.address, 0);
    const told = [`${idle.frames} a second without training`];
    const broken: number[] = [];
    for (const milliseconds of [4, 12]) {
      const { frames: count, wait } = await look(server.address, milliseconds);
      told.push(`at ${milliseconds} ms ${count}, own commands wait ${wait} ms`);
      if (count < (55 / 60) * idle.frames || wait > 2 * milliseconds + 10) broken.push(milliseconds);
    }
    const figure = told.join('; ');
    if (broken.length > 0) throw new Error(`fewer frames or a longer wait than promised: ${figure}`);
    return figure;
  },
};

/** Steps that busy.html makes while each frame, or each turn of another worker, takes `milliseconds` of its thread. */
async function stepsBeside(address: string, milliseconds: number, where: 'page' | 'worker'): Promise<number> {
  await using browser = await launchBrowser('chrome', { canvases: true });
  const page = await browser.newPage();
  await page.goto(`${address}test/long/busy.html?milliseconds=${milliseconds}&where=${where}`, {
    timeout: 0,
  });
  while ((await page.title()) === 'running') await new Promise((resolve) => setTimeout(resolve, 200));
  const title = await page.title();
  if (title.startsWith('failed')) throw new Error(title);
  return Number.parseInt(title, 10);
}

/** The share of the steps that must be left, by the milliseconds that a frame takes. */
const LEFT = { 30: 0.5, 60: 0.5, 100: 0.25 };

export const longFrames: Row = {
  name: 'training in a page whose frames take long',
  async run() {
    await using server = await servePage();
    const told: string[] = [];
    const broken: string[] = [];
    for (const [text, least] of Object.entries(LEFT)) {
      const milliseconds = Number(text);
      const beside = await stepsBeside(server.address, milliseconds, 'worker');
      const within = await stepsBeside(server.address, milliseconds, 'page');
      told.push(`${text} ms: ${within} steps of ${beside}`);
      if (within < least * beside) broken.push(text);
    }
    const figure = told.join('; ');
    if (broken.length > 0) throw new Error(`fewer steps than promised at ${broken.join(', ')} ms: ${figure}`);
    return figure;
  },
};
