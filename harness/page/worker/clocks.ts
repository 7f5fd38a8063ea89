/** The training worker's clocks: how long a run has been trained, and when something beside training is due within its share of the time. */

/** How long a run has been trained, and for how long it may still be. Milliseconds, as performance.now() has them. Pure. */
export class TrainingClock {
  private before = 0;
  /** What `before` was when training was last asked for. */
  private pressed = 0;
  private since: number | undefined;

  start(now: number): void {
    this.since ??= now;
  }

  stop(now: number): void {
    this.before = this.run(now);
    this.since = undefined;
  }

  /** Training is asked for: the time that was set begins anew. */
  press(now: number): void {
    this.pressed = this.run(now);
  }

  reset(): void {
    this.before = 0;
    this.pressed = 0;
    this.since = undefined;
  }

  /** In all. */
  run(now: number): number {
    return this.before + (this.since === undefined ? 0 : now - this.since);
  }

  sincePress(now: number): number {
    return this.run(now) - this.pressed;
  }

  /** `minutes`: 0 for no limit. */
  isOver(now: number, minutes: number): boolean {
    return minutes > 0 && this.sincePress(now) >= minutes * 60_000;
  }
}

/** Lets something be done again and again, as often as it takes at most its share of the time. Pure. */
export class TimeShare {
  private readonly share: number;
  private spent = 0;
  private took: number | undefined;

  constructor(share: number) {
    this.share = share;
  }

  /** Whether it would be within its share of `time` if it were done now. `guess`: how long it takes, until that is known. Milliseconds. */
  isDue(time: number, guess: number): boolean {
    return this.untilDue(time, guess) <= 0;
  }

  /** How long it is until then. */
  untilDue(time: number, guess: number): number {
    return (this.spent + (this.took ?? guess)) / this.share - time;
  }

  /** It was done, or given up on the way: then the next attempt takes at least as long. */
  add(ms: number, { done }: { readonly done: boolean }): void {
    this.spent += ms;
    if (done || ms > (this.took ?? 0)) this.took = ms;
  }

  of(time: number): number {
    return time > 0 ? this.spent / time : 0;
  }
}

/** The live pictures may take this share of the time. */
const PICTURES = 0.1;

/** When the live pictures of a training run are due: at most so often, and in a share of the time only. */
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
    const rest = this.isFirst ? 0 : (end - start) * (1 / PICTURES - 1);
    this.isFirst = false;
    this.next = end + Math.max(refresh * 1000, rest);
  }
}
