/** The steps of images that are made, as they arrive. */
import type { SampleEvent } from '../../../src';
import { toBytes } from '../../pictures/pictures';
import type { ModelDescription, Order } from '../messages/messages';
import { countColumns } from '../messages/order';
import type { ImageSize, Settings } from '../messages/settings';
import { History } from '../runs/history';

/** Frames that the page keeps of one sampling run, so that a thousand steps do not fill its memory. */
const MOST_FRAMES = 100;

/** What images are made from. */
export interface NoiseOrigin {
  readonly order: Order;
  /** The settings that the order follows. */
  readonly settings: Settings;
  readonly network: Omit<ModelDescription, 'name'>;
  /** The run's steps by then; of any network. */
  readonly trained: number;
}

export interface Frame {
  /** From 1: the steps of the order, and one more that polishes. 0: images that follow the hand, without steps. */
  readonly step: number;
  /** Before the step. */
  readonly x: Uint8Array;
  readonly prediction: Uint8Array;
}

/** A step of images that are made, one of `steps`. */
export interface Sampled extends NoiseOrigin, Frame {
  readonly steps: number;
}

/** A step of the sampler, as it is shown. */
export function sampledStep({ step: done, input, prediction, x }: SampleEvent, origin: NoiseOrigin): Sampled {
  const { order, network } = origin;
  const step = done + 1;
  // A polish comes as one more.
  const steps = order.steps + Number(network.sampling.polish !== undefined);
  // Adams’ last step does not end at its prediction, and what is shown last is what was made.
  const seen = step === order.steps ? x : prediction;
  return { ...origin, step, steps, x: toBytes(input), prediction: toBytes(seen) };
}

/** The arrangement of a frame's images. Their size may differ from the data's, for a model from a file. */
export interface Shape extends ImageSize {
  readonly columns: number;
  /** At twice the side of the network's. */
  readonly enlarged?: boolean;
}

/** Pixels of a file for each pixel of an image, along a side. */
export const fileScale = ({ enlarged }: Shape) => (enlarged ? 2 : 4);

/** What the network sees at a step: the images, at the last one. */
export function stepTiles({ prediction: bytes, order, network }: Sampled) {
  const { height, width, channels, classes } = network;
  return { bytes, height, width, channels, columns: countColumns(order, classes) };
}

export const isLast = ({ step, steps }: Sampled): boolean => step === steps;

export class Trajectory extends History<Sampled> {
  constructor(changed: () => void) {
    super(changed, MOST_FRAMES);
  }

  /** Whether it shows images that follow the hand. */
  get follows(): boolean {
    return this.shown?.step === 0;
  }

  /** Whether all steps are there. */
  get complete(): boolean {
    return this.last !== undefined && isLast(this.last);
  }

  take(sampled: Sampled): void {
    if (sampled.step <= 1) this.clear();
    this.add(sampled);
  }
}
