/** When the live pictures of a training run are due: at most so often, and in a share of the time only. */

/** The live pictures may take this share of the time. */
const SHARE = 0.1;

export class PictureClock {
  private next = 0;
  /** The first ones are compiled on the way, which says nothing about the next. */
  private isFirst = true;

  get due(): boolean {
    return performance.now() >= this.next;
  }

  /** They are due. */
  reset(): void {
    this.next = 0;
  }

  /** Makes them; the next ones are due after `refresh` seconds, or when these have paid for themselves. */
  async make(refresh: number, pictures: () => Promise<void>): Promise<void> {
    const start = performance.now();
    await pictures();
    const end = performance.now();
    const rest = this.isFirst ? 0 : (end - start) * (1 / SHARE - 1);
    this.isFirst = false;
    this.next = end + Math.max(refresh * 1000, rest);
  }
}
