/** The page as `npm start` serves it, from its sources, one of which is saved while it runs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { drive } from '../drive';
import {
  click,
  hidden,
  isHidden,
  losses,
  mentions,
  root,
  servePage,
  step,
  steps,
  TUTORIAL,
  unhidden,
} from '../visit';

const { address, server, close } = await servePage();
const driven = drive();
afterAll(close);

const FILE = join(root, 'shaders/activation/swish.wgsl');
/** The same bits from another text. */
const [LINE, SAME] = ['= swish(input[i])', '= swish(1.0 * input[i])'];

test('a page that is served from its sources trains', async () => {
  const { page } = await driven.visit(`${address}?${TUTORIAL}`);
  await step(page);
});

test('a shader that is saved while the page trains is tried and used without a reload', {
  tags: 'thorough',
}, async () => {
  const { page } = await driven.visit(`${address}?epochs=5000&${TUTORIAL}`);
  await page.evaluate(() => {
    Object.assign(window, { sameDocument: true });
  });
  await click(page, '#train');
  await steps(page, 3);
  const environment = server.environments.client;
  const plugin = server.config.plugins.find(({ name }) => name === 'saved-shaders')!;
  const hook = plugin.hotUpdate as unknown as (this: object, update: object) => Promise<unknown>;
  /** As if the file had this text now. */
  const save = async (saved: string) =>
    expect(await hook.call({ environment }, { file: FILE, type: 'update', read: async () => saved })).toEqual(
      [],
    );
  const notice = (words: string) => mentions(page, 'notices', words);
  const shipped = readFileSync(FILE, 'utf8');

  await save(shipped.replace(LINE, '= swash(input[i])'));
  await notice(
    'shaders/activation/swish.wgsl was saved. It does not compile: one error. activation/swish.wgsl, line 27: ',
  );
  expect(await isHidden(page, 'shaders-used')).toBe(true);
  await save(shipped.replace(LINE, `${LINE} + 1.0`));
  await notice('was saved. It is wrong: swish.plain');
  expect(await isHidden(page, 'shaders-used')).toBe(true);
  await save(shipped.replace(LINE, SAME));
  await notice('was saved. It is right: swish.plain');
  await unhidden(page, 'shaders-used');
  const at = (await losses(page)).length;
  await steps(page, at + 3);
  // The server itself, which finds the file as it was.
  server.watcher.emit('change', FILE);
  await notice('was saved. The GPU gets the shipped text');
  await hidden(page, 'shaders-used');
  await steps(page, (await losses(page)).length + 3);
  expect(await page.evaluate(() => 'sameDocument' in window)).toBe(true);
});
