/** Pictures to look back on: a run's live samples, in Train and Explain, and the steps of images, in Make. */

/** The samples of a run at a step. */
export interface Grid {
  readonly step: number;
  readonly images: Uint8Array;
  readonly columns: number;
  /** The samples of a run that is complete. */
  readonly isLast?: boolean;
}

/** A growing list of pictures: it is thinned out when it gets long, and shows its end until the user chooses one or plays them. */
export class History<Item extends { readonly step: number }> {
  /** Has the page drawn anew. */
  private readonly changed: () => void;
  private readonly most: number;
  private items: Item[] = [];
  private chosen: Item | undefined;
  /** The distance between items in steps; it doubles each time the list is thinned. */
  private spacing = 0;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(changed: () => void, most = 200) {
    this.changed = changed;
    this.most = most;
  }

  get all(): readonly Item[] {
    return this.items;
  }

  get last(): Item | undefined {
    return this.items.at(-1);
  }

  get length(): number {
    return this.items.length;
  }

  get index(): number {
    return this.chosen ? this.items.indexOf(this.chosen) : Math.max(0, this.length - 1);
  }

  get shown(): Item | undefined {
    return this.chosen ?? this.last;
  }

  get playing(): boolean {
    return this.timer !== undefined;
  }

  add(item: Item): void {
    // Steps repeat after a lost device.
    while (this.last && this.last.step >= item.step) this.drop();
    // The newest item is always kept; it is dropped when the next one is too close to the one before it.
    const [before, last] = this.items.slice(-2);
    if (before && last && last.step - before.step < this.spacing) this.drop();
    this.items.push(item);
    if (this.length > this.most) this.thin();
  }

  /** Chooses an item by index; choosing the last one follows the newest. */
  choose(index: number): void {
    this.stop();
    this.pick(index);
  }

  /** Plays all, once, or stops that. */
  play(milliseconds: number): void {
    if (this.playing) {
      this.choose(this.index);
      return;
    }
    this.timer = setInterval(() => {
      this.pick(this.index + 1);
      if (!this.chosen) this.stop();
    }, milliseconds);
    this.pick(0);
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  clear(): void {
    this.stop();
    this.items = [];
    this.chosen = undefined;
    this.spacing = 0;
  }

  private pick(index: number): void {
    this.chosen = index >= this.length - 1 ? undefined : this.items[index];
    this.changed();
  }

  private drop(): void {
    const gone = this.items.pop();
    if (gone === this.chosen) this.chosen = undefined;
  }

  private thin(): void {
    const last = this.length - 1;
    this.spacing = (2 * (this.items[last].step - this.items[0].step)) / last;
    this.items = this.items.filter((item, i) => i % 2 === 0 || i === last || item === this.chosen);
  }
}
