/** What an adapter is taken to compute before it has been measured: little enough for any. */
const FIRST_RATE = 1e9;
/** A measurement changes the estimate by at most this factor, so that one hiccup or one compilation does not rule it. */
const MAX_CHANGE = 4;

/**
 * How much to give the GPU at once, so that no submission blocks it (or the page it paints) for long: learns the adapter's
 * rate, in work per second (see Program.work), from the submissions it is told of.
 */
export class Pacer {
  /** How long a submission may take, about. */
  maxMilliseconds: number;
  private rate = FIRST_RATE;

  constructor(maxMilliseconds: number) {
    this.maxMilliseconds = maxMilliseconds;
  }

  /** Work that fits one submission. */
  get budget(): number {
    return (this.rate * this.maxMilliseconds) / 1000;
  }

  measured(work: number, milliseconds: number): void {
    const rate = work / (Math.max(milliseconds, 0.05) / 1000);
    this.rate = Math.min(Math.max(rate, this.rate / MAX_CHANGE), this.rate * MAX_CHANGE);
  }
}
