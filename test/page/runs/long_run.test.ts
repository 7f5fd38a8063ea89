/** What an event costs does not grow with the run: the page's losses, their means and their curve after a million steps. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { reduceMeasurements } from '../../../harness/page/messages/measurements';
import { LossHistory, smooth, smoothLoss } from '../../../harness/page/runs/losses';
import { initialState } from '../../../harness/page/shell/state';
import {
  curveColumns,
  Line,
  linearRange,
  logRange,
  MOST_DRAWN,
} from '../../../harness/page/train/curve_data';
import { EpochMeans } from '../../../harness/page/train/train_readings';
import { epochMeans } from '../../../harness/run/losses';

const MILLION = 1_000_000;
const batch = 256;
const fall = (count: number) => Array.from({ length: count }, (_, i) => 1 / (1 + i / 1000));
const long = fall(MILLION);
afterEach(() => {
  vi.restoreAllMocks();
});

test('a long run keeps a few hundred measurements, from the first to the newest', () => {
  let { measured } = initialState;
  for (let step = 1; step <= 1000; step++) {
    const point = { step, loss: 1 / step, images: 10, bins: [] };
    measured = reduceMeasurements(measured, { heldOut: point });
    expect(measured.heldOut.length).toBeLessThanOrEqual(400);
  }
  expect(measured.heldOut.length).toBeGreaterThan(200);
  expect(measured.heldOut[0].step).toBe(1);
  expect(measured.heldOut.at(-1)?.step).toBe(1000);
});

describe('the losses of a run', () => {
  test('of steps that come again leave earlier lists unchanged', () => {
    const first = LossHistory.of([4, 3, 2]);
    const one = first.after(2, [1]);
    const other = first.after(3, [1]);
    const third = first.after(3, [0]);
    expect([first, one, other, third].map((losses) => [...losses])).toEqual([
      [4, 3, 2],
      [4, 3, 1],
      [4, 3, 2, 1],
      [4, 3, 2, 0],
    ]);
    expect([one, other, third].map((losses) => losses.continues(first))).toEqual([false, true, false]);
    expect(first.continues(other)).toBe(false);
  });
});

/** Counts the losses that are read from then on. */
function countReads(): () => number {
  const slice = vi.spyOn(LossHistory.prototype, 'slice');
  return () => slice.mock.results.reduce((sum, { value }) => sum + value.length, 0);
}

test('after a million steps, an event reads a few hundred losses', () => {
  let losses = LossHistory.of(long);
  const means = new EpochMeans();
  means.of(losses, 1000);
  let line = Line.of(losses, batch);
  const reads = countReads();
  for (let i = 0; i < 10; i++) {
    losses = losses.after(losses.length, [0.001]);
    means.of(losses, 1000);
    line = Line.of(losses, batch, line);
    smoothLoss(losses, batch);
  }
  // Of each event its own loss, and the last 200 for the smoothed one.
  expect(reads()).toBe(10 * (1 + 200));
});

test('epoch means that grow with the run equal the means over all losses', () => {
  const means = new EpochMeans();
  let losses = LossHistory.of([]);
  const all: number[] = [];
  for (const loss of fall(100)) {
    all.push(loss);
    losses = losses.after(losses.length, [loss]);
    expect(means.of(losses, 7)).toEqual(epochMeans(all, 7));
  }
  const before = means.of(losses, 7);
  expect(means.of(losses.after(100, [1]), 7)).toBe(before);
  expect(means.of(losses.after(10, [1]), 7)).toEqual([before[0]]);
  expect(means.of(losses, 10)).toEqual(epochMeans(all, 10));
});

describe('the loss curve', () => {
  const curves = (losses: LossHistory) => ({ losses, heldOut: [], batch });

  test('begins anew when steps come again, or with another batch', () => {
    const losses = LossHistory.of(fall(300));
    const line = Line.of(losses, batch);
    const again = losses.after(200, [2]);
    expect(curveColumns(curves(again), Line.of(again, batch, line))).toEqual(curveColumns(curves(again)));
    expect(Line.of(losses, 64, line)).not.toBe(line);
    expect(Line.of(losses, batch, line)).toBe(line);
  });

  test('of a long run has no more steps than a screen can show, the newest among them, and its axes', () => {
    const losses = LossHistory.of(long);
    const columns = curveColumns(curves(losses));
    const [steps, each, smoothed] = columns;
    expect(steps.length).toBeGreaterThan(MOST_DRAWN / 2);
    expect(steps.length).toBeLessThanOrEqual(MOST_DRAWN + 1);
    expect(steps[0]).toBe(1);
    expect(steps[1]).toBe(129);
    expect(steps.at(-1)).toEqual(MILLION);
    const means = smooth(long, batch);
    expect(each).toEqual(steps.map((step) => long[step - 1]));
    expect(smoothed).toEqual(steps.map((step) => means[step - 1]));
    expect(linearRange(columns, { recipe: 'tutorial', batch })).toEqual([0, 0.1]);
    expect(logRange(columns)).toEqual([0.0005, 1]);
  });
});
