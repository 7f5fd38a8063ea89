/** The training under way in a session: an iteration of `train`. */
import { checkInteger, checkNames, checkSignal, EngineError, type Names } from '../base/errors';
import { SAVE_MS } from '../keeping/saver';
import type { TrainingEvent } from '../training/options';
import type { Trainer } from '../training/trainer';
import type { SessionCore } from './core';
import { begun } from './remote';
import type { TrainingRun } from './run';
import { PAUSED } from './turns';
import type { TrainOrder } from './types';

/** Milliseconds after a pause, an abort or the end of the loop until nothing is waited for any more: the device is silent. */
const PATIENCE_MS = 10_000;
const ORDER: Names<TrainOrder> = { steps: true, signal: true };

const LEFT = new DOMException('The loop was left.', 'AbortError');

interface Fit {
  readonly trainer: Trainer;
  /** The step at which it ends. */
  readonly to: number;
  readonly events: AsyncGenerator<TrainingEvent>;
}

export class Stretch {
  private readonly session: SessionCore;
  private readonly order: TrainOrder;
  /** Aborts when it is to end, or the wait for a device. */
  private readonly end = new AbortController();
  /** The step to train to; known once it has its first turn. */
  private target: number | undefined;
  /** The steps that are being made. */
  private fit: Fit | undefined;
  /** The step that is read. */
  private reading: Promise<unknown> = Promise.resolve();
  private resting = Promise.resolve();
  /** Aborts once its end has taken too long. */
  private readonly late = new AbortController();
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** Steps that a copy knows of, which `fit` has not yielded. */
  private readonly missed: TrainingEvent[] = [];
  private imagesPerSecond = Number.NaN;

  constructor(session: SessionCore, order: TrainOrder) {
    this.session = session;
    this.order = order;
    this.end.signal.addEventListener('abort', () => {
      if (session.stretch === this) this.timer = setTimeout(() => this.late.abort(), PATIENCE_MS);
    });
  }

  /** Whether no pause and no signal has ended it. */
  get goesOn(): boolean {
    return !this.end.signal.aborted;
  }

  /** Its steps; the first one begins now. */
  iterate(): AsyncIterableIterator<TrainingEvent> {
    return begun(this.steps(), () => this.end.abort(LEFT));
  }

  /** Ends it after the step under way. Resolves when there is a copy of all steps, or after 10 s. */
  async pause(): Promise<void> {
    this.end.abort(PAUSED);
    const rested = this.reading.catch(() => {}).then(() => this.rest());
    await this.unlessLate(rested);
  }

  /** Ends when the copy that is being made is made. */
  get rested(): Promise<void> {
    return this.resting.catch(() => {});
  }

  private async *steps(): AsyncGenerator<TrainingEvent, void, undefined> {
    const { session, end, missed } = this;
    const { steps, signal } = this.order;
    checkNames('train', this.order, ORDER);
    if (steps !== undefined) checkInteger('steps', steps, 1);
    checkSignal(signal);
    signal?.throwIfAborted();
    if (session.stretch) throw new EngineError('busy', 'The run trains already; pause ends that.');
    const abort = () => end.abort(signal!.reason);
    signal?.addEventListener('abort', abort);
    session.stretch = this;
    session.turns.training = true;
    try {
      await session.parts();
      for (;;) {
        const read = session.during('training', () => this.step(), end.signal);
        this.reading = read;
        const result = read.catch((error) => {
          const { reason } = end.signal;
          if (error !== reason && !(reason === PAUSED && session.isLost)) throw error;
        });
        const event = await this.unlessLate(result);
        if (!event) break;
        yield event;
      }
      await this.unlessLate(this.rest());
      yield* missed.splice(0);
      if (signal?.aborted) throw signal.reason;
    } finally {
      signal?.removeEventListener('abort', abort);
      await this.unlessLate(this.rest());
      clearTimeout(this.timer);
      session.stretch = undefined;
      session.turns.training = false;
      void session.turns.next();
    }
  }

  /** The next step; undefined at the end. It has its turn. */
  private async step(): Promise<TrainingEvent | undefined> {
    const { session, end } = this;
    // The run was closed meanwhile.
    if (!session.run && this.target !== undefined) return undefined;
    const run = session.needRun();
    this.target ??= run.losses.length + (this.order.steps ?? Number.POSITIVE_INFINITY);
    for (;;) {
      const missed = this.missed.shift();
      if (missed) return missed;
      // Another device, or another copy, has another.
      if (this.fit?.trainer !== run.trainer) this.fit = undefined;
      const to = Math.min(this.target, run.end);
      const isOver = end.signal.aborted || run.losses.length >= to;
      if (isOver && !this.fit) return undefined;
      // The end of the run may have moved.
      if (this.fit && (isOver || this.fit.to !== to)) {
        await this.rest();
        continue;
      }
      await session.build();
      if (end.signal.aborted) continue;
      session.phase = 'training';
      const order = { steps: to - run.losses.length, signal: end.signal };
      this.fit ??= { trainer: run.trainer!, to, events: run.train(order) };
      const event = await this.next(run, this.fit);
      if (event) return event;
    }
  }

  /** The next step of the run's fit; undefined where that has ended. */
  private async next(run: TrainingRun, { events }: Fit): Promise<TrainingEvent | undefined> {
    const { session } = this;
    try {
      const { value: event } = await events.next();
      if (event) {
        this.add(run, event.loss);
        this.imagesPerSecond = event.imagesPerSecond;
        if (performance.now() - session.storedAt > SAVE_MS) await session.store();
        return event;
      }
    } catch (error) {
      if (error !== this.end.signal.reason) {
        this.fit = undefined;
        run.diverged = error instanceof EngineError && error.code === 'diverged';
        throw error;
      }
    }
    await this.rest();
    return undefined;
  }

  /** Ends the fit, keeps a copy of all steps that were under way, and notes those that were not yielded. The next read begins another. */
  rest(): Promise<void> {
    this.resting = this.rested.then(() => this.endFit());
    return this.resting;
  }

  private async endFit(): Promise<void> {
    const { session, fit, imagesPerSecond } = this;
    const { run } = session;
    this.fit = undefined;
    if (!fit) return;
    await fit.events.return(undefined).catch(() => {});
    await session.engine?.idle;
    if (run?.trainer !== fit.trainer) return;
    const losses = await session.store();
    for (const loss of losses.slice(run.losses.length)) {
      this.add(run, loss);
      const step = run.losses.length;
      const epoch = Math.ceil(step / run.stepsPerEpoch);
      const unknown = { learningRate: Number.NaN, gradientNorm: Number.NaN };
      this.missed.push({ step, epoch, loss, ...unknown, imagesPerSecond });
    }
  }

  /** Settles as `work`, or resolves 10 s after the end of the stretch was asked for. */
  private unlessLate<T>(work: Promise<T>): Promise<T | undefined> {
    const { signal } = this.late;
    return new Promise((resolve, reject) => {
      const giveUp = () => resolve(undefined);
      if (signal.aborted) giveUp();
      signal.addEventListener('abort', giveUp);
      work.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp));
    });
  }

  private add(run: TrainingRun, loss: number): void {
    const message = run.add(loss);
    if (message) this.session.tell('warning', { message, run: true });
  }
}
