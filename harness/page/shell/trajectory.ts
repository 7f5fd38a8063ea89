/** The steps of one run of the sampler as they arrive, which of them is shown, and the playing through them. */
import type { Order, WorkerEvent } from '../worker/messages';

export interface Frame {
  /** Counts from 1. */
  readonly step: number;
  /** Before the step. */
  readonly x: Uint8Array;
  readonly prediction: Uint8Array;
}

/** How the images of a frame lie side by side: a model from a file may be for images of another size than the data. */
export interface Shape {
  readonly columns: number;
  readonly height: number;
  readonly width: number;
}

const FRAME_MS = 120;

export class Trajectory {
  frames: readonly Frame[] = [];
  shape: Shape = { columns: 1, height: 28, width: 28 };
  /** What was asked for. */
  order: Order | undefined;
  private readonly changed: () => void;
  /** Undefined follows the newest. */
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

  get playing(): boolean {
    return this.timer !== undefined;
  }

  /** The last step has been made: its prediction is the images. */
  get complete(): boolean {
    return this.frames.length > 0 && this.frames[this.frames.length - 1].step === this.order!.steps;
  }

  add({ order, step, frame, columns, height, width }: Extract<WorkerEvent, { type: 'sampled' }>): void {
    if (step === 1) this.clear();
    this.order = order;
    this.shape = { columns, height, width };
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
