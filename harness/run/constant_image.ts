/** Whether a network has learned nothing, or has died: its loss is that of one that makes the same of everything. Page and command line share it. */
import type { ImageSet } from '../../src/data/idx';
import type { Objective } from '../../src/training/settings';

/** So many steps twice in a row: a network that learns passes by in fewer. */
const STEPS = 50;
/** How often that is looked at. */
const EVERY = 10;
/** Batches are not all alike. */
const MARGIN = 0.02;

/** The losses of a network that makes the same of everything: black (or, along a flow, nothing), and the grey that is best. */
export function constantLosses(
  { images }: Pick<ImageSet, 'images'>,
  objective: Objective,
  binarize = objective === 'tutorial',
): number[] {
  const counts = new Float64Array(256);
  for (const byte of images) counts[byte]++;
  let [mean, square] = [0, 0];
  counts.forEach((count, byte) => {
    const grey = binarize ? Number(byte > 127) : byte / 255;
    const value = objective === 'flow' ? 2 * grey - 1 : grey;
    mean += (value * count) / images.length;
    square += (value ** 2 * count) / images.length;
  });
  // Along a flow the image is taken from noise of variance 1.
  const noise = objective === 'flow' ? 1 : 0;
  return [square + noise, square - mean ** 2 + noise];
}

/** Whether the last losses, of 2 * STEPS steps, all in all are one of these. */
export function isConstant(losses: readonly number[], constants: readonly number[]): boolean {
  if (losses.length < 2 * STEPS) return false;
  const mean = (from: number) => losses.slice(from, from + STEPS).reduce((a, b) => a + b, 0) / STEPS;
  const means = [mean(losses.length - 2 * STEPS), mean(losses.length - STEPS)];
  return constants.some((constant) => means.every((m) => Math.abs(m / constant - 1) < MARGIN));
}

/** Tells once, when it is so. */
export class ConstantImageWatch {
  private readonly constants: readonly number[];
  private told = false;

  constructor(...images: Parameters<typeof constantLosses>) {
    this.constants = constantLosses(...images);
  }

  /** What to say now that these are the losses of the run, if there is something. */
  warning(losses: readonly number[], learningRate: number): string | undefined {
    if (this.told || losses.length % EVERY !== 0 || !isConstant(losses, this.constants)) return undefined;
    this.told = true;
    return `The losses of the last ${2 * STEPS} steps are those of a constant image: whatever it is shown, the network makes the same of it. It has died, or learns nothing. Start again with another learning rate than ${learningRate}, a smaller one as a rule.`;
  }
}
