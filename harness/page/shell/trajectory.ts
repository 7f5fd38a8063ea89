/** The steps of one sampling run as they arrive. */
import type { SampleEvent } from '../../../src';
import { toBytes } from '../../pictures/pictures';
import type { ModelDescription, Order } from '../messages/messages';
import { columnsOf } from '../messages/order';
import type { ImageSize, Settings } from '../messages/settings';
import { History } from '../runs/history';

/** Frames that the page keeps of one sampling run, so that a thousand steps do not fill its memory. */
const MOST_FRAMES = 100;

/** Network, number of its training steps, and order of images. */
export interface Origin {
  readonly order: Order;
  /** The settings that the order follows. */
  readonly settings: Settings;
  readonly network: Omit<ModelDescription, 'name'>;
  /** The run's steps by then; of any network. */
  readonly trained: number;
}

/** A step of images that are made. */
export interface Sampled extends Origin {
  /** From 1, of `steps`: the steps of the order, and one more that polishes. 0: images that follow the hand, without steps. */
  readonly step: number;
  readonly steps: number;
  readonly frame: Omit<Frame, 'step'>;
}

/** A step of the sampler, as it is shown. */
export function stepOf({ step: done, input, prediction, x }: SampleEvent, origin: Origin): Sampled {
  const { order, network } = origin;
  const step = done + 1;
  // A polish comes as one more.
  const steps = order.steps + Number(network.sampling.polish !== undefined);
  // Adams’ last step does not end at its prediction, and what is shown last is what was made.
  const seen = step === order.steps ? x : prediction;
  return { ...origin, step, steps, frame: { x: toBytes(input), prediction: toBytes(seen) } };
}

export interface Frame {
  /** See Sampled. */
  readonly step: number;
  /** Before the step. */
  readonly x: Uint8Array;
  readonly prediction: Uint8Array;
}

/** The arrangement of a frame's images. Their size may differ from the data's, for a model from a file. */
export interface Shape extends ImageSize {
  readonly columns: number;
  /** At twice the side of the network's. */
  readonly enlarged?: boolean;
}

/** Pixels of a file for each pixel of an image, along a side. */
export const scaleOf = ({ enlarged }: Shape) => (enlarged ? 2 : 4);

export class Trajectory extends History<Frame> {
  shape: Shape = { columns: 1, height: 28, width: 28, channels: 1 };
  /** Network and order of the shown images, which need not be the chosen ones any more. */
  origin: Origin | undefined;
  /** Its steps, and one more that polishes. */
  steps = 0;

  constructor(changed: () => void) {
    super(changed, MOST_FRAMES);
  }

  /** Whether it shows images that follow the hand. */
  get follows(): boolean {
    return this.shown?.step === 0;
  }

  /** What the network sees at the shown step. */
  get tiles() {
    return this.shown && { bytes: this.shown.prediction, ...this.shape };
  }

  /** The finished images, as the network made them. */
  get finished() {
    return this.complete ? { bytes: this.last!.prediction, ...this.shape } : undefined;
  }

  /** Whether the run is complete: its last prediction is the images. */
  get complete(): boolean {
    return this.last?.step === this.steps;
  }

  take({ step, steps, frame, ...origin }: Sampled): void {
    if (step <= 1) {
      this.clear();
      const { height, width, channels, classes } = origin.network;
      this.shape = { columns: columnsOf(origin.order, classes), height, width, channels };
      this.origin = origin;
      this.steps = steps;
    }
    this.add({ step, ...frame });
  }
}
