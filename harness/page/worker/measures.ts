/** Measures the network while it trains: its loss on held-out images, and the quality of its samples. Also reports the end of the time limit. */

import type { Engine, Trainer, TrainingEvent } from '../../../src';
import type { MeasureKind } from '../messages/measurements';
import type { Network } from '../messages/order';
import { TimeShare, TrainingClock } from './clocks';
import { HeldOut } from './live_loss';
import type { Workplace } from './place';
import { acceptedShare, passesOf, SAMPLES } from './quality_live';
import type { Views } from './views';

/** Measured again and again while it trains. */
type Kind = Exclude<MeasureKind, 'nearest'>;

/** Each may take this share of the time. */
const SHARE = 0.05;
/** Minimum interval between two measurements of a kind. */
const LEAST_MS = 2000;
const TELL_MS = 1000;
/** A training step is about three forward passes. */
const PASSES_A_STEP = 3;
const NAMES = {
  heldOut: 'The loss on held-out images',
  quality: 'The quality of the samples',
  nearest: 'The pictures nearest to the samples',
};
/** Extra time of the first measurement: compiling; for the quality, also loading the classifier and judging real digits. */
const FIRST_MS = { heldOut: 100, quality: 3000 };

interface MeasuredRun {
  readonly engine: Engine;
  readonly trainer: Trainer;
  readonly network: Network;
  readonly seed: number;
  /** Whether the run trains on the digits that the classifier knows. */
  readonly isDigits: boolean;
  /** Whether it trains on the user's own images. */
  readonly isOwn: boolean;
}

export class Measures {
  readonly clock = new TrainingClock();
  private readonly place: Workplace;
  private readonly views: Views;
  private run: MeasuredRun | undefined;
  private heldOut: HeldOut | undefined;
  private shares = newShares();
  private begunAt = 0;
  private readonly doneAt = { heldOut: 0, quality: 0, nearest: 0 };
  /** What has failed, and is not measured by itself again. */
  private readonly failed = new Set<MeasureKind>();
  /** The step that each has measured. */
  private readonly last = { heldOut: -1, quality: -1, nearest: -1 };
  private toldAt = Number.NEGATIVE_INFINITY;

  constructor(place: Workplace, views: Views) {
    this.place = place;
    this.views = views;
  }

  /** From now on it measures the session's run, as it is on the device now. */
  private begin(): void {
    const { place } = this;
    const { run, engine } = place.core;
    const { trainer, unet, objective, settings } = run!;
    if (trainer === this.run?.trainer) return;
    const { held } = place.imagesOf(place.current);
    this.free();
    this.run = {
      ...{ engine: engine!, trainer: trainer!, network: { unet: unet!, objective }, seed: settings.seed },
      isDigits: place.source === 'mnist',
      isOwn: place.data?.builtIn === false,
    };
    this.begunAt = this.clock.run(performance.now());
    if (held) this.heldOut = new HeldOut(engine!, held, settings.binarize);
  }

  /** Call this before the run leaves the device. */
  free(): void {
    this.heldOut?.free();
    this.heldOut = undefined;
    this.run = undefined;
    this.shares = newShares();
    this.failed.clear();
    Object.assign(this.last, { heldOut: -1, quality: -1, nearest: -1 });
  }

  training(on: boolean): void {
    if (on) {
      this.begin();
      this.clock.start(performance.now());
    } else this.clock.stop(performance.now());
  }

  /** Called between steps: stops training if its time is up, and requests the measurement that is due. */
  between({ imagesPerSecond }: Pick<TrainingEvent, 'imagesPerSecond'>): void {
    const { core, planning, post } = this.place;
    this.tell();
    const due = this.due(imagesPerSecond);
    if (this.clock.isOver(performance.now(), planning.minutes)) {
      core.pause();
      post({ type: 'timeUp' });
    } else if (due) core.tasks.request(() => this.measureBeside(due));
  }

  /** Measures the network at the end of the run, unless more training is wanted. */
  async atEnd(): Promise<void> {
    const { core, settings } = this.place;
    for (const kind of ['heldOut', 'quality', 'nearest'] as const) {
      // Without live samples only where it is asked for.
      const isMeant = kind !== 'nearest' || settings.samples > 0;
      if (isMeant && !core.wanted) await this.measureBeside(kind);
    }
  }

  /** The same as `measure`; one that fails says so, and is left out until the run is built again. */
  private async measureBeside(kind: MeasureKind): Promise<void> {
    const { core } = this.place;
    try {
      await this.measure(kind);
    } catch (error) {
      if (core.isReported(error)) return;
      this.failed.add(kind);
      const message = `${NAMES[kind]} could not be measured: ${(error as Error).message}`;
      core.host.tell('warning', { message, run: true });
    }
  }

  /** Measures the network as it is now; an interruption ends that. Training, if it is wanted, goes on afterwards. */
  async measure(kind: MeasureKind): Promise<void> {
    const { core } = this.place;
    const trainer = core.run?.trainer;
    const step = core.run?.losses.length ?? 0;
    if (!trainer || step === 0) return;
    this.begin();
    if (step === this.last[kind] || !this.isPossible(kind)) return;
    const trains = core.wanted !== undefined;
    if (trains) this.training(true);
    else core.phase(core.idlePhase);
    try {
      await core.tasks.interruptible(trains ? 'training' : 'pictures', (signal) =>
        this.make(kind, { step, counts: trains, signal }),
      );
    } finally {
      this.training(false);
    }
    // It was a pause that ended it, and not the loss of the device.
    if (trains && !core.wanted && core.run?.trainer === trainer) {
      core.phase(core.idlePhase);
      await this.views.lastPictures(step);
    }
  }

  /** The measurement that is due now. The training speed `imagesPerSecond` predicts the duration of the first one. */
  private due(imagesPerSecond: number): Kind | undefined {
    const now = performance.now();
    const time = this.time(now);
    return (['heldOut', 'quality'] as const).find(
      (kind) =>
        this.isPossible(kind) &&
        !this.failed.has(kind) &&
        now - this.doneAt[kind] > LEAST_MS &&
        this.shares[kind].isDue(time, this.guess(kind, imagesPerSecond)),
    );
  }

  /** `counts`: training waits for it. Rejects with the signal's reason. */
  private async make(
    kind: MeasureKind,
    { step, counts, signal }: { step: number; counts: boolean; signal: AbortSignal },
  ): Promise<void> {
    const { run } = this;
    const { post } = this.place;
    if (!run) return;
    const start = performance.now();
    let done = false;
    post({ type: 'measuring', what: kind });
    try {
      if (kind === 'heldOut') {
        const measured = await this.heldOut!.measure(run.trainer, step, signal);
        post({ type: kind, measured });
      } else if (kind === 'nearest') {
        const { findNearest } = await import('./nearest');
        const { train } = this.place.imagesOf(this.place.current);
        const measured = await findNearest(run.engine, run.network, train, { step, seed: run.seed, signal });
        post({ type: kind, measured });
      } else {
        const measured = await acceptedShare(run.engine, run.network, { step, seed: run.seed, signal });
        post({ type: kind, measured });
      }
      done = true;
      this.last[kind] = step;
    } finally {
      this.doneAt[kind] = performance.now();
      if (counts && kind !== 'nearest') this.shares[kind].add(this.doneAt[kind] - start, { done });
      post({ type: 'measuring', what: undefined });
    }
  }

  /** Sends the page the training time and its shares, once a second. */
  private tell(): void {
    const now = performance.now();
    if (now - this.toldAt < TELL_MS) return;
    this.toldAt = now;
    const time = this.time(now);
    const { heldOut, quality } = this.shares;
    this.place.post({
      type: 'clock',
      run: this.clock.run(now) / 1000,
      press: this.clock.sincePress(now) / 1000,
      heldOutShare: heldOut.of(time),
      qualityShare: quality.of(time),
    });
  }

  private isPossible(kind: MeasureKind): boolean {
    if (kind === 'heldOut') return this.heldOut !== undefined;
    return kind === 'nearest' ? this.run?.isOwn === true : this.run?.isDigits === true;
  }

  /** Milliseconds of training since this began to measure the run. */
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
