/** The steps of one sampling run as they arrive: chooses the one to show, and plays them. */
import type { SampleEvent } from '../../../src';
import { toBytes } from '../../pictures/pictures';
import type { ModelDescription, Order } from '../messages/messages';
import { columnsOf } from '../messages/order';
import type { ImageSize, Settings } from '../messages/settings';

/** Frames that the page keeps of one sampling run, so that a thousand steps do not fill its memory. */
export const MAX_FRAMES = 100;

/** Whether step `step` (from 1) of `steps` is one of the frames to keep: evenly spread, the first and the last among them. */
export function keepsFrame(step: number, steps: number): boolean {
  const every = Math.ceil((steps - 1) / (MAX_FRAMES - 1)) || 1;
  return step === 1 || step === steps || (steps - step) % every === 0;
}

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
  /** Left out of some steps of a long run. */
  readonly frame: Omit<Frame, 'step'> | undefined;
}

/** A step of the sampler, as it is shown. */
export function stepOf({ step: done, input, prediction, x }: SampleEvent, origin: Origin): Sampled {
  const { order, network } = origin;
  const step = done + 1;
  // A polish comes as one more.
  const steps = order.steps + Number(network.sampling.polish !== undefined);
  // Adams’ last step does not end at its prediction, and what is shown last is what was made.
  const seen = step === order.steps ? x : prediction;
  const frame = keepsFrame(step, steps) ? { x: toBytes(input), prediction: toBytes(seen) } : undefined;
  return { ...origin, step, steps, frame };
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

const FRAME_MS = 120;

export class Trajectory {
  frames: readonly Frame[] = [];
  shape: Shape = { columns: 1, height: 28, width: 28, channels: 1 };
  /** Network and order of the shown images, which need not be the chosen ones any more. */
  origin: Origin | undefined;
  /** Its steps, and one more that polishes. */
  steps = 0;
  private readonly changed: () => void;
  /** Index of the shown frame; undefined follows the newest. */
  private chosen: number | undefined;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(changed: () => void) {
    this.changed = changed;
  }

  get at(): number {
    return this.chosen ?? this.frames.length - 1;
  }

  get shown(): Frame | undefined {
    return this.frames[this.at];
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
    const last = this.frames.at(-1);
    return last && this.complete ? { bytes: last.prediction, ...this.shape } : undefined;
  }

  get playing(): boolean {
    return this.timer !== undefined;
  }

  /** Whether the run is complete: its last prediction is the images. */
  get complete(): boolean {
    return this.frames.at(-1)?.step === this.steps;
  }

  add({ step, steps, frame, ...origin }: Sampled): void {
    if (step <= 1) {
      this.clear();
      const { height, width, channels, classes } = origin.network;
      this.shape = { columns: columnsOf(origin.order, classes), height, width, channels };
      this.origin = origin;
      this.steps = steps;
    }
    if (frame) this.frames = [...this.frames, { step, ...frame }];
  }

  clear(): void {
    this.stop();
    this.frames = [];
    this.chosen = undefined;
  }

  choose(at: number): void {
    this.stop();
    this.chosen = at >= this.frames.length - 1 ? undefined : at;
    this.changed();
  }

  /** Plays from the first step to the last, once. */
  play(): void {
    this.stop();
    this.chosen = 0;
    this.timer = setInterval(() => {
      this.chosen = (this.chosen ?? 0) + 1;
      if (this.chosen >= this.frames.length - 1) {
        this.chosen = undefined;
        this.stop();
      }
      this.changed();
    }, FRAME_MS);
    this.changed();
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }
}
