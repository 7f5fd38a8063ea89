/** How a page in Chrome draws that gives training a part of each frame, as examples/frames does. */
import { launchBrowser } from '../../harness/run/browsers';
import { serveSources } from '../lib/page/serve_sources';
import type { Row } from './row';

const SECONDS = 10;

/** What the example says each second, after its shaders have compiled and its first submissions have found how fast the adapter is. */
async function look(address: string, milliseconds: number): Promise<{ frames: number; wait: number }> {
  await using browser = await launchBrowser('chrome', { canvases: true });
  const page = await browser.newPage();
  await page.goto(`${address}examples/frames/index.html?milliseconds=${milliseconds}`);
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
    await using server = await serveSources();
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
