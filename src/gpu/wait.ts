/** Awaits promises of the GPU. Firefox polls too rarely and Dawn in Node too often; both are corrected here. */

/**
 * Firefox looks only every 100 ms whether work is done or a buffer is mapped, unless something is submitted meanwhile
 * (https://bugzilla.mozilla.org/show_bug.cgi?id=1870699): a step of many submissions would take seconds.
 */
const looksSeldom = /\bFirefox\//.test((globalThis.navigator as Navigator | undefined)?.userAgent ?? '');

/** Node's, and nobody else's if there is no `self`. */
const { setImmediate, self } = globalThis as { setImmediate?: (turn: () => void) => void; self?: unknown };
/**
 * Dawn's binding for Node looks in every turn of the event loop, as long as anything is awaited, and that keeps a core busy and the
 * garbage collector too. A software adapter wants this core: on two of them a training step takes 1.7 times as long without a rest.
 */
const looksAlways = setImmediate !== undefined && self === undefined;

/** What a turn of Node's event loop sleeps, as a share of the time waited so far, and at most. */
const REST_SHARE = 0.05;
const MOST_REST_MS = 1;
/** Nobody changes it, so that waiting for a change is sleeping. */
const NEVER = looksAlways ? new Int32Array(new SharedArrayBuffer(4)) : new Int32Array(1);

export class Waiter {
  private readonly nudge: () => void;
  private waiting = 0;
  private since = 0;
  private looping = false;

  /** `nudge` submits nothing. */
  constructor(nudge: () => void) {
    this.nudge = nudge;
  }

  /** The promise itself, with the runtime made to look often enough, but not more, until it is settled. */
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
