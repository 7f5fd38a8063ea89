/** What the Make view shows: one producer at a time puts frames there, such as an order, images that follow the hand, or two columns. */
import type { Order } from '../messages/messages';
import type { Tiles } from '../shell/images';
import type { Sampled, Trajectory } from '../shell/trajectory';

/** Images that follow the hand, as far as they are made, and the order of the newest. */
export interface Following {
  readonly tiles: Tiles;
  readonly order: Order;
}

export type Frame =
  /** A step of an order, for the trajectory that shows it. */
  | { readonly step: Sampled; readonly on: Trajectory }
  | Following
  /** The field's map, as far as it is made: it comes beside finished images. */
  | { readonly map: Tiles };

/** Makes what the stage shows, until the signal is aborted. */
export type Producer = (signal: AbortSignal) => AsyncIterable<Frame>;

export class Stage {
  /** The images that follow the hand, where these are shown. */
  following: Following | undefined;
  /** The digit under the hand all over the field. */
  map: Tiles | undefined;
  /** Why the images under the hand or the map ended early. */
  problem: string | undefined;
  /** Whether something is shown, or has been asked for. */
  begun = false;
  private readonly changed: () => void;
  /** Ends what is being made; undefined while nothing is. */
  private ends: AbortController | undefined;
  private newest: Frame | undefined;
  private waits: { holds(): boolean; go(): void } | undefined;

  /** `changed` has the page drawn anew. */
  constructor(changed: () => void) {
    this.changed = changed;
  }

  /** Shows what `produce` makes, in place of what is being made. What is shown stays until its first frame comes. */
  async show(produce: Producer): Promise<void> {
    this.stop();
    this.begun = true;
    this.problem = undefined;
    this.newest = undefined;
    const ends = new AbortController();
    this.ends = ends;
    const { signal } = ends;
    try {
      for await (const frame of produce(signal)) {
        if (signal.aborted) return;
        this.put(frame);
        this.changed();
      }
    } catch (error) {
      if (!signal.aborted) this.problem = (error as Error).message;
    }
    if (this.ends === ends) this.ends = undefined;
    this.changed();
  }

  /** What is being made ends; what is shown stays. */
  stop(): void {
    this.ends?.abort();
    this.ends = undefined;
    this.waits = undefined;
  }

  /** Nothing is made or follows the hand any more. */
  clear(): void {
    this.stop();
    this.begun = false;
    this.following = undefined;
    this.problem = undefined;
  }

  /** The device is lost: what was asked of it does not come. */
  lose(): void {
    const isMap = this.ends && this.newest && 'map' in this.newest;
    if (this.following || isMap)
      this.problem = 'The GPU device was lost. Press Make, and the page asks for another one.';
    this.stop();
  }

  /** Resolves once `holds` is true at a drawing of the page. For the producer. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((go) => {
      this.waits = { holds, go };
      this.render();
    });
  }

  render(): void {
    const { waits } = this;
    if (!waits?.holds()) return;
    this.waits = undefined;
    waits.go();
  }

  private put(frame: Frame): void {
    this.newest = frame;
    if ('map' in frame) this.map = frame.map;
    else if ('tiles' in frame) this.following = frame;
    else {
      this.following = undefined;
      frame.on.add(frame.step);
    }
  }
}
