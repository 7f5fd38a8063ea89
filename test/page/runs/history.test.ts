import { describe, expect, test } from 'vitest';
import { History } from '../../../harness/page/runs/history';

const filled = (count: number, most: number) => {
  const history = new History<string>(most);
  for (let step = 1; step <= count; step++) history.add(step, `grid ${step}`);
  return history;
};

describe('the history of pictures', () => {
  test('stays at a chosen picture while more come, until the last one is chosen', () => {
    const history = filled(3, 10);
    history.choose(1);
    history.add(4, 'grid 4');
    expect(history.shown?.step).toBe(2);
    history.choose(3);
    history.add(5, 'grid 5');
    expect(history.shown?.step).toBe(5);
  });

  test('is thinned evenly: it is never too long, and always has the newest picture', () => {
    const history = new History<number>(20);
    for (let step = 1; step <= 5000; step++) {
      history.add(step, step);
      expect(history.length).toBeLessThanOrEqual(20);
      expect(history.shown?.step).toBe(step);
    }
    expect(history.length).toBeGreaterThanOrEqual(10);
    const steps = Array.from({ length: history.length }, (_, i) => {
      history.choose(i);
      return history.shown!.step;
    });
    expect(steps[0]).toBe(1);
    const gaps = steps.slice(1, -1).map((step, i) => step - steps[i]);
    expect(Math.max(...gaps) / Math.min(...gaps)).toBeLessThan(3);
  });

  test('replaces the picture of a step that comes again', () => {
    const history = filled(5, 20);
    history.add(3, 'again');
    expect(history.length).toBe(3);
    expect(history.shown).toEqual({ step: 3, value: 'again' });
  });
});
