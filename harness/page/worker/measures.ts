/** Measures the network while it trains: its loss on held-out images, and the quality of its samples. */

import type { Engine, Trainer, TrainingEvent } from '../../../src';
import type { TurnContext } from '../../../src/worker';
import { isEnded } from '../../../src/worker/turns';
import type { MeasureKind } from '../messages/measurements';
import type { Network } from '../messages/order';
import { TimeShare } from './clocks';
import { HeldOut } from './live_loss';
import { acceptedShare, passesOf, SAMPLES } from './quality_live';
import type { WorkerState } from './worker_state';

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
  private readonly state: WorkerState;
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

  constructor(state: WorkerState) {
    this.state = state;
  }

  /** From now on it measures the session's run, as it is on the device now. */
  private begin(): void {
    const { state } = this;
    const { run, engine } = state.session;
    const { trainer, objective, settings } = run!;
    const unet = run!.unet!;
    if (trainer === this.run?.trainer) return;
    const { held } = state.imagesOf(state.current);
    void state.session.use('measured', unet, async () => ({ unet, destroy: () => this.free() }));
    this.free();
    this.run = {
      ...{ engine: engine!, trainer: trainer!, network: { unet, objective }, seed: settings.seed },
      isDigits: state.source === 'mnist',
      isOwn: state.data?.builtIn === false,
    };
    this.begunAt = state.clock.run(performance.now());
    if (held) this.heldOut = new HeldOut(engine!, held, settings.binarize);
  }

  private free(): void {
    this.heldOut?.free();
    this.heldOut = undefined;
    this.run = undefined;
    this.shares = newShares();
    this.failed.clear();
    Object.assign(this.last, { heldOut: -1, quality: -1, nearest: -1 });
  }

  /** Makes the measurement that is due between two steps. */
  async between({ imagesPerSecond }: Pick<TrainingEvent, 'imagesPerSecond'>): Promise<void> {
    // It was closed, or its device lost, while pictures were made.
    if (!this.state.session.run?.trainer) return;
    this.begin();
    this.tell();
    const due = this.due(imagesPerSecond);
    if (due) await this.measureBeside(due);
  }

  /** Measures the network at the end of the run, unless more training is wanted. */
  async atEnd(): Promise<void> {
    const { session, settings } = this.state;
    for (const kind of ['heldOut', 'quality', 'nearest'] as const) {
      // Without live samples only where it is asked for.
      const isMeant = kind !== 'nearest' || settings.samples > 0;
      if (isMeant && !session.stretch) await this.measureBeside(kind);
    }
  }

  /** The same as `measure`; one that fails says so, and is left out until the run is built again. */
  private async measureBeside(kind: MeasureKind): Promise<void> {
    const { session } = this.state;
    try {
      await this.measure(kind);
    } catch (error) {
      if (session.isReported(error)) return;
      this.failed.add(kind);
      const message = `${NAMES[kind]} could not be measured: ${(error as Error).message}`;
      session.tell('warning', { message, run: true });
    }
  }

  /** Measures the network as it is now; whatever is asked for meanwhile ends that. */
  async measure(kind: MeasureKind): Promise<void> {
    const { session } = this.state;
    const make = async ({ signal }: TurnContext) => {
      const step = session.run?.losses.length ?? 0;
      if (!session.run?.trainer || step === 0) return;
      this.begin();
      if (step === this.last[kind] || !this.isPossible(kind)) return;
      await this.make(kind, { step, counts: session.stretch !== undefined, signal });
    };
    await session.turn('pictures', make).catch((error) => {
      if (!isEnded(error)) throw error;
    });
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
    const { state } = this;
    if (!run) return;
    const start = performance.now();
    let done = false;
    state.patch({ measured: { type: 'measuring', what: kind } });
    try {
      if (kind === 'heldOut') {
        const measured = await this.heldOut!.measure(run.trainer, step, signal);
        state.patch({ measured: { type: kind, measured } });
      } else if (kind === 'nearest') {
        const { findNearest } = await import('./nearest');
        const { train } = this.state.imagesOf(this.state.current);
        const measured = await findNearest(run.engine, run.network, train, { step, seed: run.seed, signal });
        state.post({ type: 'pictures', pictures: { nearest: measured } });
      } else {
        const measured = await acceptedShare(run.engine, run.network, { step, seed: run.seed, signal });
        state.patch({ measured: { type: kind, measured } });
      }
      done = true;
      this.last[kind] = step;
    } finally {
      this.doneAt[kind] = performance.now();
      if (counts && kind !== 'nearest') this.shares[kind].add(this.doneAt[kind] - start, { done });
      state.patch({ measured: { type: 'measuring', what: undefined } });
    }
  }

  /** Sends the page the training time and its shares, once a second. */
  private tell(): void {
    const now = performance.now();
    if (now - this.toldAt < TELL_MS) return;
    this.toldAt = now;
    const time = this.time(now);
    const { heldOut, quality } = this.shares;
    this.state.patch({
      measured: {
        type: 'clock',
        run: this.state.clock.run(now) / 1000,
        press: this.state.clock.sincePress(now) / 1000,
        heldOutShare: heldOut.of(time),
        qualityShare: quality.of(time),
      },
    });
  }

  private isPossible(kind: MeasureKind): boolean {
    if (kind === 'heldOut') return this.heldOut !== undefined;
    return kind === 'nearest' ? this.run?.isOwn === true : this.run?.isDigits === true;
  }

  /** Milliseconds of training since this began to measure the run. */
  private time(now: number): number {
    return this.state.clock.run(now) - this.begunAt;
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
