/** Options of a distiller, and the events that its run yields. */
import {
  argumentError,
  checkInteger,
  checkNames,
  checkNumber,
  checkSeed,
  EngineError,
  type Names,
  wrongArgument,
} from '../base/errors';
import { checkSampled } from '../sampling/options';
import { checkTrainer, type TrainerOptions } from '../training/options';
import { countedInImages } from '../training/step_config';
import type { UNet } from '../unet/unet';

/** Options of a distiller. */
export interface DistillerOptions {
  /** Network calls of a sample of the student: 1 or 2. */
  readonly calls: 1 | 2;
  /** Fixes noise, classes and batches, 0 to 2^32 - 1. Default 0. */
  readonly seed?: number | undefined;
  /** Number of the teacher's trajectories that the student learns from, 1 or more. They take at most 256 MiB on the GPU. Default 4000. */
  readonly noises?: number | undefined;
  /** Training steps, 1 to 100,000. Default 200. */
  readonly steps?: number | undefined;
  /** Images of a training step, 1 to 65536. Default 128. */
  readonly batchSize?: number | undefined;
  /** 1e-12 to 10; reached after the first 5,120 images. Default 1e-3. */
  readonly learningRate?: number | undefined;
  /**
   * The teacher's guidance, 0 to 100, which becomes part of the student. Default: `teacher.sampling.guidance`, else 2; 1 without classes.
   * It acts within the `guidanceRange` of `teacher.sampling`, if that has one.
   */
  readonly guidance?: number | undefined;
}

const OPTIONS: Names<DistillerOptions> = {
  calls: true,
  seed: true,
  noises: true,
  steps: true,
  batchSize: true,
  learningRate: true,
  guidance: true,
};

/** The progress of a distiller's run. */
export interface DistilEvent {
  /** The teacher's trajectories so far, of `noises`. */
  readonly trajectories: number;
  /** Training steps so far, of `steps`, which follow. */
  readonly step: number;
  /** Mean squared error of the student's velocity in this step, before its update; undefined before the first. */
  readonly loss?: number | undefined;
  /** The share of the whole work that is done, 0 to 1, approximately: trajectories and steps take about as long. */
  readonly done: number;
}

/** The defaults of a distiller. */
const usual = { noises: 4000, steps: 200, batchSize: 128, learningRate: 1e-3 };

/** The options of a distiller, with their defaults. */
export type DistillerConfig = {
  readonly [K in keyof DistillerOptions]-?: NonNullable<DistillerOptions[K]>;
};

/** Training a step on an image takes about as long as this many predictions for one. */
const PASSES_PER_IMAGE = 3;
/** The teacher's steps of Euler along a trajectory. */
export const TEACHER_STEPS = 8;

/** The work of these trajectories and steps, in images trained on. */
export function distillingWork(
  { batchSize, guidance }: Pick<DistillerConfig, 'batchSize' | 'guidance'>,
  trajectories: number,
  steps: number,
): number {
  const passes = TEACHER_STEPS * (guidance === 1 ? 1 : 2);
  return (trajectories * passes) / PASSES_PER_IMAGE + steps * batchSize;
}

/** Images trained on that take as long as a distillation of a guided network without options. */
export const USUAL_WORK = distillingWork({ ...usual, guidance: 2 }, usual.noises, usual.steps);

/** The largest buffer that every device has. */
const MOST_BYTES = 2 ** 28;

/** Checks options and fills in the defaults. Throws `argument`, or `limit` for trajectories that take too much memory. */
export function checkDistiller(teacher: UNet, options: DistillerOptions): DistillerConfig {
  checkNames('A distiller', options, OPTIONS);
  const { calls, seed = 0, noises = usual.noises, steps = usual.steps } = options;
  const { batchSize = usual.batchSize, learningRate = usual.learningRate } = options;
  checkTeacher(teacher);
  if (calls !== 1 && calls !== 2) throw wrongArgument('calls', calls, '1 or 2');
  checkSeed(seed);
  checkInteger('noises', noises, 1);
  checkInteger('steps', steps, 1, 100_000);
  const guidance = guidanceOf(teacher, options.guidance);
  checkTrainer({ batchSize, learningRate });
  checkMemory(teacher, calls, noises);
  return { calls, seed, noises, steps, batchSize, learningRate, guidance };
}

function checkTeacher(teacher: UNet): void {
  if (!teacher.config.conditioning?.noiseLevel) {
    throw argumentError(
      'The teacher is not conditioned on the noise level, so it has no trajectories to learn from. Give a network that follows a flow, of the recipe digits, for instance.',
    );
  }
  const { calls } = teacher.sampling ?? {};
  if (calls !== undefined) {
    throw argumentError(
      `The teacher is itself distilled, to ${calls === 1 ? '1 call' : `${calls} calls`}, and has no other trajectories. Give the network that it was distilled from.`,
    );
  }
  checkSampled(teacher.config);
}

function guidanceOf({ config, sampling }: UNet, given: number | undefined): number {
  const classes = config.conditioning?.classes ?? 0;
  const guidance = given ?? (classes > 0 ? (sampling?.guidance ?? 2) : 1);
  checkNumber('guidance', guidance, 0, 100);
  if (classes > 0 || guidance === 1) return guidance;
  throw argumentError(
    `guidance is ${guidance}, which is for classes, and the teacher has none. Leave it out.`,
  );
}

/** The trainer options of the recipe `digits`, at a third of its rate, and averaged from the first step on. */
export function studentTraining({
  batchSize,
  learningRate,
}: Pick<DistillerConfig, 'batchSize' | 'learningRate'>): TrainerOptions {
  return { ...countedInImages(batchSize), batchSize, learningRate, epsilon: 1e-8, clipNorm: 1 };
}

function checkMemory({ config }: UNet, calls: number, noises: number): void {
  const { height, width, channels } = config;
  const bytes = (calls + 1) * height * width * channels * 4;
  if (noises * bytes <= MOST_BYTES) return;
  throw new EngineError(
    'limit',
    `noises is ${noises}: their trajectories take ${noises * bytes} bytes, of ${MOST_BYTES} at most. Up to ${Math.floor(MOST_BYTES / bytes)} noises fit.`,
  );
}
