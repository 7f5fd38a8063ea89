/** The page as a host serves it: built, in some folder, under the strictest policy that there is. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { POLICY } from '../../../harness/page/policy';
import { violationsEverywhere } from '../../lib/page/axe';
import { drive, inTurns } from '../../lib/page/drive';
import { type Served, serveBuilt } from '../../lib/page/serve_built';
import {
  click,
  enabled,
  exist,
  files,
  focus,
  go,
  hidden,
  mentions,
  phase,
  picture,
  pressOn,
  reads,
  reset,
  setting,
  step,
  trainToEnd,
  unhidden,
  until,
  upload,
} from '../../lib/page/visit';
import { until as untilHere } from '../../lib/until';

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

const inTurn = inTurns(async () => {
  const visited = await driven.newPage();
  served.files.length = 0;
  await visited.page.goto(served.address);
  return visited;
});

test('a first visit fetches 315 kB, packed, before a press, at most 2.3 MB with digits made, and nothing unused', async () => {
  const { page } = await inTurn();
  const { files, reports } = served;
  await reads(page, 'recorded-making-at', /^step/);
  const networks = () => files.flatMap(({ name }) => /^(.*)-.{8}\.safetensors$/.exec(name)?.slice(1) ?? []);
  expect(networks()).toEqual([]);
  expect(files.reduce((sum, { packed }) => sum + packed, 0)).toBeLessThan(315_000);
  await click(page, '#make-now');
  const finished = (label: string) => reads(page, 'frame-label', label);
  await finished('step 4 of 4');
  // The network that answers the hand comes as soon as the digits are there.
  await pressOn(page, '#noise-handle', 'End');
  await until(page, () => location.search.includes('across=100'));
  await finished('step 4 of 4');
  expect(networks()).toEqual(['digits', 'digits-instant']);
  expect(files.filter(({ name }) => /mnist|measure|trainer|gif/.test(name))).toEqual([]);
  // As they lie on the disk: many servers pack texts, which makes it less.
  expect(files.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(2_300_000);
  // Digits to train on come when somebody trains.
  await go(page, 'train');
  await until(page, () => window.harness.state.data !== undefined);
  expect(files.filter(({ name }) => name.startsWith('mnist'))).toHaveLength(2);
  expect(files.filter(({ name }) => name.includes('classifier'))).toEqual([]);
  expect(reports).toEqual([]);
});

test('the built page trains, saves and goes on from a file in any folder, and keeps to its security policy', async () => {
  const { page, problems } = await inTurn();
  const session = await page.createCDPSession();
  await session.send('Browser.setDownloadBehavior', { behavior: 'allow', downloadPath: downloads });
  /** Through the browser's own download, into a file. */
  const save = async (button: string, name: string) => {
    await enabled(page, button);
    await click(page, `#${button}`);
    await untilHere(() => existsSync(join(downloads, name)));
  };

  await go(page, 'train');
  await click(page, '#recipe-tutorial');
  const settings = { batch: '4', limit: '16', widths: '8', samples: '4', lr: '0.01', epochs: '2' };
  for (const [key, value] of Object.entries(settings)) await setting(page, key, value);
  await phase(page, 'idle');
  expect(await page.$eval('meta[http-equiv]', (meta) => (meta as HTMLMetaElement).content)).toBe(POLICY);
  await step(page);
  await save('save-checkpoint', 'tutorial-checkpoint-step-1-seed-123.safetensors');
  await reset(page);
  await upload(page, 'checkpoint-file', join(downloads, 'tutorial-checkpoint-step-1-seed-123.safetensors'));
  await phase(page, 'paused');
  await trainToEnd(page);
  expect(await page.evaluate(() => window.harness.state.losses.length)).toBe(8);
  await save('save-samples', 'tutorial-samples-step-8-seed-123.png');
  // The curve's library lays out its canvas.
  expect(await page.$eval('#curve canvas', (canvas) => canvas.clientWidth)).toBeGreaterThan(100);

  expect(served.reports).toEqual([]);
  expect(problems).toEqual([]);

  // Which would be noticed.
  await page.evaluate(() => document.body.setAttribute('style', 'color: red'));
  const inject = page.evaluate(() => {
    document.body.innerHTML = '';
  });
  await expect(inject).rejects.toThrow('TrustedHTML');
  // Both reports, or the second one would be the next test's.
  await untilHere(() => served.reports.length === 2);
  const broken = served.reports.map((report) => report['violated-directive']);
  expect(broken).toEqual(['style-src-attr', 'require-trusted-types-for']);
  problems.length = served.reports.length = 0;
});

test.each([
  ['index.html', { inline: false, own: true }],
  ['docs/page.html', { inline: false, own: false }],
])(
  'under the policy in the markup of %s, of an inline script and a file of its own run: %o',
  async (name, runs) => {
    const file = await readFile(join(inject('builtPage').folder, name), 'utf8');
    const [policy] = /<meta http-equiv="Content-Security-Policy"[^>]*>/.exec(file)!;
    const scripts = '<script>globalThis.inline = true</script><script src="own.js"></script>';
    const page = await driven.context.newPage();
    await page.setRequestInterception(true);
    page.on('request', (request) => {
      const isPage = request.isNavigationRequest();
      void request.respond({
        contentType: isPage ? 'text/html' : 'text/javascript',
        body: isPage ? `<!doctype html>${policy}${scripts}` : 'globalThis.own = true',
      });
    });
    await page.goto(served.address);
    expect(await page.evaluate(() => ({ inline: 'inline' in globalThis, own: 'own' in globalThis }))).toEqual(
      runs,
    );
    await page.close();
  },
);

test('the texts of the docs are pages beside the built page, without a script, and link back to it', async () => {
  const { page } = await inTurn();
  const found = await page.$$eval('footer a', (all) => all.map(({ href }) => href));
  expect(found).toEqual([`${served.address}docs/page.html`]);
  await page.goto(found[0]);
  const others = await page.$$eval('nav a', (all) => all.map(({ href }) => href));
  const hrefs = [...found, ...others];
  expect(others.map((href) => href.replace(served.address, ''))).toEqual(
    ['tutorial', 'recipe', 'kernels'].map((name) => `docs/${name}.html`),
  );
  for (const href of hrefs) {
    await page.goto(href);
    await until(page, () => [...document.images].every((image) => image.complete && image.naturalWidth > 0));
    await page.setViewport({ width: 360, height: 740 });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(wide, href).toBe(0);
  }
  await Promise.all([page.waitForNavigation(), page.click('.name')]);
  await unhidden(page, 'home');
  expect(served.reports).toEqual([]);
  // axe writes styles of its own.
  await page.setBypassCSP(true);
  for (const href of hrefs) {
    await page.goto(href);
    expect(await violationsEverywhere(page), href).toEqual([]);
  }
});

test('offline, a view says what it cannot load, shown images stay, and the next press tries again', async () => {
  const gone = await serveBuilt(inject('builtPage').folder);
  const port = Number(new URL(gone.address).port);
  const page = await driven.context.newPage();
  const offline = async (isOffline: boolean) => {
    await page.setOfflineMode(isOffline);
    if (isOffline) {
      gone.server.close();
      gone.server.closeAllConnections();
    } else await new Promise<void>((resolve) => gone.server.listen(port, '127.0.0.1', resolve));
  };
  await page.goto(`${gone.address.replace('/some/', '/tiny/')}?task=sample&steps=2&count=2`);
  await until(page, () => window.harness?.state.adapter !== undefined);
  await phase(page, 'idle');
  const says = (id: string) => mentions(page, id, 'You are offline');
  await offline(true);
  await click(page, '#sample');
  await says('sample-error');
  await offline(false);
  await click(page, '#sample');
  await reads(page, 'frame-label', 'step 2 of 2');
  await hidden(page, 'sample-error');
  const made = await picture(page, 'sample-prediction');

  const hasDigits = () => until(page, () => window.harness.state.data?.builtIn === true);
  await offline(true);
  await go(page, 'train');
  await says('files-problem-text');
  await go(page, 'explain');
  await says('explain-scenes');
  await go(page, 'gpu');
  await focus(page, '#kernel');
  await go(page, 'sample');
  expect(await picture(page, 'sample-prediction')).toBe(made);
  await files(page);
  await click(page, '#save-gif');
  await says('shared');

  await offline(false);
  await click(page, '#save-gif');
  await reads(page, 'shared', /^Saved as/);
  await go(page, 'explain');
  await click(page, '#explain-scenes button');
  await until(page, () => document.querySelector('.scene-place')?.textContent?.startsWith('1 of 5') === true);
  await go(page, 'gpu');
  await focus(page, '#kernel');
  await exist(page, '#kernel-names option[value=conv2d]');
  await go(page, 'train');
  await hasDigits();
  await page.close();
  gone.server.close();
});
