/** The passes of the network that a sampling run consists of: plain numbers, no GPU. */
import { SAMPLING_STEP, SAMPLING_STEP_WORDS } from './step';

/**
 * How noise becomes an image. `mix` is the tutorial's method: each step moves 1 / (steps left) of the way to the network's prediction. The
 * others follow the velocity that a network with the objective `flow` was trained on, from level 1 down to 0: `euler` evaluates it once per
 * step; `heun` evaluates it again at the end of the step and takes the mean of both (except in the last step).
 */
export type SamplingMethod = 'mix' | 'euler' | 'heun';

export const METHODS: readonly SamplingMethod[] = ['mix', 'euler', 'heun'];

/** Words of a row: SamplingStep, then the share of the prediction (for `mix`), then padding. */
export const ROW_WORDS = 12;
export const SHARE_AT = SAMPLING_STEP_WORDS;

/** One pass of the network. */
export interface Pass {
  readonly row: Float32Array<ArrayBuffer>;
  /** Whether the pass begins a step: then known pixels are put into x first. */
  readonly begins: boolean;
  /** Whether the pass ends a step: x is then that of the next step. */
  readonly ends: boolean;
}

export interface PassOptions {
  readonly method: SamplingMethod;
  readonly steps: number;
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

/** At the start, all pixels count as known: (1 - from) start + from noise. */
export const firstRow = (from: number) => row({ level: from, knownFrom: -1 });

/** At the end, the pixels known by the mask, without noise. */
export const lastRow = () => row({ level: 0, knownFrom: KNOWN });

/** A mask is 1 where pixels are known, 0 elsewhere. */
const KNOWN = 0.5;

/** The level after `done` of `steps` steps. */
export const levelAt = ({ from, steps }: Pick<PassOptions, 'from' | 'steps'>, done: number) =>
  from * (1 - done / steps);

export function passesOf({ method, steps, from, guidance }: PassOptions): Pass[] {
  const common = { guidance, knownFrom: KNOWN };
  return Array.from({ length: steps }, (_, i): Pass[] => {
    const [level, next] = [i, i + 1].map((done) => levelAt({ from, steps }, done));
    if (method === 'mix') {
      return [{ row: row({ ...common, level }, 1 / (steps - i)), begins: true, ends: true }];
    }
    const step = next - level;
    const first = row({ ...common, level, step });
    if (method === 'euler' || i === steps - 1) return [{ row: first, begins: true, ends: true }];
    // The first pass moved x by the whole step; this adds half of the difference between the two velocities.
    const second = row({ ...common, level: next, step: step / 2, correction: -step / 2 });
    return [
      { row: first, begins: true, ends: false },
      { row: second, begins: false, ends: true },
    ];
  }).flat();
}
