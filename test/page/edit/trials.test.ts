import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { TrialEvent, TrialOrder } from '../../../harness/page/edit/trial_messages';
import { Trials } from '../../../harness/page/edit/trials';

/** Workers that do nothing by themselves. */
class IdleWorker {
  static all: IdleWorker[] = [];
  onmessage: ((message: { data: TrialEvent }) => void) | undefined;
  orders: TrialOrder[] = [];
  ended = false;

  constructor() {
    IdleWorker.all.push(this);
  }

  postMessage(order: TrialOrder): void {
    this.orders.push(order);
  }

  terminate(): void {
    this.ended = true;
  }

  /** Answers the newest order. */
  say(event: { progress: string } | Pick<TrialEvent & { result: unknown }, 'result'>): void {
    this.onmessage!({ data: { id: this.orders.at(-1)!.id, ...event } as TrialEvent });
  }
}

beforeEach(() => {
  IdleWorker.all = [];
  vi.useFakeTimers();
  vi.stubGlobal('Worker', IdleWorker);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const order = { texts: {} } as unknown as Omit<TrialOrder, 'id'>;

test('a trial that is silent for a minute is ended with its worker; the next trial gets a new worker', async () => {
  const trials = new Trials();
  const heard: string[] = [];
  const silent = trials.run(order, (text) => heard.push(text));
  const [first] = IdleWorker.all;
  // As long as its program takes to load.
  vi.advanceTimersByTime(200_000);
  expect(first.ended).toBe(false);
  first.say({ progress: 'Starting' });
  vi.advanceTimersByTime(59_000);
  first.say({ progress: 'Timing' });
  vi.advanceTimersByTime(59_000);
  expect(first.ended).toBe(false);
  vi.advanceTimersByTime(2_000);
  const result = await silent;
  expect(result).toMatchObject({ kind: 'failed', message: expect.stringContaining('after 60 seconds') });
  expect(first.ended).toBe(true);
  expect(heard).toEqual(['Starting', 'Timing']);

  const next = trials.run(order, () => {});
  expect(IdleWorker.all).toHaveLength(2);
  IdleWorker.all[1].say({ result: { kind: 'same' } });
  expect(await next).toEqual({ kind: 'same' });
  vi.advanceTimersByTime(100_000);
  expect(IdleWorker.all[1].ended).toBe(false);
});

test('another trial takes the place of one that is under way', async () => {
  const trials = new Trials();
  const given = trials.run(order, () => {});
  const taken = trials.run(order, () => {});
  expect(await given).toBeUndefined();
  expect(IdleWorker.all.map(({ ended }) => ended)).toEqual([true, false]);
  IdleWorker.all[1].say({ result: { kind: 'failed', message: 'lost' } });
  expect(await taken).toEqual({ kind: 'failed', message: 'lost' });
  // What the lost trial left behind is unknown.
  expect(IdleWorker.all[1].ended).toBe(true);
});
