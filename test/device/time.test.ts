/** Node's event loop while something of a device is awaited. What Firefox needs shows in the time that its lane takes. */
import { afterEach, expect, test, vi } from 'vitest';
import { afterSeconds, Waiter } from '../../src/base/time';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A wait that the test ends, and the milliseconds that Node rests in each turn: the clock stands still unless the test moves it. */
function waiting() {
  vi.useFakeTimers({ toFake: ['performance'] });
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
  const restsIn = async (turns: number) => {
    rests.length = 0;
    for (let i = 0; i < turns; i++) await turn();
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
    const { wait, restsIn } = waiting();
    const { promise, end } = wait();
    expect(await restsIn(9)).toHaveLength(9);
    end(result());
    expect(await promise.catch(({ message }) => message)).toBe(
      await result().catch(({ message }) => message),
    );
    await turn(); // its last one
    expect(await restsIn(9)).toEqual([]);
  },
);

test('Waiter.wait rests for a twentieth of the time waited so far, 1 ms at most; waits at the same time share their rests', async () => {
  const { wait, restsIn } = waiting();
  const first = wait();
  expect(await restsIn(2)).toEqual([0, 0]);
  vi.advanceTimersByTime(10);
  const others = [wait(), wait(), wait()];
  expect(await restsIn(3)).toEqual([0.5, 0.5, 0.5]);
  vi.advanceTimersByTime(1000);
  expect(await restsIn(1)).toEqual([1]);
  for (const { promise, end } of [first, ...others]) {
    end(0);
    await promise;
  }
  const next = wait();
  expect(await restsIn(1)).toEqual([0]);
  next.end(0);
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
  expect([late.mock.calls.length, off.mock.calls.length]).toEqual([1, 0]);
});
