/** What a failure says of the page that was waited for. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { takesLong } from '../../lanes/limits';
import { drive } from '../drive';
import { stateOf } from '../page_state';
import { phase, TINY, until, visit } from '../visit';

const driven = drive();

test('the state of a page names phase and error, a condition that never came, the console and a picture', async () => {
  const { page } = await visit(driven.context, `${driven.address}?${TINY}`);
  await phase(page, 'idle');
  await page.evaluate(() => console.warn('said by the page'));
  const ended = until(page, () => window.harness.state.losses.length > 3).catch(() => {});
  const state = await stateOf(page);
  expect(state).toContain('"phase":"idle"');
  expect(state).toContain('"losses":0');
  expect(state).toContain('waits for: () => window.harness.state.losses.length > 3');
  expect(state).toMatch(/console: \n {4}warn: said by the page/);
  const picture = /picture: (.*\.png)/.exec(state)![1];
  expect(readFileSync(picture).subarray(1, 4).toString()).toBe('PNG');
  await page.close();
  await ended;
});

test(
  'a wait for a condition that never comes fails once the page rests, or after an error of the page',
  takesLong('drivesPage'),
  async () => {
    const open = async () => {
      const { page } = await visit(driven.context, `${driven.address}?${TINY}`);
      await phase(page, 'idle');
      return page;
    };
    const pages = [await open(), await open()];
    const start = performance.now();
    const [resting, throwing] = pages.map(async (page) => {
      const { message } = await until(page, () => window.harness.state.losses.length > 3).then(
        () => new Error('It came.'),
        (error: Error) => error,
      );
      return { message, seconds: (performance.now() - start) / 1000 };
    });
    await pages[1].evaluate(() => void setTimeout(() => Promise.reject(new Error('a bug of the page'))));
    const said = await Promise.all([resting, throwing]);
    const [why] = said.map(({ message }) => message);
    expect(why).toMatch(/^Never came, and the page rests for 20 s: .*losses/);
    expect(why).toContain('"phase":"idle"');
    expect(said[1].message).toMatch(/^Never came, and this was thrown: .*a bug of the page/);
    // The limit is 150 s.
    expect(Math.max(...said.map(({ seconds }) => seconds))).toBeLessThan(100);
    for (const page of pages) await page.close();
  },
);
