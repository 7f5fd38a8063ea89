import {
  argumentError,
  checkInteger,
  checkNames,
  checkNumber,
  type Names,
  show,
  typeName,
  wrongArgument,
} from '../base/errors';

/** The learning rate's change from step to step, as shares of the base rate, `learningRate`. */
export interface ScheduleOptions {
  /** Steps in which the rate rises linearly to the base rate. Default 0. */
  readonly warmup?: number | undefined;
  /**
   * The rate after the warm-up: the base rate to the end (`none`, the default); half a cosine wave down to `floor`; or the base rate half of the
   * way, then a straight line down to `floor` (`linear`).
   */
  readonly decay?: 'none' | 'cosine' | 'linear' | undefined;
  /** Completed steps, including the warm-up, after which a decaying rate is at its floor. */
  readonly steps?: number | undefined;
  /** The share of the base rate at which a decay ends, 0 to 1. Default 0.01. */
  readonly floor?: number | undefined;
}

/** The option `schedule`. */
export type ScheduleOption = 'constant' | ScheduleOptions;

/** A schedule with all defaults filled in. `checkSchedule` accepts one and returns it unchanged. */
export type Schedule =
  | { readonly decay: 'none'; readonly warmup: number }
  | {
      readonly decay: 'cosine' | 'linear';
      readonly warmup: number;
      readonly steps: number;
      readonly floor: number;
    };

/** Enough for any run; the GPU can count that far. */
const MOST_STEPS = 0x7fffffff;

const OPTIONS: Names<ScheduleOptions> = { warmup: true, decay: true, steps: true, floor: true };

/** Checks the option and fills in the defaults. Throws `argument` if it is not a schedule. */
export function checkSchedule(given: ScheduleOption = 'constant'): Schedule {
  if (given === 'constant') return { decay: 'none', warmup: 0 };
  if (typeName(given) !== 'Object') {
    const what = typeof given === 'string' ? show(given) : `of type ${typeName(given)}`;
    throw argumentError(
      `schedule is ${what}; it must be 'constant' or an object like { decay: 'cosine', steps: 5000 }.`,
    );
  }
  checkNames('schedule', given, OPTIONS);
  const { warmup = 0, decay = 'none', steps, floor } = given;
  checkInteger('schedule.warmup', warmup, 0, MOST_STEPS - 1);
  if (decay !== 'none' && decay !== 'cosine' && decay !== 'linear') {
    throw wrongArgument('schedule.decay', decay, '"none", "cosine" or "linear"');
  }
  if (decay === 'none') {
    const idle = Object.entries({ steps, floor }).find(([_, value]) => value !== undefined);
    if (idle) {
      throw argumentError(
        `schedule.${idle[0]} is ${show(idle[1])}, but there is no decay; set one, or leave ${idle[0]} out.`,
      );
    }
    return { decay, warmup };
  }
  if (steps === undefined) {
    throw argumentError(
      'schedule.steps is missing; it must be the step of the run at which the rate is at its floor.',
    );
  }
  // A decay begins when the warm-up ends, and must end later.
  checkInteger(
    warmup > 0 ? `With ${warmup} steps of warm-up, schedule.steps` : 'schedule.steps',
    steps,
    warmup + 1,
    MOST_STEPS,
  );
  const share = floor ?? 0.01;
  checkNumber('schedule.floor', share, 0, 1);
  return { decay, warmup, steps, floor: share };
}

/** The share of the base rate in the step after `completed` steps, as in finish_step, in f64. */
export function rateFactor(schedule: Schedule, completed: number): number {
  const { warmup } = schedule;
  if (completed < warmup) return (completed + 1) / warmup;
  if (schedule.decay === 'none') return 1;
  const { steps, floor } = schedule;
  const t = Math.min(1, (completed - warmup) / (steps - warmup));
  const share = schedule.decay === 'linear' ? Math.min(1, 2 - 2 * t) : (1 + Math.cos(Math.PI * t)) / 2;
  return floor + (1 - floor) * share;
}
