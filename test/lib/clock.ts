/** Clocks that tests move by hand, with `vi.advanceTimersByTime`; each begins with `holdTimers` and ends with `vi.useRealTimers`. */
import { vi } from 'vitest';

/** Holds timers and these clocks. Node's turns, by which its device is polled, go on. */
export const holdTimers = (...clocks: 'performance'[]) =>
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', ...clocks],
  });

/** For a fake that takes its time, by a clock that is held where its test holds one. */
export const after = <T>(milliseconds: number, value?: T) =>
  new Promise<T>((resolve) => setTimeout(resolve, milliseconds, value));

/** Holds timers and lets them run out, one in each turn, so that what needs none comes first; `Date` says how long they were to take. */
export async function hurry(): Promise<void> {
  holdTimers();
  while (vi.isFakeTimers()) {
    vi.advanceTimersToNextTimer();
    await vi.dynamicImportSettled();
  }
}
