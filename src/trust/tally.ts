import type { Progress } from '../base/events';

/** Reports the progress of a comparison: the kernels that have run, of all. */
export class Tally {
  private done = 0;
  private total = 0;
  private readonly onProgress: ((progress: Progress) => void) | undefined;

  constructor(onProgress: ((progress: Progress) => void) | undefined) {
    this.onProgress = onProgress;
  }

  /** Adds `count` to the total. */
  expect(count: number): void {
    this.total += count;
    this.report();
  }

  count(): void {
    this.done++;
    this.report();
  }

  /** Ends the report. */
  end(): void {
    if (this.done === this.total) return;
    this.done = this.total;
    this.report();
  }

  private report(): void {
    const { done, total } = this;
    this.onProgress?.({ task: 'comparing', done, total });
  }
}
