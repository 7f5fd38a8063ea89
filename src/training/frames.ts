/** Training in slices of time: each call does as much as fits, whole steps on a fast GPU, pieces of one on a slow one. */
import type { EngineError } from '../base/errors';
import { permutation } from '../base/random';
import type { Gpu } from '../gpu/gpu';
import { Load } from '../gpu/pacer';
import { Sequence } from '../gpu/sequence';
import type { BetweenSteps } from './comparison';
import { type EpochParts, imagesOfStep, stepsPerEpoch } from './epoch';
import type { Feed } from './feed';
import type { Losses } from './losses';
import type { FrameOptions, FrameResult } from './options';
import { lostSteps } from './refusal';
import { LOSS_RING, MOST_STEPS } from './step_config';
import type { StepPrograms } from './step_programs';

/** The source of the batches, and the trainer's functions. */
interface FrameSource {
  /** For a data set. A change begins a new step. */
  readonly feed?: Feed | undefined;
  readonly imageCount?: number | undefined;
  readonly dropLast?: boolean | undefined;
  readonly seed: number;
  /** Begins a step: counts it, and prepares weights and settings. Resolves to the count. */
  readonly begin: () => Promise<number>;
  /** Makes the error for a step that the GPU refused, and allows steps again. */
  readonly refusal: (known: Losses) => Promise<EngineError>;
  readonly comparison: BetweenSteps;
  /** For the caller's batches: brings the next one to the GPU, and resolves to its number of images. */
  readonly load?: ((encoder: GPUCommandEncoder) => Promise<number>) | undefined;
}

interface FrameParts {
  readonly gpu: Gpu;
  readonly programs: StepPrograms;
  readonly batchSize: number;
  /** Number of steps begun by any method of the trainer. */
  readonly begun: () => number;
  /** Throws if the trainer or the data set was destroyed. */
  readonly check: () => void;
}

/** A step under way. */
interface PendingStep {
  readonly source: FrameSource;
  readonly sequence: Sequence;
  /** The first part of the update. The call that begins the update finishes it, so that a step can be dropped before. */
  readonly updateAt: number;
  /** `begun` of the trainer: when it differs, another step has overwritten this one. */
  readonly begun: number;
  /** Completed steps before it. */
  readonly step: number;
  /** Images in its batch. */
  images: number;
  /** Parts that are done. */
  at: number;
}

/** Whether its update has begun: the GPU may have counted it already. */
const isUpdating = ({ at, updateAt }: PendingStep) => at > updateAt;

export class Frames {
  private readonly parts: FrameParts;
  private pending: PendingStep | undefined;
  /** Completed steps, as far as known. */
  private step = 0;
  /** The trainer's `begun` at that moment: if it differs now, there may be more steps. */
  lastBegun = -1;
  /** The epoch whose order is on the GPU, its feed, and `begun` at that moment. */
  private ordered: { feed: Feed; epoch: number; begun: number } | undefined;

  constructor(parts: FrameParts) {
    this.parts = parts;
  }

  /** Works for about `milliseconds`. `known`: the completed steps, if other methods may have made some. */
  async run(
    source: FrameSource,
    { milliseconds, share = 1, signal }: FrameOptions,
    known: Losses | undefined,
  ): Promise<FrameResult> {
    const { gpu, programs } = this.parts;
    const begin = performance.now();
    const left = () => milliseconds - (performance.now() - begin);
    if (known) this.step = known.step;
    const first = this.step;
    if (signal?.aborted) {
      const progress = this.pendingStepOf(source) ? this.progress : 0;
      return { steps: 0, step: first, loss: undefined, images: 0, progress, milliseconds: 0 };
    }
    let images = 0;
    let busy = 0;
    let unaccounted = 0;
    for (;;) {
      const encoder = gpu.device.createCommandEncoder({ label: 'training for a while' });
      const pending = await this.pendingStep(source, encoder);
      const time = isUpdating(pending) ? milliseconds : left();
      const most = Math.min(time, share * milliseconds, gpu.pacer.maxMilliseconds);
      programs.beginParts();
      const piece = this.encode(encoder, pending, most);
      const submitted = programs.losses.submit(encoder, piece.load);
      programs.noteUpdate(this.pending !== undefined && isUpdating(this.pending));
      const losses = await submitted.catch((error) => {
        // What was written for this step may be missing, too.
        this.drop();
        this.ordered = undefined;
        this.lastBegun = -1;
        throw error;
      });
      if (!this.pending?.at) programs.endParts();
      const took = piece.load.milliseconds;
      busy += took;
      images += piece.images;
      unaccounted += piece.steps;
      if (share < 1) await pause(Math.min(took * (1 / share - 1), left()));
      const next = this.pending;
      if (next && isUpdating(next)) continue;
      await this.account(losses, unaccounted, pending.source);
      unaccounted = 0;
      if (this.step > first) await source.comparison.run(this.step);
      this.parts.check();
      const nextPart = next ? next.sequence.part(next.at) : pending.sequence.part(0);
      const room = Math.min(left(), gpu.pacer.maxMilliseconds);
      if (room < gpu.pacer.millisecondsOf(nextPart) || signal?.aborted)
        return { ...this.resultOf(first, losses), images, milliseconds: busy };
    }
  }

  private resultOf(first: number, losses: Losses) {
    const steps = this.step - first;
    const finite = losses.last(Math.min(steps, LOSS_RING)).filter(Number.isFinite);
    const loss = finite.reduce((sum, value) => sum + value, 0) / finite.length;
    return { steps, step: this.step, loss: steps === 0 ? undefined : loss, progress: this.progress };
  }

  /** The share of the step under way that is done. */
  private get progress(): number {
    const { pending } = this;
    return pending
      ? pending.sequence.workOf(0, pending.at) / pending.sequence.workOf(0, pending.sequence.partCount)
      : 0;
  }

  /** The step under way, unless another has overwritten it, or it is of another source. */
  private pendingStepOf({ feed }: FrameSource): PendingStep | undefined {
    const { parts, pending } = this;
    const goesOn =
      pending &&
      pending.begun === parts.begun() &&
      pending.step === this.step &&
      pending.source.feed === feed;
    return goesOn ? pending : undefined;
  }

  /** The step under way, or a new one if there is none, or if another has overwritten it. */
  private async pendingStep(source: FrameSource, encoder: GPUCommandEncoder): Promise<PendingStep> {
    const { parts, pending } = this;
    if (pending && isUpdating(pending)) return pending;
    const known = this.pendingStepOf(source);
    if (known) return known;
    const { programs } = parts;
    const { feed, load } = source;
    const begun = await source.begin();
    this.lastBegun = begun;
    if (feed) this.writePlace(source, feed, begun);
    const images = load ? await load(encoder) : imagesOfStep(this.epochOf(source), this.step);
    const step = feed ? programs.stepWith(feed.program) : programs.step;
    const sequence = new Sequence(step);
    const updateAt = sequence.partCount - programs.update.partCount;
    this.pending = { source, sequence, updateAt, begun, step: this.step, images, at: 0 };
    return this.pending;
  }

  /** Writes the next step's place in the data set. */
  private writePlace(source: FrameSource, feed: Feed, begun: number): void {
    const { gpu, programs } = this.parts;
    const parts = this.epochOf(source);
    programs.writePlace(parts, this.step);
    const epoch = Math.floor(this.step / stepsPerEpoch(parts));
    const { ordered } = this;
    const isThere = ordered?.feed === feed && ordered.epoch === epoch && ordered.begun === begun - 1;
    if (!isThere) gpu.writeSoon(feed.order, 0, permutation(parts.imageCount, source.seed, epoch));
    this.ordered = { feed, epoch, begun };
  }

  /** The epochs of a source that draws from a data set. */
  private epochOf({ imageCount = 0, dropLast }: FrameSource): EpochParts {
    return { imageCount, dropLast, batchSize: this.parts.batchSize };
  }

  /**
   * Records parts of the step under way, and of steps that follow it in the epoch, for about `milliseconds`, at least one. Returns their
   * work, and the steps that they complete with their images.
   */
  private encode(encoder: GPUCommandEncoder, pending: PendingStep, milliseconds: number) {
    const { sequence, source } = pending;
    const perEpoch = source.feed ? stepsPerEpoch(this.epochOf(source)) : 1;
    const pass = encoder.beginComputePass({ label: 'training for a while' });
    const { gpu, programs } = this.parts;
    const { pacer } = gpu;
    const load = new Load();
    let steps = 0;
    let images = 0;
    const first = pacer.millisecondsOf(sequence.part(0));
    for (;;) {
      const to = pacer.fill(load, sequence, pending.at, milliseconds);
      sequence.encode(pass, pending.at, to);
      pending.at = to;
      if (to < sequence.partCount) break;
      steps++;
      images += pending.images;
      const next = pending.step + 1;
      // The host writes the order of the next epoch, and brings the next batch.
      const most = source.comparison.isDone() && !programs.isAwaited ? MOST_STEPS : 1;
      if (next % perEpoch === 0 || steps >= most || pacer.predict(load) + first > milliseconds) {
        this.pending = undefined;
        break;
      }
      this.pending = { ...pending, step: next, images: imagesOfStep(this.epochOf(source), next), at: 0 };
      pending = this.pending;
    }
    pass.end();
    return { load, steps, images };
  }

  /** Throws unless the GPU made all the steps that it was given. */
  private async account(losses: Losses, steps: number, source: FrameSource): Promise<void> {
    const done = losses.step - this.step;
    this.step = losses.step;
    if (losses.refused) {
      this.drop();
      throw await source.refusal(losses);
    }
    if (done === steps) return;
    this.drop();
    throw lostSteps(steps, done);
  }

  private drop(): void {
    this.pending = undefined;
    this.parts.programs.endParts();
  }
}

const pause = (milliseconds: number) =>
  milliseconds > 0 ? new Promise((resolve) => setTimeout(resolve, milliseconds)) : undefined;
