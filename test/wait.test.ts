/** Node's event loop while something of a device is awaited. What Firefox needs shows in the time that its lane takes. */
import { expect, test } from 'vitest';
import { Waiter } from '../src/gpu/wait';

const after = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Turns of the event loop per millisecond until `promise` is settled, as many as an immediate that sets itself again can get. */
async function turnsDuring(promise: Promise<unknown>): Promise<number> {
  let turns = 0;
  let counting = true;
  const start = performance.now();
  const count = () => {
    turns++;
    if (counting) setImmediate(count);
  };
  setImmediate(count);
  await promise.catch(() => {});
  counting = false;
  return turns / (performance.now() - start);
}

test('the loop rests while a promise is awaited, and only then', async () => {
  const waiter = new Waiter(() => {});
  const busy = await turnsDuring(after(100));
  expect(await turnsDuring(waiter.wait(after(100)))).toBeLessThan(busy / 5);
  expect(await turnsDuring(after(100))).toBeGreaterThan(busy / 3);
  const failure = after(100).then(() => Promise.reject(new Error('lost')));
  expect(await turnsDuring(waiter.wait(failure))).toBeLessThan(busy / 5);
  expect(await turnsDuring(after(100))).toBeGreaterThan(busy / 3);
  await expect(waiter.wait(Promise.reject(new Error('lost')))).rejects.toThrow('lost');
  expect(await waiter.wait(Promise.resolve(7))).toBe(7);
});

test('what is awaited briefly is not delayed, and waits at the same time share their rests', async () => {
  const waiter = new Waiter(() => {});
  const start = performance.now();
  for (let i = 0; i < 200; i++) await waiter.wait(new Promise((resolve) => setImmediate(resolve)));
  expect(performance.now() - start).toBeLessThan(100); // a rest of 1 ms each would be 200
  // Each turn takes a millisecond, not five.
  const turns = await turnsDuring(Promise.all([1, 2, 3, 4, 5].map(() => waiter.wait(after(200)))));
  expect(turns).toBeGreaterThan(0.4);
});
