/** The speed by which page and terminal tell the time left. */
import { expect, test } from 'vitest';
import { Pace } from '../../../harness/run/pace';

/** What the time left would be at each step, in shares of the truth: steps of 4 images that take `seconds`. */
function ratios(seconds: readonly number[]): (number | undefined)[] {
  const pace = new Pace();
  pace.begin(0);
  let at = 0;
  const mean = seconds.reduce((sum, each) => sum + each, 0) / seconds.length;
  return seconds.map((each) => {
    at += each;
    pace.add(4, at);
    return pace.imagesPerSecond && 4 / mean / pace.imagesPerSecond;
  });
}

test('there is no figure in the first five seconds', () => {
  expect(ratios(Array(9).fill(0.6)).map((ratio) => ratio !== undefined)).toEqual(
    Array.from({ length: 9 }, (_, i) => i === 8),
  );
});

test.each([
  ['even steps', Array(200).fill(0.3)],
  ['steps that come four at a time', Array.from({ length: 200 }, (_, i) => (i % 4 === 3 ? 2 : 0))],
  [
    'a pause for pictures every ten seconds',
    Array.from({ length: 200 }, (_, i) => (i % 20 === 19 ? 2.5 : 0.4)),
  ],
  ['steps of seconds', Array.from({ length: 60 }, (_, i) => 7 + (i % 3))],
])('%s: after 20 seconds the time left is within 20% of the truth', (_, seconds) => {
  let at = 0;
  const after = ratios(seconds).filter((_, i) => {
    at += seconds[i];
    return at > 20;
  });
  expect(Math.max(...(after as number[]))).toBeLessThan(1.2);
  expect(Math.min(...(after as number[]))).toBeGreaterThan(0.8);
});

test('what is between two beginnings does not count', () => {
  const pace = new Pace();
  pace.begin(0);
  for (let step = 1; step <= 10; step++) pace.add(4, step);
  pace.begin(1000);
  expect(pace.imagesPerSecond).toBeUndefined();
  for (let step = 1; step <= 10; step++) pace.add(4, 1000 + step);
  expect(pace.imagesPerSecond).toBe(4);
});
