/** The view of the GPU as its users meet it: a step's kernels, check and bench, order, time left, rows that open, words, files; by keyboard, by touch, on a phone. */
import { readFileSync } from 'node:fs';
import type { Page } from 'puppeteer';
import { expect, test } from 'vitest';
import { measuredTable, ranked } from '../../../harness/bench/measured';
import type { BenchResults } from '../../../harness/page/measure/bench';
import type { CheckResults } from '../../../harness/page/measure/check';
import { tenAdapters } from '../../harness/ten_adapters';
import { violations } from '../axe';
import { drive, inTurns } from '../drive';
import {
  click,
  countOf,
  exist,
  files,
  focused,
  go,
  isSeen,
  mentions,
  onPhone,
  phase,
  pressOn,
  reads,
  root,
  text,
  textsOf,
  type,
  unhidden,
  until,
  visit,
} from '../visit';

const driven = drive();

const open = (query: string) => driven.visit(`${driven.address}?${query}`);
const status = (page: Page, task: 'check' | 'bench', name: string) =>
  until(page, (t, n) => (window.harness[t] as { status: string }).status === n, task, name);
const theirs = readFileSync(`${root}/docs/results/bench-chrome-swiftshader-64.json`, 'utf8');

/** The page at the Check view, once it has checked two kernels. */
const checked = inTurns(() => open('task=check&kernel=chwn_to_nhwc,swish.&autorun=1'));

/** What a button saved. */
async function saved(page: Page, save: (button: string) => Promise<number>, button: string): Promise<string> {
  const at = await save(button);
  return page.evaluate((i) => window.blobs[i].text(), at);
}

/** Opens the first row by the keyboard, and waits for its sources. */
async function openRow(page: Page, table: string): Promise<void> {
  const isOpen = () => page.$eval(`${table} .disclose`, ({ ariaExpanded }) => ariaExpanded === 'true');
  // A table that is drawn anew in between has lost the focus, and the key.
  const pressed = async () => {
    if (await isOpen()) return true;
    await pressOn(page, `${table} .disclose`, 'Enter');
    return isOpen();
  };
  await expect.poll(pressed, { timeout: 60_000 }).toBe(true);
  await until(page, (t) => document.querySelectorAll(`${t} .token`).length > 20, table);
}

test('check: kernels in use come first, passes are green, rows open, and files are saved', async () => {
  const { page } = await checked();
  await status(page, 'check', 'done');
  const { rows } = (await page.evaluate(() => window.harness.check)) as CheckResults;
  // By name it would be the other way round.
  expect(rows.map(({ kernel, inUse }) => [kernel, inUse])).toEqual([
    ['swish', true],
    ['chwn_to_nhwc', false],
  ]);
  await exist(page, '#check-table > tbody > tr', 2);
  expect(await isSeen(page, '#check-used')).toBe(true);
  const green = await page.$eval('#check-table .good', (word) => getComputedStyle(word).color);
  expect(await page.$eval('#check-table .bar', (bar) => getComputedStyle(bar).color)).toBe(green);

  await openRow(page, '#check-table');
  const [worst] = await textsOf(page, '#check-table .facts dd');
  const largest = rows[0].each.find(({ share }) => share === rows[0].share)!;
  expect(worst).toBe(`output[${largest.worst!.index}]`);
  expect(await countOf(page, '#check-table .cases tbody tr')).toBe(rows[0].cases);
  const sources = await textsOf(page, '#check-table pre');
  expect(sources[0]).toContain('@compute');
  expect(sources.at(-1)).toContain('export const reference');
  expect(await violations(page)).toEqual([]);
  await page.keyboard.press('Enter');
  expect(await page.$eval('#check-table .detail', (row) => (row as HTMLElement).hidden)).toBe(true);

  // A word explains itself where it stands.
  await pressOn(page, '#check-table th:last-child .term', 'Enter');
  expect(await isSeen(page, '#check-table th:last-child .tip')).toBe(true);
  await page.keyboard.press('Escape');
  expect(await isSeen(page, '#check-table th:last-child .tip')).toBe(false);
  expect(await page.evaluate(() => document.activeElement!.textContent)).toBe('Share of the allowed error');

  const { save } = await files(page);
  expect(JSON.parse(await saved(page, save, 'check-json'))).toMatchObject({
    end: 'complete',
    rows: [{ kernel: 'swish', result: 'pass' }, { kernel: 'chwn_to_nhwc' }],
  });
  expect(await saved(page, save, 'check-markdown')).toContain('| swish.plain | passed |');
  expect(await onPhone(page, '#check-table th + th', '#check-table td + td')).toEqual(['Result', 'passed']);
});

test('check: shows its progress, and stops at once', async () => {
  const { page } = await checked();
  await status(page, 'check', 'done');
  await type(page, 'kernel', '');
  await click(page, '#check-run');
  await reads(page, 'kernels-detail', /^Case [\d,]+ of [\d,]+/);
  await pressOn(page, '#check-run', 'Enter');
  await status(page, 'check', 'stopped');
  await reads(page, 'kernels-status', /^Stopped/);
  expect(await focused(page)).toBe('check-run');
});

/** Keeps what the page copies in `window.report`. */
const takeCopies = (page: Page) =>
  page.evaluate(() => {
    const write = async (report: string) => Object.assign(window, { report });
    Object.defineProperty(navigator, 'clipboard', { value: { writeText: write }, configurable: true });
  });

/** What an engine says of itself in the report: JSON up to a brace at the start of a line. */
function engineIn(report: string, engine: string) {
  const [, text] = report.split(`${engine}: `);
  const { versions, limits } = JSON.parse(text.slice(0, text.indexOf('\n}') + 2));
  return [versions.userAgent, limits.maxStorageBuffersPerShaderStage];
}

test('the GPU view shows the adapter, times a step and its kernels when it is opened, and has a text for a report', async () => {
  const { page } = await open('task=gpu&widths=8');
  await exist(page, '#gpu-facts .facts');
  const words = 'kernels of a training step of digits with widths 8 are right on small cases';
  await mentions(page, 'gpu-status', words);
  expect(await text(page, 'gpu-step')).toMatch(/^[\d.,]+ ms [\d.,]+ images\/s$/);
  const count = Number((await text(page, 'gpu-status'))!.split(' ')[1]);
  expect(await countOf(page, '#gpu-bars > tbody > tr')).toBe(count);
  expect(await text(page, 'gpu-measure')).toBe('Measure again');
  // The address is as it was, and nothing has become of training.
  expect(await page.evaluate(() => location.search)).toBe('?task=gpu&widths=8');

  await openRow(page, '#gpu-bars');
  const [shader] = await textsOf(page, '#gpu-bars pre');
  expect(shader).toContain('@compute');
  expect(await violations(page)).toEqual([]);
  await page.keyboard.press('Enter');
  expect(await page.$eval('#gpu-bars .detail', (row) => (row as HTMLElement).hidden)).toBe(true);
  const [name, share] = await onPhone(page, '#gpu-bars .disclose', '#gpu-bars td + td');
  expect([name, share]).toEqual([expect.stringMatching(/^conv2d/), expect.stringMatching(/^\d+%$/)]);

  await takeCopies(page);
  await click(page, '#gpu-copy');
  await reads(page, 'gpu-copied', 'Copied');
  const report = await page.evaluate(() => (window as unknown as { report: string }).report);
  expect(report).toMatch(/^maxStorageBufferBindingSize: [\d,]+ \(134,217,728 needed\)$/m);
  expect(report).toMatch(/^Clock: (The GPU's timestamps|The host's clock)/m);
  expect(report).toMatch(/^Self-check: All \d+ kernels/m);
  expect(report).toMatch(/^Training step of 16 images: [\d.,]+ ms$/m);
  const agent = await page.evaluate(() => navigator.userAgent);
  for (const engine of ['The engine that trains', 'The engine of the self-check'])
    expect(engineIn(report, engine)).toEqual([agent, expect.any(Number)]);

  await page.evaluate(() => {
    const write = () => Promise.reject(new Error('no'));
    Object.defineProperty(navigator, 'clipboard', { value: { writeText: write }, configurable: true });
  });
  await click(page, '#gpu-copy');
  await reads(page, 'gpu-copied', /Select the text below/);
  expect(await text(page, 'gpu-report')).toContain('Self-check: All');

  // The list of shaders is in sight, though the network is drawn above it before it comes.
  await pressOn(page, '#gpu-shaders', 'Enter');
  await exist(page, '#dispatches tbody tr');
  await until(page, () => {
    const { top } = document.getElementById('inside-shaders')!.getBoundingClientRect();
    // Within a pixel, at whose parts a browser does not stop.
    return window.harness.isDrawn && Math.abs(top) < 1;
  });
});

test('bench: kernels in use come first, rows open, results are compared, and a stopped bench keeps its rows', {
  tags: 'thorough',
}, async () => {
  const { page } = await open(
    'task=bench&widths=8,8,64&kernel=noop,swish.&batch=4&benchBatch=2&budget=40&autorun=1',
  );
  const network = 'digits with widths 8 8 64';
  await reads(page, 'kernels-status', `Measuring ${network}`);
  await reads(page, 'kernels-detail', /at most about .* left/);
  // In the page: on a busy machine it may end, after the peak once more, before a click from outside arrives.
  await page.evaluate(async () => {
    while (((window.harness.bench as BenchResults).result?.rows.length ?? 0) < 3)
      await new Promise((resolve) => setTimeout(resolve, 5));
    document.getElementById('bench-run')!.click();
  });
  await status(page, 'bench', 'stopped');
  const { result } = (await page.evaluate(() => window.harness.bench)) as BenchResults;
  const { rows } = result!;
  expect(result).toMatchObject({
    ...{ end: 'stopped', batch: 2 },
    network: { recipe: 'digits', widths: [8, 8, 64] },
  });
  await reads(page, 'bench-caveats', /^Stopped/);
  await reads(page, 'kernels-detail', /^Timer: .*\. Peaks: [\d.,]+ GFLOP\/s; copying, GB\/s: /);
  // By name it would be otherwise.
  expect(rows.map(({ kernel, layer, check }) => [`${kernel} ${layer}`, check.pass])).toEqual([
    ['swish down.2', true],
    ['swish conditioning.hidden', true],
    ['noop dispatch', true],
  ]);
  await exist(page, '#bench-rows tbody > tr', 3);
  expect(await countOf(page, '#bench-rows tr.in-use')).toBe(2);
  expect(await text(page, 'bench-rows')).toMatch(
    new RegExp(`^Kernels: ${network}\\*: in use in the training step of ${network}\\.`),
  );
  expect(await page.$eval('#bench-plot svg', (svg) => svg.getAttribute('aria-label'))).toContain(
    '2 rows between',
  );
  expect(
    await page.$$eval('.downloads button[id^=bench]', (all) => all.filter((b) => !b.disabled).length),
  ).toBe(5);
  const [head, ms, plot] = await onPhone(
    page,
    '#bench-rows th + th .term',
    '#bench-rows td + td',
    '#bench-plot svg',
  );
  expect([head, ms]).toEqual(['ms', expect.stringMatching(/^[\d.e-]+$/)]);
  expect(plot).toContain('FLOP per byte');
  // Drawn by the style sheet: not transparent, black and black.
  const colours = await page.evaluate(() => {
    const style = (selector: string) => getComputedStyle(document.querySelector(`#bench-plot ${selector}`)!);
    return [style('.roofline').backgroundColor, style('.roof').fill, style('.mark').fill];
  });
  expect(colours).toEqual(['rgb(255, 255, 255)', 'none', 'rgb(182, 70, 32)']);
  await openRow(page, '#bench-rows');
  const facts = await page.$$eval('#bench-rows .facts > div', (all) =>
    Object.fromEntries(all.map((pair) => [...pair.children].map((e) => e.textContent))),
  );
  expect(facts).toMatchObject({
    Variant: 'swish.plain',
    Shape: 'elements 12544',
    Operations: expect.stringMatching(/^[\d,]+, nominal$/),
    Bytes: '100,352, each once',
    Samples: expect.stringMatching(/^\d+: median [\d.]+ ms/),
    'Check before it': expect.stringMatching(/^passed with [\d.]+% of the allowed error; worst output\[/),
  });

  /** Result files as people drop them: this run's, with all times multiplied, or something else. */
  const drop = (...files: (number | string)[]) =>
    page.evaluate((contents) => {
      const dataTransfer = new DataTransfer();
      contents.forEach((content, i) => {
        const copy = structuredClone(
          window.harness.bench as { result: { rows: { ms: Record<string, number> }[] } },
        );
        for (const { ms } of copy.result.rows)
          for (const key of ['median', 'p10', 'p90']) ms[key] *= Number(content);
        const text = typeof content === 'number' ? JSON.stringify(copy.result) : content;
        dataTransfer.items.add(new File([text], `run-${i}.json`));
      });
      document.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
    }, files);
  await go(page, 'train');
  // More than the samples of a busy machine lie apart.
  await drop(1, 100);
  await exist(page, '#bench-comparison tbody tr', 3);
  expect(await text(page, 'bench-comparison')).toContain('100.00x ▲ slower');
  await unhidden(page, 'panel-gpu');
  await drop('<html>');
  await unhidden(page, 'files-problem');
  expect(await text(page, 'files-problem-text')).toMatch(
    /^run-0\.json is not a result of this bench: it is not JSON/,
  );
  expect(await text(page, 'bench-comparison')).toBe('');
  await drop(1, 1);
  await exist(page, '#bench-comparison button');
  await pressOn(page, '#bench-comparison h2 button:last-child', 'Enter');
  expect(await text(page, 'bench-comparison')).toBe('');
  expect(await focused(page)).toMatch(/^(bench-run|tab-gpu)$/);
  await drop(1, 1);
  await exist(page, '#bench-comparison button');

  // Another run takes their place.
  await click(page, '#bench-run');
  expect(await text(page, 'bench-comparison')).toBe('');
  await status(page, 'bench', 'running');
  await click(page, '#bench-run');
  await status(page, 'bench', 'stopped');
});

test('bench on a phone: a result file is shown, its marks are named, and it is compared', async () => {
  const newPage = async () => {
    const page = await driven.context.newPage();
    // Before the page is there, which would be loaded anew for it.
    await page.setViewport({ width: 360, height: 740, hasTouch: true });
    return page;
  };
  const { page, problems } = await visit({ newPage }, `${driven.address}?task=bench`);
  await phase(page, 'idle');
  const { drop, dropAll, save } = await files(page);
  await drop(theirs, 'theirs.json');
  await unhidden(page, 'bench-opened');
  expect(await text(page, 'bench-opened')).toMatch(/^This is theirs\.json, not measured here\..*SwiftShader/);
  await until(page, () => document.querySelectorAll('#bench-plot .point').length > 3);

  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);

  // From mark to mark, one stop for the Tab key.
  expect(await countOf(page, '#bench-plot [tabindex="0"]')).toBe(1);
  const name = () => text(page, 'bench-mark');
  await page.evaluate(() => document.querySelector<SVGElement>('#bench-plot [tabindex="0"]')!.focus());
  const first = await name();
  await page.keyboard.press('ArrowRight');
  const second = await name();
  expect(second).toMatch(/^[\w.]+ [\w., ]+: [\d.,]+ GFLOP\/s at [\d.]+ FLOP per byte, .* of peak/);
  expect(second).not.toBe(first);
  expect(await page.evaluate(() => document.activeElement!.getAttribute('aria-label'))).toBe(second);
  await page.keyboard.press('Home');
  expect(await name()).toBe(first);
  // A finger, a little beside the last mark.
  const at = await page.$$eval('#bench-plot .point', (all) => {
    const last = all.reduce((a, b) =>
      a.getBoundingClientRect().right > b.getBoundingClientRect().right ? a : b,
    );
    last.scrollIntoView({ block: 'center' });
    const { right, top, height } = last.getBoundingClientRect();
    return { x: right + 4, y: top + height / 2, name: last.getAttribute('aria-label') };
  });
  await page.touchscreen.tap(at.x, at.y);
  await reads(page, 'bench-mark', at.name!);
  await page.keyboard.press('Enter');
  await exist(page, '#bench-rows .detail .facts');
  expect(await page.$eval('#bench-rows .facts', (e) => e.textContent)).toContain('the file says no more');
  expect((await saved(page, save, 'bench-csv')).split('\r\n')[0]).toMatch(/^section,kernel,variant/);

  // Text and file for who collects results.
  await takeCopies(page);
  expect(JSON.parse(await saved(page, save, 'bench-copy'))).toMatchObject({
    batch: 64,
    crc32: expect.stringMatching(/^[0-9a-f]{8}$/),
  });
  await reads(page, 'bench-copied', /saved: send both$/);
  const report = await page.evaluate(() => (window as unknown as { report: string }).report);
  expect(report).toMatch(
    /^# webgpu-diffusion bench\n\n- Adapter: Google SwiftShader .*\n[\s\S]*\| training step \| wall clock \|/,
  );
  expect(report.length).toBeLessThan(2000);

  // Two are compared, either way round; more are refused, and so is what is no result.
  const slower = JSON.parse(theirs);
  slower.date = '2099-01-01T00:00:00.000Z';
  for (const each of ['median', 'p10', 'p90']) slower.step.ms[each] *= 3;
  await dropAll([theirs, 'a.json'], [JSON.stringify(slower), 'b.json']);
  const compared = () => text(page, 'bench-comparison');
  await exist(page, '#bench-comparison tbody');
  expect(await compared()).toMatch(/^b\.json against a\.json/);
  expect(await compared()).toContain('3.00x ▲ slower');
  await pressOn(page, '#bench-comparison h2 button', 'Enter');
  expect(await compared()).toMatch(/^a\.json against b\.json/);
  // The keyboard is where it was.
  expect(await page.$eval('#bench-comparison h2 button', (swap) => swap === document.activeElement)).toBe(
    true,
  );
  expect(await compared()).toContain('0.33x ▼ faster');

  // The adapters of all who sent theirs.
  await page.setRequestInterception(true);
  page.on('request', (request) => {
    if (!/\/table-[\w-]+\.js$/.test(request.url())) return void request.continue();
    const body = `export default ${JSON.stringify(ranked(tenAdapters))}`;
    return void request.respond({ contentType: 'text/javascript', body });
  });
  await click(page, '#bench-measured > summary');
  await exist(page, '#bench-adapters tbody tr', 10);
  expect(await countOf(page, '#bench-adapters .point')).toBe(10);
  const names = await textsOf(page, '#bench-adapters td:first-child');
  expect(names).toEqual(measuredTable(ranked(tenAdapters)).rows.map(([name]) => name));
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
  expect(await violations(page)).toEqual([]);
  await dropAll([theirs, 'a.json'], [theirs, 'b.json'], [theirs, 'c.json']);
  await unhidden(page, 'files-problem');
  expect(await text(page, 'files-problem-text')).toBe(
    'These are 3 files. Give one result to look at, or two to compare.',
  );
  await drop(theirs.replace('"shareOfPeak":', '"shareOfPeak":"'), 'broken.json');
  await reads(page, 'files-problem-text', /^broken\.json is/);
  expect(problems).toEqual([]);
  await page.close();
});
