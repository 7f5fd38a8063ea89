/** What a failure says of the page that was waited for. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { drive } from '../drive';
import { stateOf } from '../page_state';
import { phase, TINY, until, visit } from '../visit';

const driven = drive();

test('the state of a page names its phase and error, the condition that never came, its console and a picture', async () => {
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
