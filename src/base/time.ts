/**
 * Every wait of the library that has a limit. `afterSeconds` and `watch` count only time in which the program ran, `withTimeout` and `passes`
 * count all. `Waiter` awaits the GPU: Firefox polls it too rarely and Dawn in Node too often.
 */
import { dataError } from './errors';

/**
 * Firefox checks only every 100 ms whether work is done or a buffer is mapped, unless something is submitted meanwhile
 * (https://bugzilla.mozilla.org/show_bug.cgi?id=1870699): a step of many submissions would take seconds.
 */
const looksSeldom = /\bFirefox\//.test((globalThis.navigator as Navigator | undefined)?.userAgent ?? '');

/** `setImmediate` without `self` exists only in Node. */
const { setImmediate, self } = globalThis as { setImmediate?: (turn: () => void) => void; self?: unknown };
/**
 * Dawn's binding for Node polls in every turn of the event loop while anything is awaited, which keeps a core and the garbage collector
 * busy. A software adapter needs that core: on two cores a training step takes 1.7 times as long without pauses.
 */
const looksAlways = setImmediate !== undefined && self === undefined;

/** A turn of Node's event loop sleeps for this share of the time waited so far, up to a maximum. */
const REST_SHARE = 0.05;
const MOST_REST_MS = 1;
/** It never changes, so waiting for a change is a sleep. */
const NEVER = looksAlways ? new Int32Array(new SharedArrayBuffer(4)) : new Int32Array(1);

export class Waiter {
  private readonly nudge: () => void;
  private waiting = 0;
  private since = 0;
  private looping = false;

  /** `nudge` makes an empty submission. */
  constructor(nudge: () => void) {
    this.nudge = nudge;
  }

  /** Settles like `promise`. Until then, makes the runtime poll often enough, but not more. */
  wait<T>(promise: Promise<T>): Promise<T> {
    if (!looksSeldom && !looksAlways) return promise;
    if (this.waiting++ === 0) this.since = performance.now();
    if (!this.looping) {
      this.looping = true;
      this.next();
    }
    return promise.finally(() => {
      this.waiting--;
    });
  }

  private next(): void {
    if (looksSeldom) setTimeout(this.turn, 1);
    else setImmediate?.(this.turn);
  }

  private readonly turn = (): void => {
    this.looping = this.waiting > 0;
    if (!this.looping) return;
    if (looksSeldom) this.nudge();
    else Atomics.wait(NEVER, 0, 0, Math.min(MOST_REST_MS, REST_SHARE * (performance.now() - this.since)));
    this.next();
  };
}

const TICK_SECONDS = 1;

/**
 * Calls `then` after `seconds` in which ticks came on time: while the computer sleeps, or a debugger holds the program, nothing can be
 * late. Returns a function that cancels it.
 */
export function afterSeconds(seconds: number, then: () => void): () => void {
  const tick = 1000 * Math.min(TICK_SECONDS, seconds / 4);
  let left = 1000 * seconds;
  let last = performance.now();
  const timer = setInterval(() => {
    const took = performance.now() - last;
    last += took;
    if (took < 2 * tick) left -= took;
    if (left > tick / 2) return;
    clearInterval(timer);
    then();
  }, tick);
  return () => clearInterval(timer);
}

/** Settles as `work` does; calls `late` if that takes more than `seconds` in which ticks came on time. */
export function watch<T>(work: Promise<T>, seconds: number, late: () => void): Promise<T> {
  return work.finally(afterSeconds(seconds, late));
}

/** Whether `milliseconds`, which may be infinite, pass before `promise` settles. */
export function passes(milliseconds: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const time = new Promise<boolean>((resolve) => {
    if (milliseconds < Infinity) timer = setTimeout(resolve, milliseconds, true);
  });
  const settled = () => false;
  return Promise.race([time, promise.then(settled, settled)]).finally(() => clearTimeout(timer));
}

/** Storage: more than the largest checkpoint takes on a slow disk. */
const PATIENCE_MS = 10_000;

/** Resolves or rejects as `work` does; rejects with a `data` error with `text` after `ms`. `work` itself goes on. */
export async function withTimeout<T>(
  work: Promise<T>,
  ms = PATIENCE_MS,
  text = `The storage has not answered for ${ms / 1000} s.`,
): Promise<T> {
  if (await passes(ms, work)) throw dataError(text);
  return work;
}
