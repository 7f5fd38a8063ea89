/** Assumed rate of an adapter before the first measurement: low enough for any adapter. */
const FIRST_RATE = 1e9;
/** A measurement changes the estimate by at most this factor, so that one hiccup or one compilation does not dominate it. */
const MAX_CHANGE = 4;

/**
 * Decides how much work to submit at once, so that no submission blocks the GPU (or the page it paints) for long. Learns the adapter's
 * rate, in work per second (see Program.work), from the submissions reported to it.
 */
export class Pacer {
  /** How long a submission may take, approximately. */
  maxMilliseconds: number;
  private rate = FIRST_RATE;

  constructor(maxMilliseconds: number) {
    this.maxMilliseconds = maxMilliseconds;
  }

  /** Work that fits into one submission. */
  get budget(): number {
    return (this.rate * this.maxMilliseconds) / 1000;
  }

  /** Work that fits into so much time, and into one submission. */
  workIn(milliseconds: number): number {
    return (this.rate * Math.max(0, Math.min(milliseconds, this.maxMilliseconds))) / 1000;
  }

  measured(work: number, milliseconds: number): void {
    const rate = work / (Math.max(milliseconds, 0.05) / 1000);
    this.rate = Math.min(Math.max(rate, this.rate / MAX_CHANGE), this.rate * MAX_CHANGE);
  }
}
