/** What a trainer and its fits are asked to do, and what they tell. */
import { checkInteger, checkNames, checkNumber, EngineError, type Names } from '../errors';
import type { Variants } from '../unet/variants';
import { checkSchedule, type ScheduleOption } from './schedule';
import { type AdamSettings, adamDefaults, type Objective, type StepSettings } from './settings';

export interface TrainerOptions extends Partial<AdamSettings> {
  /** Images a step. Default 256. */
  readonly batchSize?: number;
  /** Default 1e-3. */
  readonly learningRate?: number;
  /** What the network learns. Default `tutorial`. */
  readonly objective?: Objective;
  /** How the learning rate changes from step to step. Default `constant`. */
  readonly schedule?: ScheduleOption;
  /** The greatest norm of the gradient of all parameters together; a longer one is shortened to it. Default: any. */
  readonly clipNorm?: number;
  /**
   * A step whose loss or gradient is not finite changes no weight and ends the run with the error `diverged`. So many of them in a row are
   * passed over instead: the next one has the next batch. Default 0.
   */
  readonly skipNonFinite?: number;
  /**
   * Whether the UNet gets the moving average of the weights over the steps, of which min(0.999, s / (s + 9)) stays at step s, and the
   * trainer keeps the weights themselves: samples are better before the rate comes down (docs/recipe.md). Default false.
   */
  readonly averageWeights?: boolean;
  /** With `averageWeights`: the step after which the average begins, as s = 0. Until then the UNet has the weights themselves. Default 0. */
  readonly averageAfter?: number;
  /**
   * How likely `fit` withholds an image's class from a network that is told classes, 0 to 1, so that it learns to do without, which
   * guidance needs. Default 0.05.
   */
  readonly classDropout?: number;
  /** False gives every activation and gradient a buffer of its own, so that all can be read after a step. Default true. */
  readonly reuseMemory?: boolean;
  /** Kernel variants by layer, for a run that must repeat another one bit for bit. Default: chosen for the device. */
  readonly variants?: Variants;
}

const TRAINER_OPTIONS: Names<TrainerOptions> = {
  batchSize: true,
  learningRate: true,
  beta1: true,
  beta2: true,
  epsilon: true,
  weightDecay: true,
  objective: true,
  schedule: true,
  clipNorm: true,
  skipNonFinite: true,
  averageWeights: true,
  averageAfter: true,
  classDropout: true,
  reuseMemory: true,
  variants: true,
};

export interface FitOptions {
  /** Train until this many passes over the data are complete, counting those already done. */
  readonly epochs: number;
  /** Fixes shuffling and noise. Default 0. */
  readonly seed?: number;
  /** Black and white images, as the tutorial has them: byte > 127. Default: for the objective `tutorial`. */
  readonly binarize?: boolean;
  /** Return after so many more steps, if the epochs are not complete before. */
  readonly maxSteps?: number;
  readonly signal?: AbortSignal;
}

const FIT_OPTIONS: Names<FitOptions> = {
  epochs: true,
  seed: true,
  binarize: true,
  maxSteps: true,
  signal: true,
};

export interface TrainingEvent {
  /** Completed steps, so 1 after the first. */
  readonly step: number;
  /** The epoch that the step belongs to, from 1. */
  readonly epoch: number;
  /** Mean squared error over the step's batch, before its update; NaN if it was skipped. */
  readonly loss: number;
  /** Of the step, by the schedule. */
  readonly learningRate: number;
  /** Of all parameters together, before it is shortened. */
  readonly gradientNorm: number;
  /** Why the step changed no weight, if it was skipped (`skipNonFinite`): `its loss is NaN`, say. */
  readonly skipped?: string;
  /** Over the last few seconds. */
  readonly imagesPerSecond: number;
}

/** Everything beside the parameters that a run needs to go on as if it had never stopped. */
export interface OptimizerState<Memory extends ArrayBufferLike = ArrayBufferLike> {
  readonly step: number;
  /** 1 - beta1^step and 1 - beta2^step, as the GPU has them. */
  readonly corrections: Float32Array<Memory>;
  /** What moments and corrections were made with: a trainer with other settings refuses the state. */
  readonly adam: AdamSettings;
  /** Moment estimates by parameter name. */
  readonly moment1: ReadonlyMap<string, Float32Array<Memory>>;
  readonly moment2: ReadonlyMap<string, Float32Array<Memory>>;
  /** The weights that are trained, where the UNet has their moving average. */
  readonly weights?: ReadonlyMap<string, Float32Array<Memory>>;
}

/** How a trainer was created, and what a run that goes on must have again: its size, rate and kernels apart. */
export interface TrainerSettings extends StepSettings {
  readonly objective: Objective;
  readonly classDropout: number;
}

/** The settings that options mean, checked. */
export function settingsOf(options: TrainerOptions): TrainerSettings {
  const {
    objective = 'tutorial',
    classDropout = 0.05,
    clipNorm,
    skipNonFinite,
    averageWeights,
    averageAfter,
    beta1 = adamDefaults.beta1,
    beta2 = adamDefaults.beta2,
    epsilon = adamDefaults.epsilon,
    weightDecay = adamDefaults.weightDecay,
  } = options;
  if (objective !== 'tutorial' && objective !== 'flow') {
    throw new EngineError('argument', `objective is ${objective}; it must be tutorial or flow.`);
  }
  checkNumber('beta1', beta1, 0, 0.999999);
  checkNumber('beta2', beta2, 0, 0.999999);
  checkNumber('epsilon', epsilon, 1e-12, 1);
  checkNumber('weightDecay', weightDecay, 0, 1);
  checkNumber('classDropout', classDropout, 0, 1);
  if (clipNorm !== undefined) checkNumber('clipNorm', clipNorm, 1e-6, 1e6);
  if (skipNonFinite !== undefined) checkInteger('skipNonFinite', skipNonFinite, 0);
  if (averageAfter !== undefined) checkInteger('averageAfter', averageAfter, 0);
  return {
    objective,
    adam: { beta1, beta2, epsilon, weightDecay },
    schedule: checkSchedule(options.schedule),
    ...(clipNorm === undefined ? {} : { clipNorm }),
    ...(skipNonFinite ? { skipNonFinite } : {}),
    ...(averageWeights ? { averageWeights: true, ...(averageAfter ? { averageAfter } : {}) } : {}),
    classDropout,
  };
}

/** What `options` mean for a trainer, checked, with the defaults in place. */
export function checkTrainer(options: TrainerOptions) {
  checkNames('A trainer', options, TRAINER_OPTIONS);
  const { batchSize = 256, learningRate = 1e-3, reuseMemory = true, variants } = options;
  checkInteger('batchSize', batchSize, 1, 65536);
  checkLearningRate(learningRate);
  return { batchSize, learningRate, reuseMemory, variants, settings: settingsOf(options) };
}

/** The same for a fit. */
export function checkFit(options: FitOptions, objective: Objective) {
  checkNames('fit', options, FIT_OPTIONS);
  const { epochs, seed = 0, binarize = objective === 'tutorial', maxSteps, signal } = options;
  checkInteger('epochs', epochs, 1);
  if (maxSteps !== undefined) checkInteger('maxSteps', maxSteps, 1);
  checkInteger('seed', seed, 0, 0xffffffff);
  return { epochs, seed, binarize, maxSteps, signal };
}

export function checkLearningRate(value: number): void {
  checkNumber('learningRate', value, 1e-12, 10);
}
