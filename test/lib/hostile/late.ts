/** What becomes of training where the driver compiles one shader or another for long, or for ever. */

import { EngineError, type Progress } from '../../../src/index';
import { memoryCache } from '../../../src/trust/cache';
import {
  type healthyVisit,
  isOnlyForm,
  mayLeaveOut,
  type Outcome,
  type Place,
  type Result,
  trainOn,
  tryEach,
} from './rows';

/** In place of 10 or 60 s. */
export const DEADLINE = 0.3;
/** The longest that an error may come after it could have, in seconds. */
const LATEST = 30;

export interface LateRow {
  readonly shader: string;
  readonly remembered: boolean;
  /** Whether the pipeline never comes. Otherwise it comes two deadlines late. */
  readonly never: boolean;
}

/** An outcome, the messages about shaders that take long, and how many seconds all took. */
type Told = Outcome & {
  readonly told: readonly Progress[];
  readonly last: Progress | undefined;
  readonly seconds: number;
};

/** What is wrong with what came of a row, or nothing. */
function complaint(row: LateRow, place: Place, used: boolean, healthy: Outcome, outcome: Told) {
  const { losses, warnings, variants, error, told, last, seconds } = outcome;
  const onGpu = place.adapterInfo !== undefined;
  const late = `its shader ${row.shader} has been compiling for `;
  const odd = warnings.find(
    ({ code, message, kernel, variant }) =>
      !onGpu ||
      code !== 'slow-kernel' ||
      !message.includes(`${kernel}.${variant} cannot be used on this adapter`) ||
      !message.includes(late) ||
      Object.entries(variants).some(([at, v]) => at.startsWith(`${kernel}/`) && v === variant),
  );
  if (odd) return `it warns of ${JSON.stringify(odd)}`;
  if (row.shader === 'difference' && told.length > 0) return 'the tuner waits for what it compares with';
  const words = told.every((t) => t.kernel?.includes('.') && t.seconds! >= 0.8 * DEADLINE);
  const isWaitedFor = used && !mayLeaveOut(place, row.shader);
  if (!words || (isWaitedFor && told.length === 0)) return `its messages are ${JSON.stringify(told)}`;
  if (!error) {
    if (used && last && last.done !== last.total) return `its progress ends at ${JSON.stringify(last)}`;
    if (row.never && used && !onGpu) return 'it trains without a shader';
    const isRight = losses.every((loss, i) =>
      onGpu ? Math.abs(loss / healthy.losses[i] - 1) < 1e-5 : loss === healthy.losses[i],
    );
    return isRight ? undefined : `the losses are ${losses}, not ${healthy.losses}`;
  }
  const { kernel = '', variant = '', message } = error;
  if (!row.never || !(error instanceof EngineError) || error.code !== 'shader') return `it ends in ${error}`;
  const parts = [`${kernel}.${variant} cannot be used`, late, 'deadlineSeconds', 'Update the'];
  if (!parts.every((part) => message.includes(part))) return `it ends in unclear words: ${message}`;
  if (onGpu && !isOnlyForm(kernel, variant)) return `${kernel} has other forms than ${variant}: ${message}`;
  return seconds < 10 * DEADLINE + LATEST ? undefined : `its end took ${seconds} s`;
}

/** Delays one shader after the other, each in the visit after `healthy`, or where nothing is remembered. */
export const delayEach = (
  device: GPUDevice,
  place: Place,
  healthy: Awaited<ReturnType<typeof healthyVisit>>,
  rows: readonly LateRow[],
): Promise<Result> =>
  tryEach(rows, async (row) => {
    const { shader, remembered, never } = row;
    const told: Progress[] = [];
    let last: Progress | undefined;
    const onProgress = (progress: Progress) => {
      if (progress.task === 'compiling') last = progress;
      if (progress.seconds !== undefined) told.push(progress);
    };
    const cache = remembered ? healthy.remembered : memoryCache();
    const delays = (name: string) => (name !== shader ? 0 : never ? Infinity : 3 * DEADLINE);
    const start = performance.now();
    const outcome = await trainOn(
      device,
      place,
      cache,
      { delays },
      { deadlineSeconds: DEADLINE, onProgress },
    );
    const seconds = (performance.now() - start) / 1000;
    const used = healthy.used.includes(shader);
    const fault = complaint(row, place, used, healthy, { ...outcome, told, last, seconds });
    return [`${shader}${remembered ? ', remembered' : ''}${never ? ', never' : ', late'}`, fault, outcome];
  });
