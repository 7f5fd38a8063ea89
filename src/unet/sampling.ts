/** The sampling options of a network, as plain values: files contain them, UNets hold them, and runs take them as defaults. */
import { defined, integerIn, isObject, type Wrong } from '../base/errors';

/** Most steps of one run. */
export const MAX_SAMPLING_STEPS = 1000;

/**
 * The sampling method. `mix` is the tutorial's: each step moves 1 / (steps left) of the way to the network's prediction. The
 * others follow the velocity that a network with the objective `flow` was trained on, from level 1 down to 0. `euler` evaluates it once per
 * step. `adams` does, too, and extrapolates it from the step before (Adams-Bashforth of second order), so fewer steps suffice. `heun`
 * evaluates it again at the end of the step and takes the mean of both (except in the last step).
 */
export type SamplingMethod = 'mix' | 'euler' | 'heun' | 'adams';

export const METHODS: readonly SamplingMethod[] = ['mix', 'euler', 'heun', 'adams'];

/** After the last step: new noise on the finished image, and what the network predicts from that, `noises` times; the result is the mean. */
export interface Polish {
  /** The number of noises, each of which is a network call: 1 to 64. */
  readonly noises: number;
  /** The level of the noise, 0.001 to 1. */
  readonly level: number;
}

/** Most noises of a polish. */
export const MOST_NOISES = 64;

/** The sampling options of a network. Files of models and checkpoints contain them; in a UNet they are the defaults of each run. */
export interface Sampling {
  /** The sampling method. */
  readonly method: SamplingMethod;
  /** 1 to 1000. */
  readonly steps: number;
  /** Guidance towards the class, 0 to 100; for a network with classes. */
  readonly guidance?: number | undefined;
  /** The lowest and the highest level at which guidance acts, 0 to 1. Default: all levels. */
  readonly guidanceRange?: readonly [low: number, high: number] | undefined;
  /**
   * Spends more of the steps of `adams` at high levels, 1 to 4: the level s u / (1 + (s - 1) u) takes the place of u. Only for `adams`.
   * Default 1: equal steps.
   */
  readonly shift?: number | undefined;
  /** Removes grain from the images. For the methods that follow a flow. Default: no polish. */
  readonly polish?: Polish | undefined;
  /** The number of calls of a distilled network, which is sampled only with method `euler`, as many steps, and guidance 1. */
  readonly calls?: number | undefined;
}

/** Number of network calls of one sample. */
export function countCalls({ method, steps, guidance = 1, polish }: Sampling): number {
  const passes = (method === 'heun' ? 2 * steps - 1 : steps) + (polish?.noises ?? 0);
  return guidance === 1 ? passes : 2 * passes;
}

/** Checks a `Sampling`, and leaves out unknown fields. Throws the error that `wrong` makes. */
export function checkSampling(given: unknown, wrong: Wrong): Sampling {
  if (!isObject(given)) throw wrong('sampling', given, 'an object');
  const method = METHODS.find((name) => name === given.method);
  if (!method) throw wrong('sampling.method', given.method, METHODS.join(', '));
  const steps = integerIn(given.steps, 'sampling.steps', wrong, 1, MAX_SAMPLING_STEPS);
  const { guidance, guidanceRange, shift, polish, calls } = given;
  if (guidance !== undefined && !isNumber(guidance, 0, 100)) {
    throw wrong('sampling.guidance', guidance, 'a number from 0 to 100');
  }
  if (guidanceRange !== undefined && !isGuidanceRange(guidanceRange)) {
    throw wrong('sampling.guidanceRange', guidanceRange, GUIDANCE_RANGE);
  }
  if (shift !== undefined && !isShift(shift, method)) throw wrong('sampling.shift', shift, SHIFT);
  if (polish !== undefined && !isPolish(polish)) throw wrong('sampling.polish', polish, POLISH);
  if (polish && (method === 'mix' || calls !== undefined)) {
    throw wrong('sampling.polish', polish, 'left out with the method mix, and where calls is given');
  }
  if (calls !== undefined) {
    integerIn(calls, 'sampling.calls', wrong, 1, MAX_SAMPLING_STEPS);
    if (method !== 'euler' || steps !== calls || (guidance ?? 1) !== 1 || guidanceRange) {
      throw wrong('sampling', given, 'euler, as many steps as calls, and guidance 1, where calls is given');
    }
  }
  if (calls !== undefined) return { method, steps, guidance: 1, calls: steps };
  const own = polish && { noises: polish.noises, level: polish.level };
  return defined({ method, steps, guidance, guidanceRange, shift, polish: own });
}

const isNumber = (value: unknown, min: number, max: number): value is number =>
  typeof value === 'number' && value >= min && value <= max;

export const SHIFT = 'a number from 1 to 4, and left out with other methods than adams';

export const isShift = (given: unknown, method: SamplingMethod): given is number =>
  method === 'adams' && isNumber(given, 1, 4);

export const POLISH = '{ noises, level } with 1 to 64 noises of a level from 0.001 to 1';

export const isPolish = (given: unknown): given is Polish =>
  isObject(given) &&
  Number.isInteger(given.noises) &&
  isNumber(given.noises, 1, MOST_NOISES) &&
  isNumber(given.level, 1e-3, 1);

export const GUIDANCE_RANGE = 'two levels [low, high], 0 <= low < high <= 1';

export const isGuidanceRange = (given: unknown): given is readonly [number, number] =>
  Array.isArray(given) &&
  given.length === 2 &&
  given.every((level) => isNumber(level, 0, 1)) &&
  given[0] < given[1];
