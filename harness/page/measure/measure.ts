/**
 * Shared by check and bench: each run has a worker, which ends with the run and leaves nothing behind; names of kernels to choose from, and
 * the time left in words.
 */
import type { EngineReport } from '../../../src';
import type { BenchEvent } from '../../bench/result';
import type { BenchOptions } from '../../bench/run';
import type { CheckEvent } from '../../run/check';
import { findChanges } from '../../run/network';
import { duration } from '../../text/units';
import type { PageRecipe, Settings, Tune } from '../messages/settings';
import type { App, MeasureName } from '../shell/app';
import { anyElement, byId } from '../shell/dom';
import { startWorker } from '../shell/start_worker';
import { rests } from '../shell/state';

interface Events extends Record<MeasureName, unknown> {
  readonly check: CheckEvent;
  readonly bench: BenchEvent;
}

/** `network`: the recipe's with the page's widths; `variants`: of the page's run, if there is one. */
export interface MeasureTask extends BenchOptions {
  readonly name: MeasureName;
  readonly batches: readonly number[];
  readonly tune: Tune;
  /** The recipe whose kernels are checked first. */
  readonly recipe: PageRecipe;
}

export type MeasureEvent =
  | { readonly kind: 'event'; readonly event: Events[MeasureName] }
  | { readonly kind: 'end'; readonly report: EngineReport }
  | { readonly kind: 'error'; readonly message: string };

export type MeasureStatus = 'ready' | 'waiting' | 'running' | 'done' | 'stopped' | 'failed';

export class MeasureRun<N extends MeasureName> {
  status: MeasureStatus = 'ready';
  /** The error message of the last run. */
  message = '';
  /** The engine's report of the last run that came to its end. */
  report: EngineReport | undefined;
  /** Whether it was started without a press: then it keeps nothing else from the GPU, and gives way to what begins. */
  byItself = false;
  private readonly app: App;
  private readonly task: N;
  private readonly receive: (event: Events[N]) => void;
  private worker: Worker | undefined;
  private since = 0;
  /** Draws the page anew every second, for the time that is left. */
  private clock: ReturnType<typeof setInterval> | undefined;

  constructor(app: App, task: N, receive: (event: Events[N]) => void) {
    this.app = app;
    this.task = task;
    this.receive = receive;
  }

  get active(): boolean {
    return this.status === 'waiting' || this.status === 'running';
  }

  /** What a run that is `waiting` waits for. */
  get waits(): string {
    return this.app.state.distilling ? 'Waiting for Distil to end' : 'Waiting for training to pause';
  }

  /** Seconds since it began to run. */
  get seconds(): number {
    return (performance.now() - this.since) / 1000;
  }

  /** False while something else measures, or the page is not ready. */
  get possible(): boolean {
    const { measuring, state } = this.app;
    return (
      (!measuring || measuring === this.task) && !['starting', 'failed', 'sampling'].includes(state.phase)
    );
  }

  /** Requests a run. It begins once training has paused: two at once would be slow and make the timings useless. */
  start(byItself = false): void {
    if (this.active || !this.possible) return;
    Object.assign(this, { byItself, message: '', status: 'waiting' });
    const { training, phase } = this.app.state;
    if (!byItself) this.app.measuring = this.task;
    // A run whose device was lost may be about to go on by itself.
    if (!byItself && (training || phase === 'lost')) this.app.send('halt');
    this.proceed();
  }

  /** Call this whenever the state has changed, even on a hidden page. */
  proceed(): void {
    const { state } = this.app;
    const isFree = !state.training && !state.distilling && (rests(state) || state.phase === 'lost');
    if (!isFree && this.byItself) this.giveWay();
    if (this.status !== 'waiting' || !isFree) return;
    this.status = 'running';
    this.since = performance.now();
    this.clock = setInterval(() => this.app.changed(), 1000);
    const worker = startWorker(this.task);
    this.worker = worker;
    worker.addEventListener('message', ({ data }: MessageEvent<MeasureEvent>) => {
      if (data.kind === 'event') this.receive(data.event as Events[N]);
      else if (data.kind === 'error') this.end('failed', data.message);
      else {
        this.report = data.report;
        this.end('done');
      }
      this.app.changed();
    });
    worker.addEventListener('error', (event) => {
      this.end('failed', event.message || 'The worker could not be loaded. Reload the page.');
      this.app.changed();
    });
    worker.postMessage(taskOf(this.task, this.app, this.byItself));
  }

  stop(): void {
    if (this.active) this.end('stopped');
    this.app.changed();
  }

  /** Ends a run that was started without a press, as if it had not begun. */
  giveWay(): void {
    if (this.active && this.byItself) this.end('ready');
  }

  private end(status: MeasureStatus, message = ''): void {
    this.worker?.terminate();
    this.worker = undefined;
    clearInterval(this.clock);
    if (!this.byItself) this.app.measuring = undefined;
    this.status = status;
    this.message = message;
  }
}

/** The network that the page is set to. */
export const chosenNetwork = ({ recipe, widths }: Settings) => findChanges({ recipe, widths });

/** A software adapter would spend the time of the bench on a few rows of a large batch. */
const SOFTWARE_BATCH = 16;

/** Images of check and bench, if none are set. */
export const usualBatch = ({ settings, state }: App): number =>
  state.adapter?.software ? Math.min(SOFTWARE_BATCH, settings.batch) : settings.batch;

/** Images of the step that is timed without a press: enough for kernels to show their speed, few enough for any adapter. */
const STEP_IMAGES = 16;

function taskOf(name: MeasureName, app: App, byItself: boolean): MeasureTask {
  const { settings, state } = app;
  const { recipe, kernel, benchBatch, benchSize, budget, tune } = settings;
  const batches = benchBatch.length > 0 ? benchBatch : [usualBatch(app)];
  return {
    name,
    tune,
    recipe,
    network: chosenNetwork(settings),
    variants: state.run?.variants,
    ...(byItself
      ? { kernel: 'step', batches: [STEP_IMAGES] }
      : { kernel: kernel || undefined, batches, ...(benchSize.length > 0 ? { sizes: benchSize } : {}) }),
    budgetSeconds: budget,
  };
}

// ---------------------------------------------------------------- kernel names

/** Suggests kernel names where the user may enter one. Loading them loads every reference, so it waits until the user does. */
export function offerKernelNames(): void {
  const list = byId('kernel-names', HTMLDataListElement);
  anyElement('kernel').addEventListener('focus', async () => {
    if (list.options.length > 0) return;
    try {
      const { specs } = await import('../../specs/lib/registry');
      list.replaceChildren(...[...specs.keys()].map((name) => new Option('', name)));
    } catch {
      // The field takes every name without them, and the next focus loads them.
    }
  });
}

// ---------------------------------------------------------------- time left

/** The time left in words, from the share of the work done; empty at the start, when that share predicts little. */
export function timeLeft(seconds: number, share: number): string {
  if (seconds < 2 || share < 0.01) return '';
  const left = (seconds * (1 - share)) / share;
  return `about ${duration(left)} left`;
}

/** A bench ends with its budget, or before: what has begun by then is finished. */
export function budgetLeft(seconds: number, budget: number): string {
  const left = budget - seconds;
  return left > 0 ? `at most about ${duration(left)} left` : 'time is up; finishing the last measurement';
}
