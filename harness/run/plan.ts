/** The plan of a run in minutes: its batch, its length, its schedule, and how these follow the speed once it is known. Pure. */
import type { Schedule } from '../../src/plan/schedule';
import { type Recipe, type RecipeName, recipeSampling } from '../../src/recipes';
import { type EpochParts, stepsPerEpoch } from '../../src/training/epoch';
import type { TrainerConfig } from '../../src/training/options';
import type { UNetConfig } from '../../src/unet/config';
import type { Sampling } from '../../src/unet/sampling';

/** After this number of updates the samples of small sets can be recognised. */
export const UPDATES = 300;
/** Minutes, unless the user says another number. */
export const MINUTES = 3;
/** The smallest batch. */
export const LEAST = 16;
const BATCHES = [64, 32, LEAST] as const;
/** The recipe `digits` sees this number of images: 840 batches of 64. */
const IMAGES = 53_760;
/** Somewhere after this number of passes over a small set a network begins to copy it. */
const PASSES = 100;
/** A run may take this many times its minutes. */
const PATIENCE = 1.5;
/** The steps of warm-up as long as there is no end. */
const WARMUP = 30;
/** The average of the weights, for what is shown before the end: at its end the rate has decayed, and the average changes little. */
const AVERAGE = { most: 0.9999 };
/** The rate of further steps, from weights that have converged already. */
const FURTHER_RATE = 1e-3;

export interface PlanOrder extends Pick<EpochParts, 'dropLast'> {
  /** Training images. */
  readonly count: number;
  readonly minutes: number;
  /** Whether the adapter computes on a processor: an unknown one begins with small batches. */
  readonly software: boolean;
}

export interface Plan {
  readonly batch: number;
  /** The step at which the run ends; undefined until a measurement shows it. */
  readonly steps: number | undefined;
  /** The most steps that it may get. */
  readonly most: number;
  /** The passes in which it ends. */
  readonly epochs: number;
  /** The time of these steps; NaN if the speed is not known. */
  readonly seconds: number;
  /** Whether the 300 updates fit into the minutes. */
  readonly fits: boolean;
}

/** Images a second, and the steps that are made. */
interface Speed {
  readonly speed: number;
  readonly done: number;
}

/**
 * The largest batch up to 64 of which 300 updates fit into the minutes; 16 if none does, and never more than there are images. Then the steps
 * that fit, 300 or more, up to as many images as the recipe sees and 100 passes. Without a known speed a software adapter begins with batches of 16 and no end.
 *
 * @param speed images a second; undefined if it is not known
 */
export function planOf(order: PlanOrder, speed?: number): Plan {
  const room = roomOf(order, speed);
  const fitting = BATCHES.find((each) => UPDATES * each <= room) ?? LEAST;
  const isOpen = speed === undefined && order.software;
  const batch = Math.min(order.count, isOpen ? LEAST : fitting);
  const plan = planWith(order, batch, 0, speed);
  return isOpen ? { ...plan, steps: undefined } : plan;
}

/** The images for which there is time. */
const roomOf = ({ minutes }: PlanOrder, speed = Number.POSITIVE_INFINITY) => 60 * minutes * speed;

/** `least`: steps that it has at least. */
function planWith(order: PlanOrder, batch: number, least: number, speed: number | undefined): Plan {
  const room = roomOf(order, speed);
  const most = Math.max(UPDATES, Math.floor(Math.min(IMAGES, PASSES * order.count) / batch));
  const steps = Math.max(UPDATES, Math.min(most, Math.floor(room / batch)), least);
  const perEpoch = stepsPerEpoch({ ...order, imageCount: order.count, batchSize: batch });
  return {
    ...{ batch, steps, most, epochs: Math.ceil(steps / perEpoch) },
    seconds: speed === undefined ? Number.NaN : (steps * batch) / speed,
    fits: UPDATES * batch <= room,
  };
}

/**
 * The plan that follows a measurement. Its end moves only while less than half of its steps are made, before and afterwards, so the rate
 * never rises in the second half of a run.
 */
export function corrected(plan: Plan, order: PlanOrder, { speed, done }: Speed): Plan {
  const { batch, steps, epochs } = plan;
  const next = planWith(order, batch, 2 * done, speed);
  const isLate = steps !== undefined && 2 * done >= steps;
  return isLate ? { ...next, steps, epochs, seconds: (steps * batch) / speed } : next;
}

/** The seconds after which a run ends before its plan does; none before it is known whether 300 updates fit. */
export const limitOf = ({ fits, seconds }: Plan, minutes: number): number =>
  fits && !Number.isNaN(seconds) ? 60 * PATIENCE * minutes : Number.POSITIVE_INFINITY;

/** A tenth of warm-up, the base rate half of the way from there, and a line to the end: better than a cosine (docs/recipe.md). */
export const scheduleOf = (steps: number | undefined): Schedule =>
  steps === undefined
    ? { decay: 'none', warmup: WARMUP }
    : { decay: 'linear', warmup: Math.max(1, Math.round(steps / 10)), steps, floor: 0.01 };

/** The trainer's options for a plan. The tutorial's training stays as it is. */
export const trainerFor = (trainer: Recipe['trainer'], { steps }: Pick<Plan, 'steps'>): Recipe['trainer'] =>
  trainer.objective === 'flow'
    ? { ...trainer, beta2: 0.99, clipNorm: 1, average: AVERAGE, schedule: scheduleOf(steps) }
    : trainer;

/** The polish of samples of the user's own pictures: paper comes out clean. More noise makes them softer (docs/recipe.md). */
const POLISH = { noises: 4, level: 0.1 } as const;

/** The sampling of a new network for the user's own pictures; undefined for one with other convolutions than the recipe's. */
export function ownSampling(recipe: RecipeName, config: UNetConfig): Sampling | undefined {
  const sampling = recipeSampling(recipe, config);
  return sampling?.method === 'mix' ? sampling : sampling && { ...sampling, polish: POLISH };
}

/** Whether a run has been planned: only plans average like this. */
export const isPlanned = ({ average }: Pick<TrainerConfig, 'average'>): boolean =>
  average?.most === AVERAGE.most;

/** The steps of a plan for a run that has come to its end; 300 if the speed is not known. */
export const furtherSteps = (order: PlanOrder, batch: number, speed = 0): number =>
  planWith(order, batch, 0, speed).steps!;

/** What changes in a planned run of `steps` steps, `done` of them made, that is to end at `end`; an end that has passed ends it. */
export function endingAt(
  end: number,
  { steps, done }: { readonly steps: number | undefined; readonly done: number },
) {
  if (end <= done) return { maxSteps: end };
  const isEarly = 2 * done < Math.min(end, steps ?? Number.POSITIVE_INFINITY);
  if (isEarly) return { maxSteps: end, schedule: scheduleOf(end) };
  const warmup = done + Math.round((end - done) / 10);
  const schedule: Schedule = { decay: 'linear', warmup, steps: end, floor: 0.01 };
  return { maxSteps: end, schedule, learningRate: FURTHER_RATE };
}

/**
 * The speed of a run is measured over these times, in seconds, from its second step on: between the first two the engine checks what the GPU
 * computes. The first pictures also compile, which the second time does not see.
 */
const SPANS = [5, 20];

/** Measures the speed of a run, twice. */
export class Spans {
  private since: { readonly at: number; readonly step: number } | undefined;
  private measured = 0;

  /** Another run begins. */
  begin(): void {
    this.since = undefined;
    this.measured = 0;
  }

  /** Whether no measurement is left. */
  get areOver(): boolean {
    return this.measured >= SPANS.length;
  }

  /** Time in which nothing trains says nothing of the speed. */
  rest(): void {
    this.since = undefined;
  }

  /** Call this after each step. Returns the images a second at the end of a span. `now` in seconds. */
  after(step: number, now: number, plan: Pick<Plan, 'batch' | 'steps' | 'most'>): number | undefined {
    if (step < 2 || this.areOver) return undefined;
    this.since ??= { at: now, step };
    const { at, step: from } = this.since;
    // Before an adapter that is much faster than expected has gone too far without an end. Steps under way may end all at once afterwards.
    const isFar = this.measured === 0 && plan.steps === undefined && 4 * step >= plan.most;
    if (step < from + 2 || now <= at || (now < at + SPANS[this.measured] && !isFar)) return undefined;
    this.measured++;
    this.since = { at: now, step };
    return ((step - from) * plan.batch) / (now - at);
  }
}
