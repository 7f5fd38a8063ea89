/** Messages for people about a lost device. The engine's own error addresses programs, which can create another engine. */
import type { Attempt } from './recoverer';

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
