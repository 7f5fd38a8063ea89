/** What the Make view shows: one producer at a time puts frames there, such as an order, images that follow the hand, or two columns. */
import { type ColumnChoice, columnChoices } from '../messages/settings';
import type { Tiles } from '../shell/images';
import { type Sampled, Trajectory } from '../shell/trajectory';

/** The images that are made as the settings say, or a column of a comparison. */
type Column = ColumnChoice | '';

export type Frame =
  /** A step of a column's images. */
  | { readonly column: Column; readonly step: Sampled }
  /** The field's map, as far as it is made: it comes beside finished images. */
  | { readonly map: Tiles };

/** Makes what the stage shows, until the signal is aborted. */
export type Producer = (signal: AbortSignal) => AsyncIterable<Frame>;

export class Stage {
  /** The steps of each column. */
  readonly columns: Readonly<Record<Column, Trajectory>>;
  /** The digit under the hand all over the field. */
  map: Tiles | undefined;
  /** Why the images under the hand or the map ended early. */
  problem: string | undefined;
  /** Whether something is shown, or has been asked for. */
  begun = false;
  private readonly changed: () => void;
  /** Ends what is being made. */
  private ends = new AbortController();
  private waits: { holds(): boolean; go(): void } | undefined;

  /** `changed` has the page drawn anew. */
  constructor(changed: () => void) {
    this.changed = changed;
    const all = ['', ...columnChoices].map((column) => [column, new Trajectory(changed)]);
    this.columns = Object.fromEntries(all) as Record<Column, Trajectory>;
  }

  /** Shows what `produce` makes, in place of what is being made. What is shown stays until its first frame comes. */
  async show(produce: Producer): Promise<void> {
    this.stop();
    this.begun = true;
    this.problem = undefined;
    const { signal } = this.ends;
    try {
      for await (const frame of produce(signal)) {
        if (signal.aborted) return;
        if ('map' in frame) this.map = frame.map;
        else this.columns[frame.column].take(frame.step);
        this.changed();
      }
    } catch (error) {
      if (!signal.aborted) this.problem = (error as Error).message;
    }
    this.changed();
  }

  /** What is being made ends; what is shown stays. */
  stop(): void {
    this.ends.abort();
    this.ends = new AbortController();
    this.waits = undefined;
  }

  /** Nothing is made or shown any more. */
  clear(): void {
    this.stop();
    this.begun = false;
    this.problem = undefined;
    for (const trajectory of Object.values(this.columns)) trajectory.clear();
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
}
