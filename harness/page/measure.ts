/** Shared by the Check and Bench tabs: each run has a worker, which ends with the run and leaves nothing behind. */
import { type Axis, axesOf, type BenchEvent } from '../bench/result';
import type { CheckEvent } from '../run/check';
import type { App } from './app';
import type { Tune } from './settings';
import { startWorker } from './start_worker';

export interface MeasureTask {
  readonly name: 'check' | 'bench';
  readonly kernel?: string;
  readonly batch: number;
  readonly sweep: readonly Axis[];
  readonly budget: number;
  readonly tune: Tune;
}

export type MeasureEvent =
  | { readonly kind: 'event'; readonly event: CheckEvent | BenchEvent }
  | { readonly kind: 'end' }
  | { readonly kind: 'error'; readonly message: string };

export type MeasureStatus = 'ready' | 'waiting' | 'running' | 'done' | 'stopped' | 'failed';

export class Measurement<E extends CheckEvent | BenchEvent> {
  status: MeasureStatus = 'ready';
  /** The error message of the last run. */
  message = '';
  private readonly app: App;
  private readonly task: 'check' | 'bench';
  private readonly receive: (event: E) => void;
  private worker: Worker | undefined;

  constructor(app: App, task: 'check' | 'bench', receive: (event: E) => void) {
    this.app = app;
    this.task = task;
    this.receive = receive;
  }

  get active(): boolean {
    return this.status === 'waiting' || this.status === 'running';
  }

  /** False while the other tab measures, or the page is not ready. */
  get possible(): boolean {
    const { measuring, state } = this.app;
    return (
      (!measuring || measuring === this.task) && !['starting', 'failed', 'sampling'].includes(state.phase)
    );
  }

  /** Requests a run. It begins once training has paused: two at once would be slow and make the timings useless. */
  start(): void {
    if (this.active || !this.possible) return;
    this.app.measuring = this.task;
    this.message = '';
    this.status = 'waiting';
    if (this.app.state.training) this.app.send({ type: 'pause' });
    this.proceed();
  }

  /** Call this whenever the state has changed, even on a hidden page. */
  proceed(): void {
    const resting = ['idle', 'paused', 'finished', 'lost'].includes(this.app.state.phase);
    if (this.status !== 'waiting' || this.app.state.training || !resting) return;
    this.status = 'running';
    const { kernel, batch, benchBatch, sweep, budget, tune } = this.app.settings;
    const worker = startWorker(this.task);
    this.worker = worker;
    worker.addEventListener('message', ({ data }: MessageEvent<MeasureEvent>) => {
      if (data.kind === 'event') this.receive(data.event as E);
      else if (data.kind === 'end') this.end('done');
      else this.end('failed', data.message);
      this.app.changed();
    });
    worker.addEventListener('error', (event) => {
      this.end('failed', event.message || 'The worker could not be loaded. Reload the page.');
      this.app.changed();
    });
    const task: MeasureTask = {
      name: this.task,
      kernel: kernel || undefined,
      batch: benchBatch || batch,
      sweep: axesOf(sweep),
      budget,
      tune,
    };
    worker.postMessage(task);
  }

  stop(): void {
    if (this.active) this.end('stopped');
    this.app.changed();
  }

  private end(status: MeasureStatus, message = ''): void {
    this.worker?.terminate();
    this.worker = undefined;
    this.app.measuring = undefined;
    this.status = status;
    this.message = message;
  }
}
