/** Plans the runs of the page's worker: before their first step, and beyond their end. */
import type { TrainerConfig } from '../../../src/training/options';
import type { Objective } from '../../../src/training/step_config';
import type { TrainingRun } from '../../../src/worker/run';
import type { Session } from '../../../src/worker/session';
import {
  endingAt,
  isPlanned,
  MINUTES,
  openPlan,
  type Plan,
  type PlanOrder,
  planLimit,
  planTraining,
} from '../../run/plan';
import { rehearse } from '../../run/rehearsal';
import type { Patch, PlanWish } from '../messages/messages';
import type { Settings } from '../messages/settings';
import type { TrainingClock } from './clocks';

/** Share of the time in which a run trains: pictures, held-out loss and quality take the rest. */
const TRAINING_SHARE = 0.8;
/** The speed of a run without a plan is known after these milliseconds of training. */
const SPAN_MS = 5000;

/** What it plans for: the page's session and settings. */
interface PlanContext {
  readonly session: Session;
  readonly clock: TrainingClock;
  readonly settings: Settings;
  /** The objective of the run, or of the one that would begin now. */
  readonly objective: Objective;
  patch(patch: Patch): void;
}

export class Planning {
  private readonly state: PlanContext;
  /** What the page said when Train was pressed; undefined: no plan. */
  private wish: PlanWish | undefined;
  /** The plan of the run, if it has one. */
  private plan: Plan | undefined;
  /** Whether the page knows the run's speed. */
  private isTimed = false;

  constructor(state: PlanContext) {
    this.state = state;
  }

  /** Train was pressed: a planned run that has come to its end gets further steps. */
  press(wish: PlanWish | undefined): void {
    this.wish = wish;
    const { run } = this.state.session;
    if (!run?.complete || !this.plan) return;
    const { batchSize, dropLast } = run.settings;
    const speed = this.speed || (wish?.speed ?? 0);
    const { steps } = planTraining(this.orderFor(run.images.count, dropLast), batchSize, speed);
    this.endAt(run, run.losses.length + steps!);
  }

  /** Plans a run that is about to begin with these settings and at rate `lr`, unless the page does not wish it. */
  begin(count: number, dropLast: boolean | undefined, lr?: number): Plan | undefined {
    this.isTimed = false;
    const order = this.orderFor(count, dropLast);
    this.take(this.wish && openPlan(order, this.wish.speed), lr);
    return this.plan;
  }

  /** A run goes on that was begun elsewhere: if it has a plan, that stays. */
  resume(run: TrainingRun, training: Pick<TrainerConfig, 'average'>): void {
    this.isTimed = false;
    const { batchSize: batch, maxSteps: steps, epochs } = run.settings;
    this.take(isPlanned(training) ? { batch, steps, epochs, seconds: Number.NaN, fits: true } : undefined);
  }

  /** The run is deleted, or could not be built: the next one gets a plan of its own. */
  drop(): void {
    this.take(undefined);
  }

  /** Fixes the end and the schedule of a planned run before its first step. Throws the signal's reason. */
  async rehearse(signal: AbortSignal): Promise<void> {
    const { state, plan } = this;
    const run = state.session.run!;
    if (!plan || plan.steps !== undefined) return;
    const order = this.orderFor(run.images.count, run.settings.dropLast);
    const fixed = await rehearse(run, { order, share: TRAINING_SHARE, signal });
    this.take(fixed);
    const { steps, batch, seconds } = fixed;
    if (!Number.isNaN(seconds)) this.tellSpeed((steps! * batch) / seconds);
  }

  /** Call it after each step. */
  between(): void {
    if (!this.isTimed && this.state.clock.timed.ms >= SPAN_MS) this.tellSpeed(this.speed);
  }

  /** The user has chosen the number of epochs. */
  setEpochs(epochs: number): void {
    const { run } = this.state.session;
    if (!run || epochs === this.plan?.epochs) return;
    if (this.plan) this.endAt(run, epochs * run.stepsPerEpoch);
    else this.state.session.adjust({ epochs });
  }

  /** The minutes after which the run ends, although it is not complete; 0: no limit. */
  get minutes(): number {
    const { minutes } = this.state.settings;
    const limit = this.plan ? planLimit(this.plan, minutes || MINUTES) / 60 : minutes;
    return Number.isFinite(limit) ? limit : 0;
  }

  private orderFor(count: number, dropLast: boolean | undefined): PlanOrder {
    const { settings, session } = this.state;
    const software = session.engine?.adapter.software ?? false;
    return { count, dropLast, software, minutes: settings.minutes || MINUTES };
  }

  /** Images a second of the run's training here, with what is done between its steps; NaN before its second step. */
  private get speed(): number {
    const { session, clock } = this.state;
    return (1000 * clock.timed.steps * session.run!.settings.batchSize) / clock.timed.ms;
  }

  private tellSpeed(imagesPerSecond: number): void {
    this.isTimed = true;
    this.state.patch({ pace: imagesPerSecond });
  }

  /** Moves the end of a planned run. */
  private endAt(run: TrainingRun, end: number): void {
    const { batch, steps } = this.plan!;
    const changes = endingAt(end, run, steps);
    const epochs = Math.ceil(end / run.stepsPerEpoch);
    const seconds = ((end - run.losses.length) * batch) / this.speed;
    this.state.session.adjust({ ...changes, epochs });
    this.take({ batch, steps: end, epochs, seconds, fits: true }, changes.learningRate);
  }

  private take(plan: Plan | undefined, lr?: number): void {
    this.plan = plan;
    // The tutorial has no average.
    const averages = this.state.objective === 'flow';
    if (plan) this.state.patch({ planned: { plan, averages, lr } });
  }
}
