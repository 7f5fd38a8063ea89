/** Measures the run's network while it trains, in the worker: its loss on held-out images, and the quality of its samples. */
import type { Engine, ImageSet, Trainer } from '../../../src';
import type { Measurement } from '../measurements';
import type { Network } from '../order';
import { HeldOut } from './live_loss';
import { acceptedShare, passesOf, SAMPLES } from './quality_live';
import { TimeShare } from './time_share';
import type { TrainingClock } from './training_clock';

export type Kind = 'heldOut' | 'quality';

/** Each may take this share of the time. */
const SHARE = 0.05;
/** On an adapter that is fast, no oftener than that. */
const LEAST_MS = 2000;
const TELL_MS = 1000;
/** A training step is about three forward passes. */
const PASSES_A_STEP = 3;
/** What the first time takes beside that: compiling, and for the quality the classifier and what it says of real digits. */
const FIRST_MS = { heldOut: 100, quality: 3000 };

interface MeasuredRun {
  readonly engine: Engine;
  readonly trainer: Trainer;
  readonly network: Network;
  readonly held: ImageSet | undefined;
  readonly binarize: boolean | undefined;
  readonly seed: number;
  /** Whether it trains on the digits that the classifier knows. */
  readonly isDigits: boolean;
}

export class LiveMeasures {
  private readonly send: (event: Measurement) => void;
  private readonly clock: TrainingClock;
  private run: MeasuredRun | undefined;
  private heldOut: HeldOut | undefined;
  private shares = newShares();
  private begunAt = 0;
  private readonly doneAt = { heldOut: 0, quality: 0 };
  /** The step that each has measured. */
  private readonly last = { heldOut: -1, quality: -1 };
  private toldAt = Number.NEGATIVE_INFINITY;

  constructor(send: (event: Measurement) => void, clock: TrainingClock) {
    this.send = send;
    this.clock = clock;
  }

  /** From now on it measures this run. */
  begin(run: MeasuredRun): void {
    this.free();
    this.run = run;
    this.begunAt = this.clock.run(performance.now());
    if (run.held) this.heldOut = new HeldOut(run.engine, run.held, run.binarize);
  }

  /** Call this before trainer and engine are destroyed. */
  free(): void {
    this.heldOut?.free();
    this.heldOut = undefined;
    this.run = undefined;
    this.shares = newShares();
    Object.assign(this.last, { heldOut: -1, quality: -1 });
  }

  /** Whether there is something to measure that has not been measured after this step. */
  can(kind: Kind, step: number): boolean {
    return step > 0 && step !== this.last[kind] && this.isPossible(kind);
  }

  /** What may be measured now. `imagesPerSecond` of the training says about how long it takes the first time. */
  due(imagesPerSecond: number): Kind | undefined {
    const now = performance.now();
    const time = this.time(now);
    return (['heldOut', 'quality'] as const).find(
      (kind) =>
        this.isPossible(kind) &&
        now - this.doneAt[kind] > LEAST_MS &&
        this.shares[kind].isDue(time, this.guess(kind, imagesPerSecond)),
    );
  }

  /** `counts`: training waits for it. Rejects with the signal's reason. */
  async measure(
    kind: Kind,
    { step, counts, signal }: { step: number; counts: boolean; signal: AbortSignal },
  ): Promise<void> {
    const { run } = this;
    if (!run) return;
    const start = performance.now();
    let done = false;
    this.send({ type: 'measuring', what: kind });
    try {
      if (kind === 'heldOut') {
        const measured = await this.heldOut!.measure(run.trainer, step, signal);
        this.send({ type: kind, measured });
      } else {
        const measured = await acceptedShare(run.engine, run.network, { step, seed: run.seed, signal });
        this.send({ type: kind, measured });
      }
      done = true;
      this.last[kind] = step;
    } finally {
      this.doneAt[kind] = performance.now();
      if (counts) this.shares[kind].add(this.doneAt[kind] - start, { done });
      this.send({ type: 'measuring', what: undefined });
    }
  }

  /** Tells the page how the time is spent, once a second. */
  tell(imagesPerSecond: number): void {
    const now = performance.now();
    if (now - this.toldAt < TELL_MS) return;
    this.toldAt = now;
    const time = this.time(now);
    const { heldOut, quality } = this.shares;
    const wait = quality.untilDue(time, this.guess('quality', imagesPerSecond));
    this.send({
      type: 'clock',
      run: this.clock.run(now) / 1000,
      press: this.clock.sincePress(now) / 1000,
      heldOutShare: heldOut.of(time),
      qualityShare: quality.of(time),
      ...(this.isPossible('quality') ? { nextQuality: Math.max(0, wait) / 1000 } : {}),
    });
  }

  private isPossible(kind: Kind): boolean {
    return kind === 'heldOut' ? this.heldOut !== undefined : this.run?.isDigits === true;
  }

  /** Of training, since it began to measure. */
  private time(now: number): number {
    return this.clock.run(now) - this.begunAt;
  }

  private guess(kind: Kind, imagesPerSecond: number): number {
    const { run } = this;
    if (!run) return Number.POSITIVE_INFINITY;
    const passes =
      kind === 'heldOut' ? this.heldOut!.count : SAMPLES * passesOf(run.network, run.engine.adapter);
    return FIRST_MS[kind] + (1000 * passes) / PASSES_A_STEP / imagesPerSecond;
  }
}

const newShares = () => ({ heldOut: new TimeShare(SHARE), quality: new TimeShare(SHARE) });
