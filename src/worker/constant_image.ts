/** Detects a network that has died or learns nothing: its loss equals the loss of a constant output. The command line uses it, too. */
import type { ImageSet } from '../data/idx';
import { binarizes, type TrainerConfig } from '../training/options';
import type { Objective } from '../training/step_config';

/** Steps in each of two successive windows: a network that learns passes such a loss in fewer. */
const STEPS = 50;
/** Steps between two checks. */
const EVERY = 10;
/** Allowed relative deviation, because batches differ. */
const MARGIN = 0.02;

/** The losses of a network with a constant output: black (or, for a flow, a velocity of 0), and the best grey. */
export function constantLosses(
  { images, channels = 1 }: Pick<ImageSet, 'images'> & { readonly channels?: number },
  objective: Objective,
  asked?: boolean,
): number[] {
  const binarize = binarizes(objective, { channels }, asked);
  const counts = new Float64Array(256);
  for (const byte of images) counts[byte]++;
  let mean = 0;
  let square = 0;
  counts.forEach((count, byte) => {
    const grey = binarize ? Number(byte > 127) : byte / 255;
    const value = objective === 'flow' ? 2 * grey - 1 : grey;
    mean += (value * count) / images.length;
    square += (value ** 2 * count) / images.length;
  });
  // For a flow, the target is noise of variance 1 minus the image.
  const noise = objective === 'flow' ? 1 : 0;
  return [square + noise, square - mean ** 2 + noise];
}

/** Whether the mean losses of the last two windows of STEPS steps are both near one of these constants. */
export function isConstant(losses: readonly number[], constants: readonly number[]): boolean {
  if (losses.length < 2 * STEPS) return false;
  const mean = (from: number) => losses.slice(from, from + STEPS).reduce((a, b) => a + b, 0) / STEPS;
  const means = [mean(losses.length - 2 * STEPS), mean(losses.length - STEPS)];
  return constants.some((constant) => means.every((m) => Math.abs(m / constant - 1) < MARGIN));
}

/** Warns once when the losses are constant. */
export class ConstantImageWatch {
  private readonly constants: readonly number[];
  /** Steps in which the rate may be too small to learn anything. */
  private readonly warmup: number;
  private warned = false;

  constructor(
    images: Parameters<typeof constantLosses>[0],
    { objective, schedule }: Pick<TrainerConfig, 'objective' | 'schedule'>,
    binarize?: boolean,
  ) {
    this.constants = constantLosses(images, objective, binarize);
    this.warmup = schedule.warmup;
  }

  /** The warning for these losses of the run, if it is due. */
  warning(losses: readonly number[], learningRate: number): string | undefined {
    if (this.warned || losses.length % EVERY !== 0) return undefined;
    if (!isConstant(losses.slice(this.warmup), this.constants)) return undefined;
    this.warned = true;
    return `The losses of the last ${2 * STEPS} steps equal the losses of a constant image: the network's output does not depend on its input. It has died, or learns nothing. Start again with another learning rate than ${learningRate}, usually a smaller one.`;
  }
}
