import type { Progress } from '../base/events';

/** Reports how many kernels of those that are compared have run. */
export class Tally {
  private done = 0;
  private total = 0;
  private readonly onProgress: ((progress: Progress) => void) | undefined;

  constructor(onProgress: ((progress: Progress) => void) | undefined) {
    this.onProgress = onProgress;
  }

  /** There are so many more. */
  expect(count: number): void {
    this.total += count;
    this.report();
  }

  count(): void {
    this.done++;
    this.report();
  }

  /** None is left. */
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
