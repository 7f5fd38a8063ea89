/** Node's event loop while something of a device is awaited. What Firefox needs shows in the time that its lane takes. */
import { afterEach, beforeEach, expect, type MockInstance, test, vi } from 'vitest';
import { Waiter } from '../src/gpu/wait';

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

test('the loop rests in every turn while a promise is awaited, and only then', async () => {
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

test('what is awaited briefly is not delayed, and waits at the same time share their rests', async () => {
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
