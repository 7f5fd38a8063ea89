import { expect, test } from 'vitest';
import { isHopeless, Recoverer } from '../../../src/keeping/recoverer';

const MINUTE = 60_000;

test('after the loss of a device another one is requested at once, then ever more slowly, without end', () => {
  const recoverer = new Recoverer();
  const waits = [recoverer.lost(0).wait];
  for (let i = 0; i < 12; i++) waits.push(recoverer.failed(i).wait);
  expect(waits.slice(0, 9)).toEqual([250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  expect(waits.at(-1)).toBe(30_000);
  // A device came, and was lost, too.
  expect([recoverer.lost(MINUTE).wait, recoverer.failed(MINUTE).wait]).toEqual([250, 500]);
});

test('the advice after the loss of a device is a reload, after the third loss in short order a restart', () => {
  const adviceAfter = (losses: number[]) => {
    const recoverer = new Recoverer(losses.slice(0, -1));
    const now = losses.at(-1)!;
    const advice = [recoverer.lost(now).advice];
    for (let i = 0; i < 3; i++) advice.push(recoverer.failed(now).advice);
    return advice;
  };
  expect(adviceAfter([0])).toEqual([undefined, undefined, undefined, 'reload']);
  expect(adviceAfter([0, MINUTE])[3]).toBe('reload');
  expect(adviceAfter([0, MINUTE, 2 * MINUTE])[3]).toBe('restart');
  expect(adviceAfter([0, MINUTE, 90 * MINUTE])[3]).toBe('reload');
});

test('isHopeless says whether a browser has lost three devices in short order', () => {
  expect(isHopeless([], 0)).toBe(false);
  expect(isHopeless([1, 2], 3)).toBe(false);
  expect(isHopeless([1, 2, 3], 4)).toBe(true);
  expect(isHopeless([1, 2, 3], 90 * MINUTE)).toBe(false);
});
