/** Collects losses and sends them a few times a second: a fast GPU takes hundreds of steps in that time. */
import type { Tell, WorkerEvents } from './protocol';

const INTERVAL_MS = 100;

export class LossBatcher {
  private readonly tell: Tell<WorkerEvents>;
  private first = 0;
  private losses: number[] = [];
  private imagesPerSecond = 0;
  private sentAt = Number.NEGATIVE_INFINITY;

  constructor(tell: Tell<WorkerEvents>) {
    this.tell = tell;
  }

  /** `step` counts from 1; steps are consecutive. */
  add(step: number, loss: number, imagesPerSecond: number): void {
    if (this.losses.length === 0) this.first = step - 1;
    this.losses.push(loss);
    this.imagesPerSecond = imagesPerSecond;
    if (performance.now() - this.sentAt >= INTERVAL_MS) this.flush();
  }

  flush(): void {
    if (this.losses.length === 0) return;
    const { first, imagesPerSecond } = this;
    this.sentAt = performance.now();
    this.tell('loss', { first, losses: Float32Array.from(this.losses), imagesPerSecond });
    this.losses = [];
  }
}
