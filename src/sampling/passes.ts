/** The passes of the network that a sampling run consists of: plain numbers, no GPU. */

import { SAMPLING_STEP, SAMPLING_STEP_WORDS } from '../plan/sampling_step';
import type { Sampling } from '../unet/sampling';

/** Words of a row: SamplingStep, then the share of the prediction (for `mix`), then padding. */
export const ROW_WORDS = 12;
export const SHARE_AT = SAMPLING_STEP_WORDS;

/** One pass of the network. */
export interface Pass {
  readonly row: Float32Array<ArrayBuffer>;
  /** Whether the pass begins a step: known pixels are then put into x first. */
  readonly begins: boolean;
  /** Whether the pass ends a step: x is then the next step's x. */
  readonly ends: boolean;
}

export interface PassOptions extends Pick<Sampling, 'method' | 'steps' | 'guidanceRange'> {
  /** The level at which the run begins. */
  readonly from: number;
  readonly guidance: number;
}

function row(values: Partial<Record<keyof typeof SAMPLING_STEP, number>>, share = 0): Pass['row'] {
  const words = new Float32Array(ROW_WORDS);
  for (const [name, value] of Object.entries(values))
    words[SAMPLING_STEP[name as keyof typeof SAMPLING_STEP]] = value;
  words[SHARE_AT] = share;
  return words;
}

/** At the start, all pixels count as known, (1 - from) start + from noise, and the noise is made from `seed`. */
export function firstRow(from: number, seed: number): Pass['row'] {
  const first = row({ level: from, knownFrom: -1 });
  new Uint32Array(first.buffer)[SAMPLING_STEP.seed] = seed;
  return first;
}

/** At the end, the pixels known by the mask, without noise. */
export const lastRow = () => row({ level: 0, knownFrom: KNOWN });

/** A mask is 1 where pixels are known, 0 elsewhere. */
const KNOWN = 0.5;

/** The level after `done` of `steps` steps. */
export const levelAt = ({ from, steps }: Pick<PassOptions, 'from' | 'steps'>, done: number) =>
  from * (1 - done / steps);

export function passesOf({ method, steps, from, guidance, guidanceRange }: PassOptions): Pass[] {
  const [low, high] = (guidanceRange ?? [0, 1]).map(Math.fround);
  return Array.from({ length: steps }, (_, i): Pass[] => {
    const [before, level, next] = [i - 1, i, i + 1].map((done) => levelAt({ from, steps }, done));
    // Compared as the GPU has it, so that rounding puts no level outside.
    const guided = Math.fround(level) >= low && Math.fround(level) <= high;
    const common = { level, guidance: guided ? guidance : 1, knownFrom: KNOWN };
    if (method === 'mix') return [{ row: row(common, 1 / (steps - i)), begins: true, ends: true }];
    const step = next - level;
    if (method === 'adams' && i > 0) {
      const moves = extrapolated(step, level - before);
      return [{ row: row({ ...common, ...moves }), begins: true, ends: true }];
    }
    const first = row({ ...common, step });
    if (method !== 'heun' || i === steps - 1) return [{ row: first, begins: true, ends: true }];
    // The first pass moved x by the whole step; this adds half of the difference between the two velocities.
    const second = row({ ...common, level: next, step: step / 2, correction: -step / 2 });
    return [
      { row: first, begins: true, ends: false },
      { row: second, begins: false, ends: true },
    ];
  }).flat();
}

/**
 * A step of Adams-Bashforth of second order after a step of length `before`: the velocity goes on as it changed, so that its mean over the
 * step is v + (v - v_old) step / (2 before).
 */
export function extrapolated(step: number, before: number) {
  const ratio = step / (2 * before);
  return { step: (1 + ratio) * step, correction: -ratio * step };
}

/** The clean image at which a step's velocity (the second of Heun's) points. */
export function predictionOf(
  settings: Pick<PassOptions, 'method' | 'steps' | 'from'>,
  step: number,
  { input, after, velocity }: Readonly<Record<'input' | 'after' | 'velocity', Float32Array>>,
): Float32Array<ArrayBuffer> {
  // The end of a step lies on the way there, but for a step that extrapolates.
  const [x, done] = settings.method === 'adams' ? [input, step] : [after, step + 1];
  const level = levelAt(settings, done);
  return Float32Array.from(velocity, (v, i) => x[i] - level * v);
}
