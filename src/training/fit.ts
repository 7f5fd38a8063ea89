import type { EngineError } from '../base/errors';
import { permutation } from '../base/random';
import type { Gpu } from '../gpu/gpu';
import type { BetweenSteps } from './comparison';
import { imagesOfStep, stepsPerEpoch } from './epoch';
import type { Feed } from './feed';
import type { Losses } from './losses';
import type { TrainingEvent } from './options';
import { lostSteps, whyNot } from './refusal';
import { MOST_STEPS } from './step_config';
import type { StepPrograms } from './step_programs';

interface FitParts {
  readonly gpu: Gpu;
  readonly programs: StepPrograms;
  readonly feed: Feed;
  readonly batchSize: number;
  /** Images in the data set. */
  readonly imageCount: number;
  readonly seed: number;
  /** Completed steps when the fit begins. */
  readonly from: number;
  readonly epochs: number;
  readonly dropLast: boolean;
  readonly maxSteps?: number;
  readonly signal?: AbortSignal;
  /** Makes the error for a step that the GPU refused. */
  readonly refusal: (known: Losses) => EngineError;
  readonly comparison: BetweenSteps;
  /** Throws if the trainer or the data set was destroyed. */
  readonly check: () => void;
  /** Settles as `work`, but not much later than an abort: see Resource. */
  readonly withGrace: <T>(work: Promise<T>) => Promise<T>;
}

/** Result of a submission: events, and an error if the GPU refused the step after them. */
interface Outcome {
  readonly events: readonly TrainingEvent[];
  readonly error?: EngineError;
}

/** A running fit: submits steps, as many at once as the pacer has room for, and turns their losses into events. */
export class Fit {
  private readonly parts: FitParts;
  private readonly perEpoch: number;
  private readonly end: number;
  private readonly meter = new SpeedMeter();
  /** Steps in flight, in order: outcomes, and whether they are known. */
  private readonly pending: { readonly outcome: Promise<Outcome>; isKnown: boolean }[] = [];
  /** Whether the GPU refused a step, and with it all steps that were submitted after it. */
  refused = false;
  /** Whether it has made a step. */
  hasStepped = false;
  /** Submitted steps. */
  private step: number;
  /** The epoch whose shuffled order is on the GPU. */
  private orderOf = -1;

  constructor(parts: FitParts) {
    const { epochs, maxSteps = Infinity, from, programs } = parts;
    this.parts = parts;
    this.perEpoch = stepsPerEpoch(parts);
    this.end = Math.min(epochs * this.perEpoch, from + maxSteps);
    this.step = from;
    programs.writePlace(parts, from);
  }

  async *events(): AsyncGenerator<TrainingEvent, void, undefined> {
    const { signal, check, withGrace } = this.parts;
    while (this.step < this.end || this.pending.length > 0) {
      // After an abort this submits no further step.
      if (!signal?.aborted) check();
      if (await withGrace(this.submitMore())) continue;
      const outcome = this.pending.shift()?.outcome;
      const { events, error } = (outcome && (await withGrace(outcome))) ?? { events: [] };
      for (const event of events) {
        yield event;
        if (!signal?.aborted) check();
      }
      if (error) throw error;
      if (this.pending.length === 0) signal?.throwIfAborted();
    }
  }

  /** Resolves when nothing is in flight but what `withGrace` knows. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.pending.map(({ outcome }) => outcome));
  }

  /**
   * Submits whole steps if there is room, and returns whether it did. A step too large for one submission runs in parts; another follows
   * before word of its end unless that comes soon, compared with what a step takes.
   */
  private async submitMore(): Promise<boolean> {
    const { gpu, programs, feed, signal, comparison, from, check } = this.parts;
    const { pacer } = gpu;
    const { pending } = this;
    if (this.step >= this.end || this.refused || signal?.aborted) return false;
    const load = programs.loadWith(feed.program);
    const fits = pacer.repeats(load);
    const follows = pending.length > 0;
    if (follows && (pending[0].isKnown || (fits < 1 && pacer.outlastsWord(load)))) return false;
    const full = pacer.untilRoom();
    // It may be of a part.
    if (full) return (await full) || !pending[0]?.isKnown;
    if (!comparison.isDone() && this.step > from) {
      if (follows) return false;
      await comparison.run(this.step);
      check();
    }
    this.writeOrder();
    if (fits >= 1) {
      const toEpochEnd = this.perEpoch - (this.step % this.perEpoch);
      const most = comparison.isDone() ? MOST_STEPS : 1;
      const n = Math.min(fits, toEpochEnd, this.end - this.step, most);
      this.expectEvents(n, programs.submit(feed.program, n));
      return true;
    }
    try {
      this.expectEvents(1, (await programs.stepInParts(feed.program, signal)).losses);
    } catch (error) {
      if (error !== signal?.reason) throw error;
    }
    return true;
  }

  private writeOrder(): void {
    const { gpu, feed, imageCount, seed } = this.parts;
    const epoch = this.epochOf(this.step);
    if (epoch === this.orderOf) return;
    this.orderOf = epoch;
    gpu.writeSoon(feed.order, 0, permutation(imageCount, seed, epoch));
  }

  private expectEvents(n: number, losses: Promise<Losses>): void {
    const steps = { outcome: this.outcomeOf(this.step, n, losses), isKnown: false };
    const known = () => {
      steps.isKnown = true;
    };
    // It is not awaited while the body of the caller's loop runs; `events` throws the error when its turn comes.
    steps.outcome.then(known, known);
    this.pending.push(steps);
    this.step += n;
  }

  /** The outcome of `n` submitted steps that follow step `first`. */
  private async outcomeOf(first: number, n: number, losses: Promise<Losses>): Promise<Outcome> {
    const known = await losses;
    const { refusal, programs } = this.parts;
    // After a refused step, the GPU makes no more.
    const steps = Math.max(0, known.step - first);
    this.hasStepped ||= steps > 0;
    if (known.refused) this.refused = true;
    else if (steps !== n) throw lostSteps(n, steps);
    let images = 0;
    for (let i = 0; i < steps; i++) images += imagesOfStep(this.parts, first + i);
    const imagesPerSecond = this.meter.add(images);
    const events = known.records(steps).map((record, i): TrainingEvent => {
      const step = first + i + 1;
      const { learningRate, gradientNorm } = record;
      const skipped = whyNot(record, programs.plan.blockLayers);
      return {
        step,
        epoch: this.epochOf(step - 1) + 1,
        loss: skipped ? NaN : record.loss,
        learningRate,
        gradientNorm,
        imagesPerSecond,
        ...(skipped ? { skipped } : {}),
      };
    });
    return { events, error: known.refused && refusal(known) };
  }

  private epochOf(step: number): number {
    return Math.floor(step / this.perEpoch);
  }
}

/** Images per second over the last few seconds. */
export class SpeedMeter {
  private readonly marks: { time: number; images: number }[] = [{ time: performance.now(), images: 0 }];

  add(images: number): number {
    const now = performance.now();
    const last = this.marks[this.marks.length - 1];
    this.marks.push({ time: now, images: last.images + images });
    while (this.marks.length > 2 && now - this.marks[1].time > 5000) this.marks.shift();
    const [first] = this.marks;
    return ((last.images + images - first.images) / Math.max(now - first.time, 1e-3)) * 1000;
  }
}
