/** The plan of a run in minutes: 300 updates or more, in the time there is. */
import { expect, test } from 'vitest';
import { planOf } from '../../harness/page/train/plan';

const plan = (count: number, speed: number | undefined, minutes = 3, batch?: number) =>
  planOf({ count, dropLast: true }, speed, minutes, batch);

test('300 updates or more take at most the minutes, wherever batches of 16 allow it', () => {
  for (const speed of [0.5, 5, 50, 5000])
    for (const count of [5, 150, 10_000, 60_000])
      for (const minutes of [0.5, 3, 30]) {
        const { batch, epochs, minutes: end, steps, seconds, fits } = plan(count, speed, minutes);
        const what = `${count} images at ${speed} a second in ${minutes} min`;
        expect(steps, what).toBeGreaterThanOrEqual(300);
        expect(seconds, what).toBeCloseTo((steps * batch) / speed);
        expect(batch, what).toBeLessThanOrEqual(Math.min(64, count));
        expect(fits, what).toBe(300 * Math.min(16, count) <= 60 * minutes * speed);
        if (fits) expect(seconds, what).toBeLessThanOrEqual(60 * minutes);
        // What the page then does takes that long: its epochs, or the minutes.
        const all = (epochs * Math.max(1, Math.floor(count / batch)) * batch) / speed;
        expect(end > 0 ? Math.min(all, 60 * end) : all, what).toBeLessThan(
          Math.max(60 * minutes, seconds + 60) + 1,
        );
      }
});

test('the batch is the largest that fits, and the recipe’s own run is never exceeded by far', () => {
  expect(plan(9000, 5000)).toEqual({
    batch: 64,
    epochs: 6,
    minutes: 0,
    steps: 840,
    seconds: 10.752,
    fits: true,
  });
  expect(plan(9000, undefined)).toMatchObject({ batch: 64, epochs: 6, minutes: 0, seconds: Number.NaN });
  expect([110, 106, 53, 26].map((speed) => plan(10_000, speed).batch)).toEqual([64, 32, 16, 16]);
  expect(plan(10_000, 26)).toMatchObject({ fits: false, steps: 300, minutes: 4 });
  // 150 pictures are two batches of 64: many epochs.
  expect(plan(150, 5000)).toMatchObject({ batch: 64, epochs: 420, steps: 840 });
  expect(plan(5, 0.5)).toMatchObject({ batch: 5, epochs: 300, fits: false, seconds: 3000 });
});

test('a batch that is chosen stays', () => {
  expect(plan(10_000, 50, 3, 256)).toMatchObject({ batch: 256, fits: false, seconds: 1536 });
  expect(plan(10_000, 5000, 3, 128).batch).toBe(128);
});
