/** The page as a host serves it: built, in some folder, under the strictest policy that there is. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import type { Browser, EvaluateFunc, Page } from 'puppeteer';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { POLICY } from '../../../harness/page/policy';
import { launchBrowser } from '../../lanes/browsers';
import { watch } from '../visit';

const TINY = 'recipe=tutorial&batch=4&limit=16&widths=8&samples=4&lr=0.01';

const types: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};
const { folder } = inject('builtPage');
let downloads: string;
let browser: Browser;
/** What the browser has fetched. */
const served: { readonly name: string; readonly bytes: number }[] = [];
/** What the browser reports that the policy forbids, in page and workers. */
const reports: { 'violated-directive': string }[] = [];

const server = createServer(async (request, response) => {
  const path = new URL(request.url!, 'http://localhost').pathname.replace(/\/$/, '/index.html');
  if (path === '/reports') {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    reports.push(JSON.parse(Buffer.concat(parts).toString())['csp-report']);
    response.end();
    return;
  }
  const file = join(folder, /^\/some\/folder\/([\w./-]+)$/.exec(path)?.[1] ?? 'nowhere');
  if (!existsSync(file)) {
    response.writeHead(404).end();
    return;
  }
  response.setHeader('content-security-policy', `${POLICY}; report-uri /reports`);
  response.setHeader('content-type', types[extname(file)] ?? 'application/octet-stream');
  const content = await readFile(file);
  served.push({ name: basename(file), bytes: content.length });
  response.end(content);
});
const address = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/some/folder/`;

beforeAll(async () => {
  downloads = await mkdtemp(join(tmpdir(), 'webgpu-diffusion-downloads-'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  browser = await launchBrowser('chrome');
});

afterAll(async () => {
  await browser?.close();
  server.close();
  await rm(downloads, { recursive: true, force: true });
});

/** What else must not happen. */
const problems: string[] = [];

/** Not page.waitForFunction, which makes a function of a text, as the policy forbids. */
async function until<T extends unknown[]>(page: Page, condition: EvaluateFunc<T>, ...args: T) {
  const deadline = performance.now() + 300_000;
  while (!(await page.evaluate(condition, ...args))) {
    expect(problems).toEqual([]);
    if (performance.now() > deadline) throw new Error(`Never came: ${condition} of ${args}`);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

/** In the page, since what is drawn may move it away from under a mouse. */
const click = (page: Page, selector: string) =>
  page.$eval(selector, (element) => (element as HTMLElement).click());
const phase = (page: Page, name: string) => until(page, (n) => window.harness?.state.phase === n, name);

test('a first visit that makes digits fetches 1.6 MB at most, and none of what it does not use', async () => {
  const page = await browser.newPage();
  watch(page, problems);
  served.length = 0;
  await page.goto(address());
  await until(page, () => document.getElementById('recorded-making-at')!.textContent!.startsWith('step'));
  const shown = served.map(({ name }) => name);
  expect(shown.filter((name) => name.endsWith('.safetensors'))).toEqual([]);
  await click(page, '#make-now');
  await until(page, () => document.getElementById('frame-label')!.textContent === 'step 20 of 20');
  expect(await page.$eval('#sample-model', (text) => text.textContent)).toBe(
    'The pretrained network, 1,370 steps',
  );
  const used = served.map(({ name }) => name);
  expect(used.filter((name) => name.endsWith('.safetensors'))).toEqual([expect.stringMatching(/^digits-/)]);
  expect(used.filter((name) => /mnist|measure|trainer|gif/.test(name))).toEqual([]);
  // As they lie on the disk: many servers pack texts, which makes it less.
  expect(served.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(1_600_000);
  // Digits to train on come when somebody trains.
  await click(page, '#tab-train');
  await until(page, () => window.harness.state.data !== undefined);
  expect(served.filter(({ name }) => name.startsWith('mnist'))).toHaveLength(2);
  // And the classifier when the quality of samples is measured.
  expect(served.filter(({ name }) => name.includes('classifier'))).toEqual([]);
  expect(problems).toEqual([]);
  expect(reports).toEqual([]);
  await page.close();
});

test('it trains, saves, goes on from a file, reads, explains, checks and measures in any folder, and does nothing that the policy forbids', async () => {
  const context = await browser.createBrowserContext({
    downloadBehavior: { policy: 'allow', downloadPath: downloads },
  });
  const page = await context.newPage();
  watch(page, problems);
  const open = (query: string) => page.goto(`${address()}?${query}`);
  /** Through the browser's own download, into a file. */
  const save = async (button: string, name: string) => {
    await until(page, (id) => !(document.getElementById(id) as HTMLButtonElement).disabled, button);
    await click(page, `#${button}`);
    await expect.poll(() => existsSync(join(downloads, name)), { timeout: 60_000, message: name }).toBe(true);
  };

  await open(`${TINY}&epochs=2`);
  await phase(page, 'idle');
  expect(await page.$eval('meta[http-equiv]', (meta) => (meta as HTMLMetaElement).content)).toBe(POLICY);
  await click(page, '#step');
  await phase(page, 'paused');
  await save('save-checkpoint', 'checkpoint.safetensors');
  await save('save-model', 'model.safetensors');
  await save('save-losses', 'losses.csv');
  await click(page, '#reset');
  await phase(page, 'idle');
  const input = await page.$<'input'>('#checkpoint-file' as 'input');
  await input!.uploadFile(join(downloads, 'checkpoint.safetensors'));
  await phase(page, 'paused');
  await click(page, '#train');
  await phase(page, 'finished');
  expect(await page.evaluate(() => window.harness.state.losses.length)).toBe(8);
  await save('save-samples', 'tutorial-samples-step-8-seed-123.png');
  // The curve's library lays out its canvas.
  expect(await page.$eval('#curve canvas', (canvas) => canvas.clientWidth)).toBeGreaterThan(100);

  await open('task=draw&ask=classify&autorun=1');
  await until(page, () => document.querySelector('#draw-class-rows .best') !== null);
  // The longest of the bars, whose width is a style that a script sets.
  expect(
    await page.$eval('#draw-class-rows .best .bar', (bar) => getComputedStyle(bar).backgroundSize),
  ).toContain('100%');

  await open(`task=inside&model=run&${TINY}`);
  await until(page, () => document.querySelectorAll('#inside-net .net-part').length === 4);
  await click(page, '#inside-list summary');
  await until(page, () => document.querySelector('.disclose') !== null);
  await click(page, '.disclose');
  await until(page, () => document.querySelectorAll('.source-text .token').length > 50);
  // In the colours of the style sheet.
  const [comment, rest] = await page.$$eval(
    '.source-text .token-comment, .source-text code',
    ([code, token]) => [token, code].map((element) => getComputedStyle(element).color),
  );
  expect(comment).not.toBe(rest);
  // An edited shader, tried by a worker that comes with the first one, as does the parser of WGSL.
  const trial = () => served.filter(({ name }) => name.startsWith('trial'));
  await click(page, '.edit-shader');
  await until(page, () => document.querySelectorAll('.code-layer .token').length > 20);
  expect(trial()).toEqual([]);
  await page.$eval('.code-area', (element) => {
    const area = element as HTMLTextAreaElement;
    area.value += 'fn another() -> f32 { return 1.0; }\n';
    area.dispatchEvent(new Event('input'));
  });
  await click(page, '.shader-editor button.primary');
  await until(page, () => document.querySelector<HTMLElement>('.verdict')!.dataset.kind === 'passed');
  expect(trial()).not.toEqual([]);

  await open('task=explain&scene=4');
  // Its picture and its style sheet come with it; the words' box is put in its place by a script.
  await until(page, () => document.querySelector<HTMLCanvasElement>('.change canvas')?.width === 580);
  await until(page, () => getComputedStyle(document.querySelector('.scene-head')!).display === 'flex');
  await until(
    page,
    () => document.querySelector('.scene figure canvas')?.ariaLabel?.includes('t = 0.00') ?? false,
  );
  await page.focus('.change .term');
  await until(page, () => Number.parseFloat(document.getElementById('glossary')!.style.top) > 0);

  await open('task=check&kernel=swish.plain&autorun=1');
  await until(page, () => document.querySelector('#check-table .bar') !== null);

  // With less time for the peaks, which come first.
  await open('task=bench&kernel=swish.plain*down&batch=2&budget=40&autorun=1');
  await until(page, () => document.querySelector('#bench-plot .mark') !== null);
  const [paper, roof, mark] = await page.evaluate(() => {
    const style = (selector: string) => getComputedStyle(document.querySelector(`#bench-plot ${selector}`)!);
    return [style('.roofline').backgroundColor, style('.roof').fill, style('.mark').fill];
  });
  // Not transparent, black and black.
  expect([paper, roof, mark]).toEqual(['rgb(255, 255, 255)', 'none', 'rgb(182, 70, 32)']);
  await until(page, () => (window.harness.bench as { status: string }).status === 'done');
  await save('bench-json', 'bench.json');
  await save('bench-svg', 'roofline.svg');

  expect(problems).toEqual([]);
  expect(reports).toEqual([]);

  // And what it forbids would have been noticed.
  await page.evaluate(() => document.body.setAttribute('style', 'color: red'));
  await expect
    .poll(() => reports.map((report) => report['violated-directive']), { timeout: 60_000 })
    .toEqual(['style-src-attr']);
  await expect(
    page.evaluate(() => {
      document.body.innerHTML = '';
    }),
  ).rejects.toThrow('TrustedHTML');
  await context.close();
});
