/** The page's message about a run whose device was lost, and its memory of earlier losses. */

import { adviceText, deviceLostText, recentLosses } from '../../../src/keeping/recoverer';
import { LEAST_STEPS } from '../../../src/keeping/store';
import type { SessionEvents } from '../../../src/worker';
import { whole } from '../../text/units';

/** The message of a lost device. `stored`: steps of the run that are kept in the browser's storage. */
export function lostMessage(
  { reason, step, recovers, advice }: SessionEvents['lost'],
  stored: number,
): string {
  const lost = deviceLostText(reason);
  return recovers ? `${lost} ${goesOnBy(advice, step, stored >= step && step >= LEAST_STEPS)}` : lost;
}

/** Says how a run of `step` steps continues. `kept`: in the browser's storage, from which the page offers it. */
function goesOnBy(advice: 'reload' | 'restart' | undefined, step: number, kept: boolean): string {
  const from = whole(step);
  if (!advice)
    return step > 0 ? `The run goes on by itself from step ${from}.` : 'The run begins again by itself.';
  const what =
    step === 0
      ? 'The run had no copy yet, and begins again.'
      : kept
        ? `Step ${from} of the run is kept in this browser.`
        : `Step ${from} of the run is not kept in this browser: save the checkpoint first.`;
  return `${adviceText(advice)} ${what}`;
}

const KEY = 'webgpu-diffusion-losses';

/** Times of recent device losses in this browser, in milliseconds; empty if the page cannot use the storage. */
export function rememberedLosses(): number[] {
  try {
    const times: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    const known = Array.isArray(times) ? times.filter((time) => typeof time === 'number') : [];
    return recentLosses(known, Date.now());
  } catch {
    return [];
  }
}

export function rememberLoss(): void {
  try {
    localStorage.setItem(KEY, JSON.stringify([...rememberedLosses(), Date.now()]));
  } catch {
    // Private windows of some browsers.
  }
}
