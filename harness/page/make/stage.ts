/** What the Make view shows: one producer at a time puts frames there, such as an order, images that follow the hand, or two columns. */
import { type ColumnChoice, columnChoices } from '../messages/settings';
import type { Tiles } from '../shell/images';
import { type Sampled, Trajectory } from '../shell/trajectory';

/** The images that are made as the settings say, or a column of a comparison. */
export type Column = ColumnChoice | '';

export type StageFrame =
  /** A step of a column's images. */
  | { readonly column: Column; readonly step: Sampled }
  /** The field's map, as far as it is made: it comes beside finished images. */
  | { readonly map: Tiles };

export class Stage {
  /** The steps of each column. */
  readonly columns: Readonly<Record<Column, Trajectory>>;
  /** The digit under the hand all over the field. */
  map: Tiles | undefined;
  /** Why the images under the hand or the map ended early. */
  problem: string | undefined;
  /** At each drawing of the page: has a producer go on that waits. */
  render = (): void => {};
  private readonly changed: () => void;
  /** Ends what is being made. */
  private ends = new AbortController();

  /** `changed` has the page drawn anew. */
  constructor(changed: () => void) {
    this.changed = changed;
    const all = ['', ...columnChoices].map((column) => [column, new Trajectory(changed)]);
    this.columns = Object.fromEntries(all) as Record<Column, Trajectory>;
  }

  /** Shows what `produce` makes until its signal is aborted, in place of what is being made. What is shown stays until its first frame comes. */
  async show(produce: (signal: AbortSignal) => AsyncIterable<StageFrame>): Promise<void> {
    this.stop();
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
    this.render = () => {};
  }

  /** Nothing is made or shown any more. */
  clear(): void {
    this.stop();
    this.problem = undefined;
    for (const trajectory of Object.values(this.columns)) trajectory.clear();
  }

  /** Resolves once `holds` is true at a drawing of the page. For the producer, which waits for one thing at a time. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((go) => {
      this.render = () => {
        if (holds()) go();
      };
      this.render();
    });
  }
}
