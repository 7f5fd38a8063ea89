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
