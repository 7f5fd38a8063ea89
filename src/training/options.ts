/** Options of a trainer and of `fit`, and the events that `fit` yields. */
import { checkInteger, checkNames, checkNumber, EngineError, type Names } from '../errors';
import type { Variants } from '../unet/variants';
import { checkSchedule, type ScheduleOption } from './schedule';
import { type AdamSettings, adamDefaults, type Objective, type StepSettings } from './settings';

export interface TrainerOptions extends Partial<AdamSettings> {
  /** Images per step. Default 256. */
  readonly batchSize?: number;
  /** Default 1e-3. */
  readonly learningRate?: number;
  /** What the network learns. Default `tutorial`. */
  readonly objective?: Objective;
  /** How the learning rate changes from step to step. Default `constant`. */
  readonly schedule?: ScheduleOption;
  /** Largest norm of the gradient of all parameters together; a longer gradient is scaled down to it. Default: no clipping. */
  readonly clipNorm?: number;
  /**
   * A step whose loss or gradient is not finite changes no weight and ends the run with the error `diverged`. Up to this many of them in a
   * row are skipped instead, and training goes on with the next batch. Default 0.
   */
  readonly skipNonFinite?: number;
  /**
   * Whether the UNet gets the moving average of the weights over the steps, min(0.999, s / (s + 9)) of which stays at step s, while the
   * trainer keeps the weights themselves: samples are better before the rate comes down (docs/recipe.md). Default false.
   */
  readonly averageWeights?: boolean;
  /** With `averageWeights`: the step after which the average begins, as s = 0. Until then the UNet has the weights themselves. Default 0. */
  readonly averageAfter?: number;
  /**
   * How likely `fit` withholds an image's class from a network conditioned on classes, 0 to 1, so that it learns to do without, as guidance
   * requires. Default 0.05.
   */
  readonly classDropout?: number;
  /** False gives every activation and gradient its own buffer, so that `trainer.maps` can read them after a step. Default true. */
  readonly reuseMemory?: boolean;
  /** Kernel variants by layer, for a run that must repeat another one bit for bit. Default: the engine chooses for the device. */
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
  /** Whether images become black and white, as in the tutorial: byte > 127. Default: true for the objective `tutorial`, else false. */
  readonly binarize?: boolean;
  /** Stop after this many more steps, if the epochs are not complete before. */
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
  /** Completed steps: 1 after the first. */
  readonly step: number;
  /** The epoch that the step belongs to, from 1. */
  readonly epoch: number;
  /** Mean squared error over the step's batch, before its update; NaN if it was skipped. */
  readonly loss: number;
  /** The learning rate of the step, by the schedule. */
  readonly learningRate: number;
  /** Norm of the gradient of all parameters together, before clipping. */
  readonly gradientNorm: number;
  /** If the step was skipped (`skipNonFinite`): why it changed no weight, for instance `its loss is NaN`. */
  readonly skipped?: string;
  /** Mean over the last few seconds. */
  readonly imagesPerSecond: number;
}

/** Everything beside the parameters that a run needs to continue as if it had never stopped. */
export interface OptimizerState<Memory extends ArrayBufferLike = ArrayBufferLike> {
  readonly step: number;
  /** 1 - beta1^step and 1 - beta2^step, as the GPU computed them. */
  readonly corrections: Float32Array<Memory>;
  /** The settings that moments and corrections were computed with: a trainer with other settings refuses the state. */
  readonly adam: AdamSettings;
  /** Moment estimates by parameter name. */
  readonly moment1: ReadonlyMap<string, Float32Array<Memory>>;
  readonly moment2: ReadonlyMap<string, Float32Array<Memory>>;
  /** The trained weights, if the UNet holds their moving average. */
  readonly weights?: ReadonlyMap<string, Float32Array<Memory>>;
}

/** How a trainer was created, apart from batch size, learning rate and kernels: a run that continues must have the same settings. */
export interface TrainerSettings extends StepSettings {
  readonly objective: Objective;
  readonly classDropout: number;
}

/** Checks options and returns the settings that they define. */
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

/** Checks the options of a trainer and fills in the defaults. */
export function checkTrainer(options: TrainerOptions) {
  checkNames('A trainer', options, TRAINER_OPTIONS);
  const { batchSize = 256, learningRate = 1e-3, reuseMemory = true, variants } = options;
  checkInteger('batchSize', batchSize, 1, 65536);
  checkLearningRate(learningRate);
  return { batchSize, learningRate, reuseMemory, variants, settings: settingsOf(options) };
}

/** Checks the options of a fit and fills in the defaults. */
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
