/** The page as a host serves it: built, in some folder, under the strictest policy that there is. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { POLICY } from '../../../harness/page/policy';
import { drive, inTurns } from '../drive';
import { type Served, serveBuilt } from '../serve_built';
import { click, focus, go, phase, type, until, watch } from '../visit';

const driven = drive();
let downloads: string;
let served: Served;

beforeAll(async () => {
  downloads = await mkdtemp(join(tmpdir(), 'webgpu-diffusion-downloads-'));
  served = await serveBuilt(inject('builtPage').folder);
});

afterAll(async () => {
  served?.server.close();
  await rm(downloads, { recursive: true, force: true });
});

/** What else must not happen. */
const problems: string[] = [];

const inTurn = inTurns(async () => {
  const page = await driven.context.newPage();
  watch(page, problems);
  served.files.length = 0;
  await page.goto(served.address);
  return { page, problems };
});

test('a first visit fetches 310 kB, packed, before the first press, with digits made 1.6 MB at most, and none of what it does not use', async () => {
  const { page } = await inTurn();
  const { files, reports } = served;
  await until(page, () => document.getElementById('recorded-making-at')!.textContent!.startsWith('step'));
  const networks = () => files.flatMap(({ name }) => /^(.*)-.{8}\.safetensors$/.exec(name)?.slice(1) ?? []);
  expect(networks()).toEqual([]);
  // As a server that packs texts sends them.
  expect(files.reduce((sum, { packed }) => sum + packed, 0)).toBeLessThan(310_000);
  await click(page, '#make-now');
  const finished = (label: string) =>
    until(page, (l) => document.getElementById('frame-label')!.textContent === l, label);
  await finished('step 2 of 2');
  expect(await page.$eval('#sample-model', (text) => text.textContent)).toBe(
    'The pretrained network, distilled to two calls',
  );
  // The hand moves the same network.
  await focus(page, '#noise-handle');
  await page.keyboard.press('End');
  await until(page, () => location.search.includes('across=100'));
  await finished('step 2 of 2');
  expect(networks()).toEqual(['digits-instant']);
  expect(files.filter(({ name }) => /mnist|measure|trainer|gif/.test(name))).toEqual([]);
  // As they lie on the disk: many servers pack texts, which makes it less.
  expect(files.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(1_600_000);
  // More calls are another network's.
  await click(page, '#calls-6');
  await finished('step 3 of 3');
  expect(networks()).toEqual(['digits-instant', 'digits']);
  // Digits to train on come when somebody trains.
  await go(page, 'train');
  await until(page, () => window.harness.state.data !== undefined);
  expect(files.filter(({ name }) => name.startsWith('mnist'))).toHaveLength(2);
  // And the classifier when the quality of samples is measured.
  expect(files.filter(({ name }) => name.includes('classifier'))).toEqual([]);
  expect(problems).toEqual([]);
  expect(reports).toEqual([]);
});

test('it trains, saves and goes on from a file in any folder, and what its policy forbids would be noticed', async () => {
  const { page } = await inTurn();
  const session = await page.createCDPSession();
  await session.send('Browser.setDownloadBehavior', { behavior: 'allow', downloadPath: downloads });
  /** Through the browser's own download, into a file. */
  const save = async (button: string, name: string) => {
    await until(page, (id) => !(document.getElementById(id) as HTMLButtonElement).disabled, button);
    await click(page, `#${button}`);
    await expect.poll(() => existsSync(join(downloads, name)), { timeout: 60_000, message: name }).toBe(true);
  };

  await go(page, 'train');
  await click(page, '#recipe-tutorial');
  const settings = { batch: '4', limit: '16', widths: '8', samples: '4', lr: '0.01', epochs: '2' };
  for (const [id, value] of Object.entries(settings)) await type(page, id, value);
  await phase(page, 'idle');
  expect(await page.$eval('meta[http-equiv]', (meta) => (meta as HTMLMetaElement).content)).toBe(POLICY);
  await click(page, '#step');
  await phase(page, 'paused');
  await save('save-checkpoint', 'tutorial-checkpoint-step-1-seed-123.safetensors');
  await save('save-model', 'tutorial-model-step-1-seed-123.safetensors');
  await save('save-losses', 'tutorial-losses-step-1-seed-123.csv');
  await click(page, '#reset');
  await phase(page, 'idle');
  const input = await page.$<'input'>('#checkpoint-file' as 'input');
  await input!.uploadFile(join(downloads, 'tutorial-checkpoint-step-1-seed-123.safetensors'));
  await phase(page, 'paused');
  await click(page, '#train');
  await phase(page, 'finished');
  expect(await page.evaluate(() => window.harness.state.losses.length)).toBe(8);
  await save('save-samples', 'tutorial-samples-step-8-seed-123.png');
  // The curve's library lays out its canvas.
  expect(await page.$eval('#curve canvas', (canvas) => canvas.clientWidth)).toBeGreaterThan(100);

  expect(problems).toEqual([]);
  expect(served.reports).toEqual([]);

  // Which would be noticed.
  await page.evaluate(() => document.body.setAttribute('style', 'color: red'));
  await expect
    .poll(() => served.reports.map((report) => report['violated-directive']), { timeout: 60_000 })
    .toEqual(['style-src-attr']);
  await expect(
    page.evaluate(() => {
      document.body.innerHTML = '';
    }),
  ).rejects.toThrow('TrustedHTML');
});
