/** Node's event loop while something of a device is awaited. What Firefox needs shows in the time that its lane takes. */
import { afterEach, beforeEach, expect, type MockInstance, test, vi } from 'vitest';
import { afterSeconds, Waiter } from '../../src/base/time';

const after = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Every rest is one call of this. */
let rest: MockInstance<typeof Atomics.wait>;
beforeEach(() => {
  rest = vi.spyOn(Atomics, 'wait') as typeof rest;
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** Turns of the event loop until `promise` is settled, as many as an immediate that sets itself again can get, and rests in them. */
async function turnsDuring(promise: Promise<unknown>): Promise<{ turns: number; rests: number }> {
  let turns = 0;
  let counting = true;
  rest.mockClear();
  const count = () => {
    turns++;
    if (counting) setImmediate(count);
  };
  setImmediate(count);
  await promise.catch(() => {});
  counting = false;
  return { turns, rests: rest.mock.calls.length };
}

test("while Waiter.wait awaits a promise, Node's event loop rests in every turn, and only then", async () => {
  const waiter = new Waiter(() => {});
  const failure = () => after(100).then(() => Promise.reject(new Error('lost')));
  for (const promise of [() => after(100), failure]) {
    expect(await turnsDuring(after(50))).toMatchObject({ rests: 0 });
    const { turns, rests } = await turnsDuring(waiter.wait(promise()));
    expect(rests).toBeGreaterThan(2);
    expect(Math.abs(turns - rests)).toBeLessThanOrEqual(2);
    await after(0); // its last turn
  }
  expect(await turnsDuring(after(50))).toMatchObject({ rests: 0 });
  await expect(waiter.wait(Promise.reject(new Error('lost')))).rejects.toThrow('lost');
  expect(await waiter.wait(Promise.resolve(7))).toBe(7);
});

test('Waiter.wait does not delay short waits, and waits at the same time share their rests', async () => {
  const waiter = new Waiter(() => {});
  const start = performance.now();
  for (let i = 0; i < 200; i++) await waiter.wait(new Promise((resolve) => setImmediate(resolve)));
  const rested = rest.mock.calls.reduce((sum, [, , , milliseconds]) => sum + milliseconds!, 0);
  // A rest of 1 ms each would be nearly all of the time.
  expect(rested).toBeLessThan(0.1 * (performance.now() - start));
  await after(0);
  const { turns, rests } = await turnsDuring(Promise.all([1, 2, 3, 4, 5].map(() => waiter.wait(after(200)))));
  expect(rests).toBeGreaterThan(2);
  expect(rests).toBeLessThanOrEqual(turns + 2);
});

test('afterSeconds counts seconds in which timers tick on time, not time asleep or in a debugger', () => {
  vi.useFakeTimers();
  try {
    const now = performance.now.bind(performance);
    let slept = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now() + slept);
    const late = vi.fn();
    const off = vi.fn();
    afterSeconds(10, late);
    const callOff = afterSeconds(5, off);
    vi.advanceTimersByTime(4_500);
    callOff();
    // The clock goes on, and no timer fires.
    for (const sleep of [3_600_000, 3_000, 3_000, 3_000]) {
      slept += sleep;
      vi.advanceTimersByTime(1_000);
    }
    vi.advanceTimersByTime(5_400);
    expect(late).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1_000);
    expect(late).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(60_000);
    expect([late.mock.calls.length, off.mock.calls.length]).toEqual([1, 0]);
  } finally {
    vi.useRealTimers();
  }
});
