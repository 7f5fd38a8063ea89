/** The config of a training step, as plain values: code that reads or writes checkpoints needs no kernels. */
import { checkInteger, checkNames, checkNumber, defined, type Names, type Optional } from '../base/errors';
import { checkSchedule, type Schedule } from '../plan/schedule';

/** Number of losses that stay on the GPU until the host collects them. */
export const LOSS_RING = 1024;

/** Most steps per submission, because recorded commands take memory, too. At most LOSS_RING. */
export const MOST_STEPS = 256;

/** Larger than the norm of any gradient whose square is finite: no clipping. */
export const NO_CLIP = 1e30;

/** Adam's parameters. */
export interface AdamConfig {
  /** 0 to 0.999999, like beta2. Default 0.9. */
  readonly beta1: number;
  /** Default 0.999. */
  readonly beta2: number;
  /** 1e-12 to 1. Default 1e-7. */
  readonly epsilon: number;
  /** 0 to 1: in each step a weight loses this share of the learning rate times itself (AdamW: Loshchilov and Hutter, 2019). Default 0. */
  readonly weightDecay: number;
}

export const adamDefaults: AdamConfig = { beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weightDecay: 0 };

/** Checks Adam's parameters and fills in the defaults. */
export function checkAdam(given: Optional<AdamConfig>): AdamConfig {
  const { beta1 = adamDefaults.beta1, beta2 = adamDefaults.beta2 } = given;
  const { epsilon = adamDefaults.epsilon, weightDecay = adamDefaults.weightDecay } = given;
  checkNumber('beta1', beta1, 0, 0.999999);
  checkNumber('beta2', beta2, 0, 0.999999);
  checkNumber('epsilon', epsilon, 1e-12, 1);
  checkNumber('weightDecay', weightDecay, 0, 1);
  return { beta1, beta2, epsilon, weightDecay };
}

/** The moving average of the weights over the steps, s from 0 on. */
export interface AverageConfig {
  /** The step after which it begins, as s = 0. Until then the network has the weights themselves. Default 0. */
  readonly after?: number | undefined;
  /**
   * Step s takes (s + span - 9) / (s + span) of the average, from 0 to `most`, and the rest from the weights. 0 to 1e6; default 9.
   * `recipeAt` scales it with the batch.
   */
  readonly span?: number | undefined;
  /** The largest weight of the old average in a step, 0 to 1. Default 0.999. */
  readonly most?: number | undefined;
}

export const averageDefaults = { after: 0, span: 9, most: 0.999 };

/** Checks the settings of an average and leaves out those that are the defaults. */
export function checkAverage(given: AverageConfig): AverageConfig {
  checkNames('average', given, { after: true, span: true, most: true } satisfies Names<AverageConfig>);
  const settings = { ...averageDefaults, ...defined(given) };
  checkInteger('average.after', settings.after, 0);
  checkNumber('average.span', settings.span, 0, 1e6);
  checkNumber('average.most', settings.most, 0, 1);
  const isUsual = ([name, value]: [string, number]) => value === averageDefaults[name as keyof AverageConfig];
  return Object.fromEntries(Object.entries(settings).filter((entry) => !isUsual(entry)));
}

/**
 * The objective of a network. `tutorial`: it predicts images from images with a share t of uniform noise; pixels from 0 to 1, t uniform. `flow`:
 * it predicts noise - image from (1 - t) image + t noise; pixels from -1 to 1, the noise Gaussian, t = sigmoid of a Gaussian number.
 */
export type Objective = 'tutorial' | 'flow';

/** The config of a step's update. */
export interface StepConfig {
  /** Adam's parameters. */
  readonly adam: AdamConfig;
  /** The learning rate's change from step to step. */
  readonly schedule: Schedule;
  /** Largest norm of the gradient of all parameters together: a longer one is scaled down to it. Undefined: no clipping. */
  readonly clipNorm?: number | undefined;
  /** If given, the network holds the moving average of the weights over the steps instead of the trained weights. */
  readonly average?: AverageConfig | undefined;
  /** Number of steps in a row that may be non-finite. Undefined: none. */
  readonly skipNonFinite?: number | undefined;
}

export const stepDefaults: StepConfig = {
  adam: adamDefaults,
  schedule: checkSchedule(),
};

/** The options that span the same number of images at any batch, in steps: Adam's memory, the warm-up, the span of the average. */
export const countedInImages = (batch: number) => ({
  beta2: Number((0.99 ** (batch / 256)).toFixed(6)),
  schedule: { warmup: Math.round(5120 / batch) },
  average: { span: (9 * 256) / batch, most: 1 - (0.001 * batch) / 256 },
});
