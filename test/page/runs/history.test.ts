import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { History } from '../../../harness/page/runs/history';

const filled = (count: number, most: number, changed = () => {}) => {
  const history = new History<{ step: number; of?: string }>(changed, most);
  for (let step = 1; step <= count; step++) history.add({ step });
  return history;
};

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the history of pictures', () => {
  test('stays at a chosen picture while more come, until the last one is chosen', () => {
    const history = filled(3, 10);
    history.choose(1);
    history.add({ step: 4 });
    expect(history.shown?.step).toBe(2);
    history.choose(3);
    history.add({ step: 5 });
    expect(history.shown?.step).toBe(5);
  });

  test('plays from the first picture to the last, once; a press or a choice stops that', () => {
    const seen: number[] = [];
    const history = filled(4, 10, () => seen.push(history.shown!.step));
    history.play(100);
    expect(history.playing).toBe(true);
    vi.advanceTimersByTime(1000);
    expect(seen.splice(0)).toEqual([1, 2, 3, 4]);
    expect(history.playing).toBe(false);
    for (const stops of [() => history.play(100), () => history.choose(1)]) {
      history.play(100);
      vi.advanceTimersByTime(100);
      stops();
      vi.advanceTimersByTime(1000);
      expect(seen.splice(0)).toEqual([1, 2, 2]);
      expect(history.playing).toBe(false);
    }
    history.play(100);
    history.clear();
    vi.advanceTimersByTime(1000);
    expect({ seen, shown: history.shown }).toEqual({ seen: [1], shown: undefined });
  });

  test('is thinned evenly: it is never too long, and always has the newest picture', () => {
    const history = filled(0, 20);
    for (let step = 1; step <= 5000; step++) {
      history.add({ step });
      expect(history.length).toBeLessThanOrEqual(20);
      expect(history.shown?.step).toBe(step);
    }
    expect(history.length).toBeGreaterThanOrEqual(10);
    const steps = history.all.map(({ step }) => step);
    expect(steps[0]).toBe(1);
    const gaps = steps.slice(1, -1).map((step, i) => step - steps[i]);
    expect(Math.max(...gaps) / Math.min(...gaps)).toBeLessThan(3);
  });

  test('replaces the picture of a step that comes again', () => {
    const history = filled(5, 20);
    history.add({ step: 3, of: 'again' });
    expect({ historyCount: history.length, shown: history.shown }).toEqual({
      historyCount: 3,
      shown: { step: 3, of: 'again' },
    });
  });
});
