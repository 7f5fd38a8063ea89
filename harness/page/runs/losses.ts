/** The losses of a run, step after step, and their running mean. Pure. */

/** Losses in the order of their steps: `LossHistory`, a list, or an array of 32-bit floats. */
export interface LossSeries extends Iterable<number> {
  readonly length: number;
  at(index: number): number | undefined;
  slice(start?: number): Iterable<number>;
}

/** An immutable list of losses. The cost of appending does not depend on the length of the run. */
export class LossHistory implements LossSeries {
  readonly length: number;
  /** Shared by all lists that were appended to each other; it may also contain later losses. */
  private readonly store: number[];

  private constructor(store: number[]) {
    this.store = store;
    this.length = store.length;
  }

  static of(losses: Iterable<number>): LossHistory {
    return new LossHistory([...losses]);
  }

  /** The first `count` losses, and `more` after them. The first ones are copied only if steps are repeated. */
  after(count: number, more: Iterable<number>): LossHistory {
    const { store, length } = this;
    // Not to an empty one: the initial state's is shared.
    const newest = length > 0 && count === length && store.length === length;
    const all = newest ? store : store.slice(0, Math.min(count, length));
    for (const loss of more) all.push(loss);
    return new LossHistory(all);
  }

  /** Whether this list was made by appending to `earlier`. */
  continues(earlier: LossHistory): boolean {
    return this.store === earlier.store && this.length >= earlier.length;
  }

  at(index: number): number | undefined {
    const i = index < 0 ? this.length + index : index;
    return i < this.length ? this.store[i] : undefined;
  }

  slice(start = 0): number[] {
    return this.store.slice(start < 0 ? Math.max(0, this.length + start) : start, this.length);
  }

  [Symbol.iterator](): Iterator<number> {
    return this.slice().values();
  }
}

/** Images over which a loss is smoothed, about. */
const SMOOTHED = 5120;
/** Number of steps from which the current loss is smoothed: the last ten times SMOOTHED images. */
export const recentSteps = (batch: number) => Math.ceil((10 * SMOOTHED) / batch);

/**
 * Takes the losses of steps of `batch` images one by one, and gives their running mean: over about the last tenth of the steps so far, at most
 * SMOOTHED images. The loss falls fast at first, and a longer mean would lie above all of it.
 */
export function smoother(batch: number): (loss: number) => number {
  const share = Math.min(1, batch / SMOOTHED);
  let mean = 0;
  let i = 0;
  return (loss) => {
    // A step that was skipped has no loss.
    if (!Number.isNaN(loss)) mean += (loss - mean) * Math.max(share, 10 / (i + 10));
    i++;
    return mean;
  };
}

export const smooth = (losses: Iterable<number>, batch: number): number[] =>
  Array.from(losses, smoother(batch));

/** The smoothed loss after the last of these steps; undefined if there is none. */
export const smoothLoss = (losses: LossSeries, batch: number): number | undefined =>
  smooth(losses.slice(-recentSteps(batch)), batch).at(-1);
