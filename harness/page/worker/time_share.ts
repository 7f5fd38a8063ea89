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
