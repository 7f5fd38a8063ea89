/** The plan of a run in minutes: its batch, its length and its schedule, all fixed before its first step. Pure. */
import type { Schedule } from '../../src/plan/schedule';
import { type Recipe, type RecipeName, recipeSampling } from '../../src/recipes';
import { type EpochParts, stepsPerEpoch } from '../../src/training/epoch';
import type { TrainerConfig } from '../../src/training/options';
import type { UNetConfig } from '../../src/unet/config';
import type { Sampling } from '../../src/unet/sampling';
import type { Checkpoint } from '../../src/weights/checkpoint';
import type { RunChanges } from '../../src/worker';
import type { TrainingRun } from '../../src/worker/run';

/** After this number of updates the samples of small sets can be recognised. */
export const UPDATES = 300;
/** Minutes, unless the user says another number. */
export const MINUTES = 3;
export const LEAST = 16;
const BATCHES = [64, 32, LEAST] as const;
/** The recipe `digits` sees this number of images: 840 batches of 64. */
const IMAGES = 53_760;
/** Somewhere after this number of passes over a small set a network begins to copy it. */
const PASSES = 100;
/** A run may take this many times its minutes. */
const PATIENCE = 1.5;
/** The steps of warm-up of a run without an end. */
const WARMUP = 30;
/** The average of the weights, for what is shown before the end: at its end the rate has decayed, and the average changes little. */
const AVERAGE = { most: 0.9999 };
/** The rate of further steps, from weights that have converged already. */
const FURTHER_RATE = 1e-3;

export interface PlanOrder extends Pick<EpochParts, 'dropLast'> {
  readonly count: number;
  readonly minutes: number;
  /** Whether the adapter computes on a processor: an unknown one begins with small batches. */
  readonly software: boolean;
}

export interface Plan {
  readonly batch: number;
  /** The step at which the run ends; undefined until its rehearsal is over. */
  readonly steps: number | undefined;
  /** The passes in which it ends. */
  readonly epochs: number;
  /** The time of these steps; NaN if the speed is not known. */
  readonly seconds: number;
  /** Whether the 300 updates fit into the minutes. */
  readonly fits: boolean;
}

/**
 * The batch of a run: the largest up to 64 of which 300 updates fit into the minutes; 16 if none does, and never more than there are images.
 * Without a known speed 16 on a software adapter, else 64.
 *
 * @param speed images a second; undefined if it is not known
 */
export function planBatch(order: PlanOrder, speed: number | undefined): number {
  const isUnknown = speed === undefined && order.software;
  const room = isUnknown ? 0 : roomOf(order, speed);
  return Math.min(order.count, BATCHES.find((each) => UPDATES * each <= room) ?? LEAST);
}

/** The images for which there is time. */
const roomOf = ({ minutes }: PlanOrder, speed = Number.POSITIVE_INFINITY) => 60 * minutes * speed;

/** Most steps of a plan: as many images as the recipe sees, and 100 passes; 300 or more. */
export const mostSteps = ({ count }: Pick<PlanOrder, 'count'>, batch: number): number =>
  Math.max(UPDATES, Math.floor(Math.min(IMAGES, PASSES * count) / batch));

/** The plan of a run with this batch: the steps that fit into the minutes, 300 at least; the most if the speed is not known. */
export function planTraining(order: PlanOrder, batch: number, speed: number | undefined): Plan {
  const room = roomOf(order, speed);
  const steps = Math.max(UPDATES, Math.min(mostSteps(order, batch), Math.floor(room / batch)));
  const perEpoch = stepsPerEpoch({ ...order, imageCount: order.count, batchSize: batch });
  return {
    batch,
    steps,
    epochs: Math.ceil(steps / perEpoch),
    seconds: speed === undefined ? Number.NaN : (steps * batch) / speed,
    fits: UPDATES * batch <= room,
  };
}

/** The plan of a run before its rehearsal, whose batch suits a speed that is remembered, if one is: it has no end yet. */
export const openPlan = (order: PlanOrder, speed?: number): Plan => ({
  ...planTraining(order, planBatch(order, speed), undefined),
  steps: undefined,
});

/** The seconds after which a run ends before its plan does; none before it is known whether 300 updates fit. */
export const planLimit = ({ fits, seconds }: Plan, minutes: number): number =>
  fits && !Number.isNaN(seconds) ? 60 * PATIENCE * minutes : Number.POSITIVE_INFINITY;

/** A tenth of warm-up, the base rate half of the way from there, and a line to the end: better than a cosine (docs/recipe.md). */
export const planSchedule = (steps: number | undefined): Schedule =>
  steps === undefined
    ? { decay: 'none', warmup: WARMUP }
    : { decay: 'linear', warmup: Math.max(1, Math.round(steps / 10)), steps, floor: 0.01 };

/** The trainer's options for a plan of `steps`, or before there is an end. The tutorial's training stays as it is. */
export const trainerFor = (trainer: Recipe['trainer'], steps?: number): Recipe['trainer'] =>
  trainer.objective === 'flow'
    ? { ...trainer, beta2: 0.99, clipNorm: 1, average: AVERAGE, schedule: planSchedule(steps) }
    : trainer;

/** The polish of samples of the user's own pictures: paper comes out clean. More noise makes them softer (docs/recipe.md). */
const POLISH = { noises: 4, level: 0.1 } as const;

/** More of the steps where the outlines are made: truer pictures, as many of them different (docs/recipe.md). */
const SHIFT = 1.5;

/** The sampling of a new network for the user's own pictures; undefined for one with other convolutions than the recipe's. */
export function ownSampling(recipe: RecipeName, config: UNetConfig): Sampling | undefined {
  const sampling = recipeSampling(recipe, config);
  if (!sampling || sampling.method === 'mix') return sampling;
  return { ...sampling, ...(recipe === 'pictures' ? { shift: SHIFT } : {}), polish: POLISH };
}

/** Whether a run has been planned: only plans average like this. */
export const isPlanned = ({ average }: Pick<TrainerConfig, 'average'>): boolean =>
  average?.most === AVERAGE.most;

/** Whether a planned run still has no end: it stopped before its rehearsal was over. */
export const lacksEnd = ({ settings, training }: Pick<Checkpoint, 'settings' | 'training'>): boolean =>
  isPlanned(training) && settings.maxSteps === undefined && training.schedule.decay === 'none';

/** What changes in a planned run that is to end at `end`, in place of `steps`; an end that has passed ends it. The tutorial has no schedule. */
export function endingAt(
  end: number,
  { objective, losses: { length: done } }: Pick<TrainingRun, 'objective' | 'losses'>,
  steps = end,
): RunChanges {
  if (end <= done || objective !== 'flow') return { maxSteps: end };
  if (2 * done < Math.min(end, steps)) return { maxSteps: end, schedule: planSchedule(end) };
  const warmup = done + Math.round((end - done) / 10);
  const schedule: Schedule = { decay: 'linear', warmup, steps: end, floor: 0.01 };
  return { maxSteps: end, schedule, learningRate: FURTHER_RATE };
}
