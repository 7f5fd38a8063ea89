/** Node's event loop while something of a device is awaited. What Firefox needs shows in the time that its lane takes. */
import { afterEach, expect, test, vi } from 'vitest';
import { afterSeconds } from '../../src/base/time';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A wait that the test ends, and the milliseconds that Node rests in each turn, which takes 1 ms. */
async function waiting() {
  vi.useFakeTimers();
  // It takes what a turn is when it is loaded.
  vi.resetModules();
  const { Waiter } = await import('../../src/base/time');
  const rests: number[] = [];
  vi.spyOn(Atomics, 'wait').mockImplementation((_array, _at, _value, milliseconds) => {
    rests.push(milliseconds!);
    return 'timed-out';
  });
  const waiter = new Waiter(() => {});
  const wait = () => {
    let end = (_: unknown) => {};
    const promise = new Promise((resolve) => {
      end = resolve;
    });
    return { promise: waiter.wait(promise), end };
  };
  /** The rests of these turns. */
  const restsIn = (turns: number) => {
    rests.length = 0;
    for (let i = 0; i < turns; i++) vi.advanceTimersToNextTimer();
    return rests;
  };
  return { wait, restsIn };
}

test.each([
  ['resolves', async () => 'done'],
  ['rejects', () => Promise.reject(new Error('lost'))],
])(
  "Node's event loop rests in every turn until what Waiter.wait awaits %s, and only then",
  async (_, result) => {
    const { wait, restsIn } = await waiting();
    const { promise, end } = wait();
    expect(restsIn(9)).toHaveLength(9);
    end(result());
    expect(await promise.catch(({ message }) => message)).toBe(
      await result().catch(({ message }) => message),
    );
    expect([...restsIn(9), vi.getTimerCount()]).toEqual([0]);
  },
);

test('Waiter.wait rests for a twentieth of the time waited so far, 1 ms at most; waits at the same time share their rests', async () => {
  const { wait, restsIn } = await waiting();
  const first = wait();
  const rests = [...restsIn(10)];
  const others = [wait(), wait(), wait()];
  rests.push(...restsIn(20));
  expect(rests).toEqual(Array.from({ length: 30 }, (_, turn) => expect.closeTo(Math.min(1, turn / 20), 9)));
  for (const { promise, end } of [first, ...others]) {
    end(0);
    await promise;
  }
  expect(restsIn(9)).toEqual([]);
  wait();
  expect(restsIn(1)).toEqual([0]);
});

test('afterSeconds counts seconds in which timers tick on time, not time asleep or in a debugger', () => {
  vi.useFakeTimers();
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
  expect(late).toHaveBeenCalledTimes(1);
  expect(off).toHaveBeenCalledTimes(0);
});
