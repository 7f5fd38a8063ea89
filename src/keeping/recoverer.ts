/**
 * The policy after a lost device: when to request another, and the advice for people meanwhile. It has no timer and requests nothing itself;
 * the training session calls it, and goes on from the last copy.
 *
 * Chromium (version 156, whose GPU process was killed) gives a device at once after the first loss. After a second loss within two minutes it
 * gives the page none until two minutes have passed, or the page is reloaded. After a third within the hour it gives none to any page before
 * it is restarted. So the first attempts follow quickly, later ones slowly without end, and the advice depends on the number of losses.
 */

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 30_000;
/** Failed attempts that are not reported: a driver restart takes a moment. */
const QUIET_TRIES = 3;
/** Earlier losses do not count. */
const MEMORY_MS = 60 * 60_000;
/** After this many losses within that time a browser gives no device any more. */
const TOO_MANY = 3;

export interface Attempt {
  /** Milliseconds until the next request for a device. */
  readonly wait: number;
  /** The remedy, if waiting may not help: a reload of the page, or a restart of the browser. */
  readonly advice?: 'reload' | 'restart';
}

export class Recoverer {
  private losses: readonly number[];
  private tries = 0;

  /** `losses`: the times of earlier losses, from a previous load of the page for instance. Times are milliseconds by Date.now(). */
  constructor(losses: readonly number[] = []) {
    this.losses = losses;
  }

  /** Notes that a device was lost at `now`. */
  lost(now: number): Attempt {
    this.losses = [...recentLosses(this.losses, now), now];
    this.tries = 0;
    return { wait: FIRST_WAIT_MS };
  }

  /** Notes that a request for another device has failed. */
  failed(now: number): Attempt {
    this.tries++;
    const wait = Math.min(FIRST_WAIT_MS * 2 ** this.tries, LONGEST_WAIT_MS);
    if (this.tries < QUIET_TRIES) return { wait };
    const isHopeless = recentLosses(this.losses, now).length >= TOO_MANY;
    return { wait, advice: isHopeless ? 'restart' : 'reload' };
  }
}

/** The losses that still count. */
export const recentLosses = (losses: readonly number[], now: number): number[] =>
  losses.filter((at) => now - at < MEMORY_MS);

// ---------------------------------------------------------------- messages for people: the engine's own error addresses programs

export function deviceLostText(reason: string): string {
  const why = reason ? ` (${reason.replace(/\.$/, '')})` : '';
  return `The GPU device was lost${why}. Drivers reset it when they crash, are updated, or run out of memory.`;
}

/** The advice where the browser gave no other device. */
export const adviceText = (advice: NonNullable<Attempt['advice']>): string =>
  advice === 'reload'
    ? 'The browser gives no other one yet. Reload the page, or wait: Chrome gives one after about two minutes, and then the run goes on by itself.'
    : 'It was lost too often, and the browser gives no other one: close all its windows and start it again.';

export function lostText(reason: string, attempt: Attempt | undefined): string {
  const lost = deviceLostText(reason);
  if (!attempt) return lost;
  return `${lost} ${attempt.advice ? adviceText(attempt.advice) : 'The run goes on by itself.'}`;
}
