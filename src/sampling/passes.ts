/** The passes of the network that a sampling run consists of: plain numbers, no GPU. */

import { STREAM, threefry } from '../base/random';
import { SAMPLING_STEP, SAMPLING_STEP_WORDS } from '../plan/sampling_step';
import type { Polish, Sampling } from '../unet/sampling';

/** Words of a row: SamplingStep, then the share of the prediction (for `mix` and a polish), then padding. */
export const ROW_WORDS = 12;
export const SHARE_AT = SAMPLING_STEP_WORDS;

/** One pass of the network. */
export interface Pass {
  readonly row: Float32Array<ArrayBuffer>;
  /** Whether the pass begins a step: known pixels are then put into x first. */
  readonly begins: boolean;
  /** Whether the pass ends a step, or the polish: x is then the next step's x. */
  readonly ends: boolean;
  /** The number of noises before it, for a pass that polishes. */
  readonly polish?: number;
}

export interface PassOptions
  extends Pick<Sampling, 'method' | 'steps' | 'guidanceRange' | 'shift' | 'polish'> {
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

function seeded(row: Pass['row'], seed: number): Pass['row'] {
  new Uint32Array(row.buffer)[SAMPLING_STEP.seed] = seed;
  return row;
}

/** All pixels count as known. */
const ALL_KNOWN = -1;

/** At the start, all pixels count as known, (1 - from) start + from noise, and the noise is made from `seed`. */
export const firstRow = (from: number, seed: number) =>
  seeded(row({ level: from, knownFrom: ALL_KNOWN }), seed);

/** After a polish, all pixels are the mean's. */
export const meanRow = () => row({ level: 0, knownFrom: ALL_KNOWN });

/** At the end, the pixels known by the mask, without noise. */
export const lastRow = () => row({ level: 0, knownFrom: KNOWN });

/** A mask is 1 where pixels are known, 0 elsewhere. */
const KNOWN = 0.5;

/** The level after `done` of `steps` steps. */
function levelAt({ from, steps, shift = 1 }: Pick<PassOptions, 'from' | 'steps' | 'shift'>, done: number) {
  const left = 1 - done / steps;
  return (from * shift * left) / (1 + (shift - 1) * left);
}

/** The passes of a run's steps, then the ones that polish, with noises that follow from `seed`. */
export function listPasses(options: PassOptions, seed: number): Pass[] {
  const { method, steps, guidance, guidanceRange, polish } = options;
  const [low, high] = (guidanceRange ?? [0, 1]).map(Math.fround);
  // Compared as the GPU has it, so that rounding puts no level outside.
  const guidanceAt = (level: number) =>
    Math.fround(level) >= low && Math.fround(level) <= high ? guidance : 1;
  const ofSteps = Array.from({ length: steps }, (_, i): Pass[] => {
    const [before, level, next] = [i - 1, i, i + 1].map((done) => levelAt(options, done));
    const common = { level, guidance: guidanceAt(level), knownFrom: KNOWN };
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
  return [...ofSteps, ...(polish ? polishOf(polish, guidanceAt(polish.level), seed) : [])];
}

/** Each pass goes from new noise on the image to the predicted image, which counts as much as each before. */
function polishOf({ noises, level }: Polish, guidance: number, seed: number): Pass[] {
  return Array.from({ length: noises }, (_, i) => {
    const values = { level, step: -level, guidance, knownFrom: ALL_KNOWN };
    const [noise] = threefry(seed, STREAM.polish, i, 0);
    return { row: seeded(row(values, 1 / (i + 1)), noise), begins: false, ends: i === noises - 1, polish: i };
  });
}

/**
 * A step of Adams-Bashforth of second order after a step of length `before`: the velocity goes on as it changed, so that its mean over the
 * step is v + (v - v_old) step / (2 before).
 */
function extrapolated(step: number, before: number) {
  const ratio = step / (2 * before);
  return { step: (1 + ratio) * step, correction: -ratio * step };
}

/** The clean image at which a step's velocity (the second of Heun's) points; after a polish, x. */
export function predictClean(
  settings: Pick<PassOptions, 'method' | 'steps' | 'from' | 'shift'>,
  step: number,
  { input, after, velocity }: Readonly<Record<'input' | 'after' | 'velocity', Float32Array>>,
): Float32Array<ArrayBuffer> {
  if (step === settings.steps) return Float32Array.from(after);
  // The end of a step lies on the way there, but for a step that extrapolates.
  const [x, done] = settings.method === 'adams' ? [input, step] : [after, step + 1];
  const level = levelAt(settings, done);
  return Float32Array.from(velocity, (v, i) => x[i] - level * v);
}
