/** Measures the network while it trains: its loss on held-out images, and the quality of its samples. */
import type { Dataset, ImageSet, Trainer, TrainingEvent } from '../../../src';
import { imagesFrom } from '../../pictures/hold_out';
import type { PageCalls } from '../messages/calls';
import type { MeasureKind } from '../messages/measurements';
import { TimeShare } from './clocks';
import { acceptedShare, countPasses, SAMPLES } from './quality_live';
import { unlessEnded, type WorkerState } from './worker_state';

const SHARE = 0.05;
/** Minimum interval between two measurements of a kind. */
const LEAST_MS = 2000;
const TELL_MS = 1000;
/** Maximum number of held-out images. They and their noise stay the same, so that two losses of a run can be compared. */
const HELD_OUT = { gpu: 1000, software: 200 };
/** A training step is about three forward passes. */
const PASSES_A_STEP = 3;
const NAMES = {
  heldOut: 'The loss on held-out images',
  quality: 'The quality of the samples',
  nearest: 'The pictures nearest to the samples',
};
/** Extra time of the first measurement: compiling; for the quality, also loading the classifier and judging real digits. */
const FIRST_MS = { heldOut: 100, quality: 3000 };

/** A kind of measurement of a run: when it was made last, of which step, and what has failed is not measured by itself again. */
const unmeasured = () => ({ share: new TimeShare(SHARE), doneAt: 0, step: -1, failed: false });
const nothing = () => ({ heldOut: unmeasured(), quality: unmeasured(), nearest: unmeasured() });

export class Measures {
  private readonly state: WorkerState;
  /** The trainer of the run that is measured. */
  private trainer: Trainer | undefined;
  /** Images that it is not trained on, and the same on the GPU from the first measurement on. */
  private held: ImageSet | undefined;
  private dataset: Dataset | undefined;
  private kinds = nothing();
  private begunAt = 0;
  private toldAt = Number.NEGATIVE_INFINITY;

  constructor(state: WorkerState) {
    this.state = state;
  }

  readonly calls = {
    measure: (kind) => this.measure(kind).catch((error) => this.state.report(error, 'task')),
  } satisfies Partial<PageCalls>;

  /** From now on it measures the session's run, as it is on the device now. */
  private begin(): void {
    const { state } = this;
    const { run, engine } = state.session;
    const { trainer, unet } = run!;
    if (trainer === this.trainer) return;
    void state.session.use('measured', unet!, async () => ({ unet: unet!, destroy: () => this.free() }));
    this.free();
    this.trainer = trainer;
    this.begunAt = state.clock.run(performance.now());
    const { held } = state.splitImages(state.current);
    const most = HELD_OUT[engine!.adapter.software ? 'software' : 'gpu'];
    this.held = held && imagesFrom(held, 0, Math.min(most, held.count));
  }

  private free(): void {
    this.dataset?.destroy();
    this.dataset = undefined;
    this.trainer = undefined;
    this.kinds = nothing();
  }

  async between({ imagesPerSecond }: Pick<TrainingEvent, 'imagesPerSecond'>): Promise<void> {
    // It was closed, or its device lost, while pictures were made.
    if (!this.state.session.run?.trainer) return;
    this.begin();
    this.tell();
    const now = performance.now();
    const due = (['heldOut', 'quality'] as const).find((kind) => {
      const { failed, doneAt, share } = this.kinds[kind];
      if (failed || !this.isPossible(kind) || now - doneAt <= LEAST_MS) return false;
      return share.isDue(this.time(now), this.guess(kind, imagesPerSecond));
    });
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
      this.kinds[kind].failed = true;
      const message = `${NAMES[kind]} could not be measured: ${(error as Error).message}`;
      session.tell('warning', { message, run: true });
    }
  }

  /** Measures the network as it is now; whatever is asked for meanwhile ends that. */
  measure(kind: MeasureKind): Promise<void> {
    const { state } = this;
    const { session } = state;
    return unlessEnded(
      session.turn('pictures', async ({ signal }) => {
        if (!session.run?.trainer || state.step === 0) return;
        this.begin();
        if (state.step !== this.kinds[kind].step && this.isPossible(kind)) await this.make(kind, signal);
      }),
    );
  }

  /** Rejects with the signal's reason. */
  private async make(kind: MeasureKind, signal: AbortSignal): Promise<void> {
    const { state } = this;
    const { session, step, objective } = state;
    const { unet, trainer, settings } = session.run!;
    const engine = session.engine!;
    const network = { unet: unet!, objective };
    const how = { step, seed: settings.seed, signal };
    const own = this.kinds[kind];
    // Training waits for it.
    const counts = session.stretch !== undefined;
    const start = performance.now();
    let done = false;
    state.patch({ measured: { measuring: kind } });
    try {
      if (kind === 'heldOut') {
        this.dataset ??= await engine.createDataset(this.held!);
        const { loss, bins } = await trainer!.evaluate(this.dataset, { binarize: settings.binarize, signal });
        const byLevel = bins.map((bin) => bin.loss ?? null);
        state.patch({ measured: { heldOut: { step, loss, bins: byLevel, images: this.held!.count } } });
      } else if (kind === 'nearest') {
        const { findNearest } = await import('./nearest');
        const { train } = state.splitImages(state.current);
        const nearest = await findNearest(engine, network, train, how);
        state.post({ type: 'pictures', pictures: { nearest } });
      } else {
        const quality = await acceptedShare(engine, network, how);
        state.patch({ measured: { quality } });
      }
      done = true;
      own.step = step;
    } finally {
      own.doneAt = performance.now();
      if (counts) own.share.add(own.doneAt - start, { done });
      state.patch({ measured: { measuring: undefined } });
    }
  }

  /** Sends the page the training time and its shares, once a second. */
  private tell(): void {
    const now = performance.now();
    if (now - this.toldAt < TELL_MS) return;
    this.toldAt = now;
    const { clock } = this.state;
    const shareOf = (kind: MeasureKind) => this.kinds[kind].share.of(this.time(now));
    const run = clock.run(now) / 1000;
    const press = clock.sincePress(now) / 1000;
    const shares = { heldOutShare: shareOf('heldOut'), qualityShare: shareOf('quality') };
    this.state.patch({ measured: { clock: { run, press, ...shares } } });
  }

  private isPossible(kind: MeasureKind): boolean {
    const { source, data } = this.state;
    if (kind === 'heldOut') return this.held !== undefined;
    return kind === 'nearest' ? data?.builtIn === false : source === 'mnist';
  }

  /** Milliseconds of training since this began to measure the run. */
  private time(now: number): number {
    return this.state.clock.run(now) - this.begunAt;
  }

  /** The time of the first measurement, by the speed of training. */
  private guess(kind: 'heldOut' | 'quality', imagesPerSecond: number): number {
    const { session, objective } = this.state;
    const network = { unet: session.run!.unet!, objective };
    const passes =
      kind === 'heldOut' ? this.held!.count : SAMPLES * countPasses(network, session.engine!.adapter);
    return FIRST_MS[kind] + (1000 * passes) / PASSES_A_STEP / imagesPerSecond;
  }
}
