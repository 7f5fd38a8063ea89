/** Options of a trainer and of `fit`, and the events that `fit` yields. */

import {
  argumentError,
  checkBooleans,
  checkInteger,
  checkNames,
  checkNumber,
  checkSeed,
  checkSignal,
  defined,
  type Names,
  type Optional,
} from '../base/errors';
import type { ImageSet } from '../data/idx';
import type { BufferSlice } from '../gpu/slice';
import { checkSchedule, type ScheduleOption } from '../plan/schedule';
import type { UNetConfig } from '../unet/config';
import type { Variants } from '../unet/variants';
import {
  type AdamConfig,
  type AverageConfig,
  checkAdam,
  checkAverage,
  type Objective,
  type StepConfig,
} from './step_config';

/** Options of a trainer. */
export interface TrainerOptions extends Optional<AdamConfig> {
  /** Most images of a step, 1 to 65536. Default 256. */
  readonly batchSize?: number | undefined;
  /** The base rate, before the schedule: 1e-12 to 10. Default 1e-3. */
  readonly learningRate?: number | undefined;
  /** The objective, see `Objective`. Default `tutorial`. */
  readonly objective?: Objective | undefined;
  /** The learning rate's change from step to step. Default `constant`. */
  readonly schedule?: ScheduleOption | undefined;
  /** Largest norm of the gradient of all parameters together; a longer gradient is scaled down to it. 1e-6 to 1e6; default: no clipping. */
  readonly clipNorm?: number | undefined;
  /**
   * A step whose loss or gradient is not finite changes no weight and ends the run with the error `diverged`. Up to this many of them in a
   * row are skipped instead, and training goes on with the next batch. Default 0.
   */
  readonly skipNonFinite?: number | undefined;
  /**
   * If given, the UNet gets the moving average of the weights over the steps, while the trainer has the weights themselves; `{}` for the
   * usual average. Samples are then better before the rate decays (docs/recipe.md). Default: no average.
   */
  readonly average?: AverageConfig | undefined;
  /**
   * Probability that `fit` withholds an image's class from a network conditioned on classes, 0 to 1, so that the network also learns to
   * predict without a class, as guidance requires. Default 0.05.
   */
  readonly classDropout?: number | undefined;
  /** False gives every activation and gradient its own buffer, so that `trainer.maps` can read them after a step. Default true. */
  readonly reuseMemory?: boolean | undefined;
  /** Whether to enable `encodeForward`, `encodeBackward` and `encodeUpdate`, for a custom loss. Takes a little more memory. Default false. */
  readonly customLoss?: boolean | undefined;
  /** Compares the kernels at this size while they are compiled, in place of `prepare` or the second step. @internal */
  readonly compares?: boolean | undefined;
  /** Kernel variants by layer, for a run that must repeat another one bit for bit. Default: the engine chooses for the device. */
  readonly variants?: Variants | undefined;
}

/** Options of `evaluate`. */
export interface EvaluateOptions {
  /** 0 to 2^32 - 1; fixes noise and levels, so that evaluations with the same batch size can be compared. Default 0. */
  readonly seed?: number | undefined;
  /** As in `FitOptions`. */
  readonly binarize?: boolean | undefined;
  /** Ends the evaluation between two batches; it then rejects with the reason. */
  readonly signal?: AbortSignal | undefined;
}

const TRAINER_OPTIONS: Names<Omit<TrainerOptions, 'compares'>> = {
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
  average: true,
  classDropout: true,
  reuseMemory: true,
  customLoss: true,
  variants: true,
};

/** Options of `fit`. */
export interface FitOptions {
  /** Train until this many passes over the data are complete, counting those already done. */
  readonly epochs: number;
  /** Fixes shuffling and noise, 0 to 2^32 - 1. Default 0. */
  readonly seed?: number | undefined;
  /**
   * Whether to make images black and white, as in the tutorial: byte > 127. Default: true for grey images and the objective `tutorial`, else
   * false.
   */
  readonly binarize?: boolean | undefined;
  /**
   * Whether to leave out an epoch's last batch if it is smaller than the others, as with PyTorch's `drop_last`. Each epoch leaves out
   * different images. Default false.
   */
  readonly dropLast?: boolean | undefined;
  /** Stop after this many more steps, 0 for none, if the epochs are not complete before. */
  readonly maxSteps?: number | undefined;
  /** Ends the fit between two steps; it then rejects with the reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What `checkpoint` has to know of a run. */
export interface CheckpointOptions {
  /** The options of its `fit`. `maxSteps` and `signal` are of one call, and not kept. */
  readonly fit: FitOptions;
  /** The images of its data set, whose fingerprint is kept. */
  readonly images: ImageSet;
  /** The loss of each step, from the first. Up to 1024 of the last ones may be missing, if this trainer has made them. Default: none. */
  readonly losses?: ArrayLike<number> | undefined;
}

/** What `fit`, `runFor` and `evaluate` have in common. */
type DrawnOptions = Pick<FitOptions, 'seed' | 'binarize' | 'dropLast' | 'signal'>;

/** Options of `runFor`. */
export interface FrameOptions {
  /** Time to work, more than 0, up to 60,000. At least one dispatch runs, even if it takes longer. */
  readonly milliseconds: number;
  /** The share of that time in which the GPU may work for the trainer, above 0, up to 1: pauses make up the rest. Default 1. */
  readonly share?: number | undefined;
  /** As in `FitOptions`; for a data set. */
  readonly seed?: number | undefined;
  /** As in `FitOptions`; for a data set. */
  readonly binarize?: boolean | undefined;
  /** As in `FitOptions`; for a data set. */
  readonly dropLast?: boolean | undefined;
  /** Ends the work between two submissions, without an error; the step under way stays. If it was aborted before, nothing runs. */
  readonly signal?: AbortSignal | undefined;
}

const EVALUATE_OPTIONS: Names<EvaluateOptions> = { seed: true, binarize: true, signal: true };
const DRAWN: Names<DrawnOptions> = { ...EVALUATE_OPTIONS, dropLast: true };
const FIT_OPTIONS: Names<FitOptions> = { epochs: true, ...DRAWN, maxSteps: true };
const FRAME_OPTIONS: Names<FrameOptions> = { milliseconds: true, share: true, ...DRAWN };

/** The result of `runFor`. */
export interface FrameResult {
  /** Steps that this call completed; 0 if there was time only for a part of one. */
  readonly steps: number;
  /** Completed steps in all. */
  readonly step: number;
  /** Mean loss of the steps that this call completed, each before its update; NaN if all were skipped, undefined if there is none. */
  readonly loss: number | undefined;
  /** Images of those steps. */
  readonly images: number;
  /** The share of the next step's work that is done, 0 to 1: the next call goes on there. */
  readonly progress: number;
  /** Milliseconds of work on the GPU, approximately. */
  readonly milliseconds: number;
}

/** Options of a recorded step. */
export interface RecordOptions {
  /** The base rate of this step, before the schedule. Default: the trainer's `learningRate` when the step is recorded. */
  readonly learningRate?: number | undefined;
}

/** The arguments of `encodeForward`. Buffers, whole or in part, hold f32; labels u32. */
export interface CustomForwardOptions {
  /** [count][height][width][channels], with COPY_SRC. */
  readonly input: BufferSlice;
  /** Receives [count][height][width][output channels]; with COPY_DST. */
  readonly output: BufferSlice;
  /** [count] noise levels, for a network conditioned on them. */
  readonly levels?: BufferSlice | undefined;
  /** [count] classes, for a network conditioned on them. */
  readonly labels?: BufferSlice | undefined;
  /** Images, at most `batchSize`, the default. */
  readonly count?: number | undefined;
}

/** The arguments of `encodeBackward`. */
export interface CustomBackwardOptions {
  /** dL/d(output), [count][height][width][output channels] of f32, with COPY_SRC. For a mean over the batch, the caller divides by `count`. */
  readonly outputGradient: BufferSlice;
  /** Whether to add to the present gradient instead of replacing it. Default false. */
  readonly accumulate?: boolean | undefined;
}

/** The arguments of `encodeUpdate`. Defaults: the trainer's. */
export interface CustomUpdateOptions extends RecordOptions {
  /** Weight decay, 0 to 1: each weight loses this share of the learning rate times itself. */
  readonly weightDecay?: number | undefined;
  /** 1e-6 to 1e6: the largest norm of the gradient; a longer one is scaled down. */
  readonly clipNorm?: number | undefined;
  /** One f32 with COPY_SRC: the loss to record. */
  readonly loss?: BufferSlice | undefined;
}

/**
 * Buffers of a trainer, of f32, with STORAGE, COPY_SRC and COPY_DST. Parameters, moments and gradient are laid out alike:
 * `unet.parameters[i]` has `size` floats, the first at `offset` floats.
 */
export interface TrainerBuffers {
  /** The trained weights; with `average` the UNet has their average instead. After writing them, record `encodePack`. */
  readonly parameters: GPUBuffer;
  /** Adam's mean of the gradient. */
  readonly moment1: GPUBuffer;
  /** Adam's mean of the gradient's square. */
  readonly moment2: GPUBuffer;
  /** With `customLoss`: the gradient from `encodeBackward` for `encodeUpdate`. The caller may change it in between. */
  readonly gradient: GPUBuffer | undefined;
  /**
   * Four floats for each of the last 1024 steps: loss, learning rate after the schedule, norm of the gradient, and 0, or the reason why the
   * step was skipped. Step s, from 0, has the floats from 4 * (s % 1024) on.
   */
  readonly records: GPUBuffer;
}

/** A step that `fit` made. */
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
  /** If the step was skipped (`skipNonFinite`): the reason, for instance `its loss is NaN`. */
  readonly skipped?: string | undefined;
  /** Mean over the last few seconds. */
  readonly imagesPerSecond: number;
}

/** The state, beside the parameters, that a run needs to continue as if it had never stopped. */
export interface OptimizerState<Memory extends ArrayBufferLike = ArrayBufferLike> {
  /** Completed steps. */
  readonly step: number;
  /** 1 - beta1^step and 1 - beta2^step, as the GPU computed them. */
  readonly corrections: Float32Array<Memory>;
  /** The config that moments and corrections were computed with: a trainer with another refuses the state. */
  readonly adam: AdamConfig;
  /** Estimates of the first moments by parameter name. */
  readonly moment1: ReadonlyMap<string, Float32Array<Memory>>;
  /** Estimates of the second moments by parameter name. */
  readonly moment2: ReadonlyMap<string, Float32Array<Memory>>;
  /** The trained weights, if the UNet holds their moving average. */
  readonly weights?: ReadonlyMap<string, Float32Array<Memory>> | undefined;
}

/** A trainer's options with defaults, without batch size, learning rate and kernels. A run that continues must have the same. */
export interface TrainerConfig extends StepConfig {
  /** The objective, see `Objective`. */
  readonly objective: Objective;
  /** Probability that `fit` withholds a class. */
  readonly classDropout: number;
}

/** Checks options and returns the config that they define. */
export function toTrainerConfig(options: TrainerOptions): TrainerConfig {
  const { objective = 'tutorial', classDropout = 0.05, clipNorm, skipNonFinite } = options;
  if (objective !== 'tutorial' && objective !== 'flow') {
    throw argumentError(`objective is ${objective}; it must be tutorial or flow.`);
  }
  const adam = checkAdam(options);
  checkNumber('classDropout', classDropout, 0, 1);
  if (clipNorm !== undefined) checkNumber('clipNorm', clipNorm, 1e-6, 1e6);
  if (skipNonFinite !== undefined) checkInteger('skipNonFinite', skipNonFinite, 0);
  const average = options.average === undefined ? undefined : checkAverage(options.average);
  const schedule = checkSchedule(options.schedule);
  const rare = { clipNorm, skipNonFinite: skipNonFinite || undefined, average };
  return defined({ objective, adam, schedule, ...rare, classDropout });
}

/** Checks the options of a trainer and fills in the defaults. */
export function checkTrainer(given: TrainerOptions) {
  const { compares = false, ...options }: TrainerOptions = Object(given);
  checkNames('A trainer', compares ? options : given, TRAINER_OPTIONS);
  const { batchSize = 256, learningRate = 1e-3, reuseMemory = true, customLoss = false, variants } = options;
  checkBooleans({ reuseMemory, customLoss });
  checkInteger('batchSize', batchSize, 1, 65536);
  checkLearningRate(learningRate);
  const settings = toTrainerConfig(options);
  return { batchSize, learningRate, reuseMemory, customLoss, compares, variants, settings };
}

/** Whether images become black and white: the caller's choice, else true for the tutorial's objective and grey images. */
export const binarizes = (
  objective: Objective,
  { channels }: Pick<UNetConfig, 'channels'>,
  asked: boolean | undefined,
) => asked ?? (objective === 'tutorial' && channels === 1);

/** Checks how a pass over a data set draws its batches, and its signal. */
function checkDrawn({ seed = 0, binarize, dropLast, signal }: DrawnOptions): void {
  checkBooleans({ binarize, dropLast });
  checkSeed(seed);
  checkSignal(signal);
}

/** Checks the options of a fit and fills in the defaults. */
export function checkFit(options: FitOptions, objective: Objective, config: Pick<UNetConfig, 'channels'>) {
  checkNames('fit', options, FIT_OPTIONS);
  const { epochs, seed = 0, dropLast = false, maxSteps, signal } = options;
  checkDrawn(options);
  const binarize = binarizes(objective, config, options.binarize);
  checkInteger('epochs', epochs, 1);
  if (maxSteps !== undefined) checkInteger('maxSteps', maxSteps, 0);
  return { epochs, seed, binarize, dropLast, maxSteps, signal };
}

/** Checks the options of `evaluate`. */
export function checkEvaluate(options: EvaluateOptions): EvaluateOptions & { readonly seed: number } {
  checkNames('evaluate', options, EVALUATE_OPTIONS);
  checkDrawn(options);
  return { ...options, seed: options.seed ?? 0 };
}

/** Checks the options of `runFor`. */
export function checkFrame(options: FrameOptions): void {
  checkNames('runFor', options, FRAME_OPTIONS);
  const { milliseconds, share = 1 } = options;
  checkDrawn(options);
  checkNumber('milliseconds', milliseconds, 1e-3, 60_000);
  checkNumber('share', share, 1e-3, 1);
}

export function checkLearningRate(value: number): void {
  checkNumber('learningRate', value, 1e-12, 10);
}
