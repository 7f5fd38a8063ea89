/** The training worker's clocks: they count training time, and decide when a task beside training is due within its share of the time. */

/** Counts a run's training time, and the steps that it took, and knows when its limit is over. Milliseconds, from performance.now(). Pure. */
export class TrainingClock {
  private before = 0;
  /** The run's training time when Train was last pressed. */
  private pressed = 0;
  private since: number | undefined;
  private lastStep: number | undefined;
  /** Steps that followed another one, and the time from that to them. */
  readonly timed = { steps: 0, ms: 0 };

  /** A step was made. */
  step(now: number): void {
    this.start(now);
    if (this.lastStep !== undefined) {
      this.timed.steps++;
      this.timed.ms += now - this.lastStep;
    }
    this.lastStep = now;
  }

  start(now: number): void {
    this.since ??= now;
  }

  stop(now: number): void {
    this.before = this.run(now);
    this.since = undefined;
    this.lastStep = undefined;
  }

  /** Train was pressed: the time limit begins anew. */
  press(now: number): void {
    this.pressed = this.run(now);
  }

  reset(): void {
    this.before = 0;
    this.pressed = 0;
    this.since = undefined;
    Object.assign(this.timed, { steps: 0, ms: 0 });
  }

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

/** Repeats a task as often as its share of the time allows. Pure. */
export class TimeShare {
  private readonly share: number;
  private spent = 0;
  private took: number | undefined;

  constructor(share: number) {
    this.share = share;
  }

  /** Whether the task stays within its share of `time` if it runs now. `guess`: the task's duration until one is measured. Milliseconds. */
  isDue(time: number, guess: number): boolean {
    return (this.spent + (this.took ?? guess)) / this.share <= time;
  }

  /** Counts a task that took `ms`. One that was given up on the way takes at least as long next time. */
  add(ms: number, { done }: { readonly done: boolean }): void {
    this.spent += ms;
    if (done || ms > (this.took ?? 0)) this.took = ms;
  }

  of(time: number): number {
    return time > 0 ? this.spent / time : 0;
  }
}

/** The live pictures may take a tenth of the time; a quarter where they would come less often than every ten seconds. */
const PICTURES = { usual: 0.1, most: 0.25, everyMs: 10_000 };
/** A run's first pictures, which compile and compare kernels, wait for ten losses or two seconds. */
const LOSSES_FIRST = { steps: 10, ms: 2000 };

/** Decides when the live pictures of a training run are due: at the set interval, or later where they would take more than their share of the time. */
export class PictureClock {
  private next = 0;
  /** The first pictures also compile their shaders, so their duration does not predict the next ones. */
  private isFirst = true;
  /** When a run here had its first loss. */
  private begunAt = Number.NEGATIVE_INFINITY;

  /** Whether the pictures are due. Call it after each step. */
  isDue(step: number): boolean {
    const now = performance.now();
    if (step === 1) this.begunAt = now;
    const isEarly = step < LOSSES_FIRST.steps && now < this.begunAt + LOSSES_FIRST.ms;
    return !isEarly && now >= this.next;
  }

  /** The pictures are due, after the first losses. */
  reset(): void {
    this.next = 0;
  }

  /** Makes the pictures. The next ones are due after `refresh` seconds, or later if that exceeds their share of the time. */
  async make(refresh: number, pictures: () => Promise<void>): Promise<void> {
    const start = performance.now();
    await pictures();
    const end = performance.now();
    const took = this.isFirst ? 0 : end - start;
    this.isFirst = false;
    const rest = (share: number) => took * (1 / share - 1);
    const soon = Math.max(PICTURES.everyMs - took, rest(PICTURES.most));
    this.next = end + Math.max(refresh * 1000, Math.min(rest(PICTURES.usual), soon));
  }
}
