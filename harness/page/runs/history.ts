/** The live samples of the run so far, which Train and Explain look back on. Pure. */

export interface Grid {
  readonly images: Uint8Array;
  readonly columns: number;
  /** The samples of a run that is complete. */
  readonly isLast?: boolean;
}

interface Entry<T> {
  readonly step: number;
  readonly value: T;
}

/** A growing list of pictures to look back on: it is thinned out when it gets long, and shows its end until the user chooses an entry. */
export class History<T> {
  private readonly most: number;
  private entries: Entry<T>[] = [];
  private chosen: Entry<T> | undefined;
  /** The distance between entries in steps; it doubles each time the list is thinned. */
  private spacing = 0;

  constructor(most = 200) {
    this.most = most;
  }

  get all(): readonly Entry<T>[] {
    return this.entries;
  }

  get length(): number {
    return this.entries.length;
  }

  get index(): number {
    return this.chosen ? this.entries.indexOf(this.chosen) : Math.max(0, this.entries.length - 1);
  }

  get shown(): Entry<T> | undefined {
    return this.chosen ?? this.entries.at(-1);
  }

  add(step: number, value: T): void {
    // Steps repeat after a lost device.
    while (this.entries.length > 0 && this.entries.at(-1)!.step >= step) this.drop();
    // The newest entry is always kept; it is dropped when the next one is too close to the one before it.
    const [before, last] = this.entries.slice(-2);
    if (before && last && last.step - before.step < this.spacing) this.drop();
    this.entries.push({ step, value });
    if (this.entries.length > this.most) this.thin();
  }

  /** Chooses an entry by index; choosing the last one follows the newest. */
  choose(index: number): void {
    this.chosen = index >= this.entries.length - 1 ? undefined : this.entries[index];
  }

  clear(): void {
    this.entries = [];
    this.chosen = undefined;
    this.spacing = 0;
  }

  private drop(): void {
    const gone = this.entries.pop();
    if (gone === this.chosen) this.chosen = undefined;
  }

  private thin(): void {
    const last = this.entries.length - 1;
    this.spacing = (2 * (this.entries[last].step - this.entries[0].step)) / last;
    this.entries = this.entries.filter((entry, i) => i % 2 === 0 || i === last || entry === this.chosen);
  }
}
