/**
 * What to do about a lost device: when to ask for another, and what to tell people meanwhile. It holds no timer and asks nobody; whoever
 * trains calls it, and goes on from the last copy.
 *
 * What Chromium does (version 156, whose GPU process was killed): after the first loss it gives a device at once. After a second one
 * within two minutes it gives the page none until two minutes have passed, or the page is reloaded. After a third within the hour it gives
 * none to any page before it is started again. So there are quick tries, then slow ones for good, and advice by how often it happened.
 */

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 30_000;
/** So many tries without a device are not told of: a driver that starts again takes a moment. */
const QUIET_TRIES = 3;
/** What is longer ago has been forgiven. */
const MEMORY_MS = 60 * 60_000;
/** So many losses within that time, and a browser gives no device any more. */
const TOO_MANY = 3;

export interface Attempt {
  /** Milliseconds until another device is to be asked for. */
  readonly wait: number;
  /** What else helps: a reload of the page, or only another start of the browser. */
  readonly advice?: 'reload' | 'restart';
}

export class Recoverer {
  private losses: readonly number[];
  private tries = 0;

  /** `losses`: when devices were lost before, as by an earlier load of the page. Times are milliseconds, as of Date.now(). */
  constructor(losses: readonly number[] = []) {
    this.losses = losses;
  }

  /** A device was lost at `now`. */
  lost(now: number): Attempt {
    this.losses = [...recentLosses(this.losses, now), now];
    this.tries = 0;
    return { wait: FIRST_WAIT_MS };
  }

  /** Another device was asked for, and none came. */
  failed(now: number): Attempt {
    this.tries++;
    const wait = Math.min(FIRST_WAIT_MS * 2 ** this.tries, LONGEST_WAIT_MS);
    if (this.tries < QUIET_TRIES) return { wait };
    return { wait, advice: isHopeless(this.losses, now) ? 'restart' : 'reload' };
  }
}

/** Those that still count. */
export const recentLosses = (losses: readonly number[], now: number): number[] =>
  losses.filter((at) => now - at < MEMORY_MS);

/** Whether a browser is likely to give no device before it is restarted. */
export const isHopeless = (losses: readonly number[], now: number): boolean =>
  recentLosses(losses, now).length >= TOO_MANY;
