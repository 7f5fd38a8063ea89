/** Plans the runs of the page's worker: before their first step, and beyond their end. */
import type { TrainerConfig } from '../../../src/training/options';
import type { Objective } from '../../../src/training/step_config';
import type { RunChanges } from '../../../src/worker';
import type { TrainingRun } from '../../../src/worker/run';
import type { Session } from '../../../src/worker/session';
import {
  batchOf,
  endingAt,
  isPlanned,
  limitOf,
  MINUTES,
  openPlan,
  type Plan,
  type PlanOrder,
  planOf,
} from '../../run/plan';
import { rehearse } from '../../run/rehearsal';
import type { Patch, PlanWish } from '../messages/messages';
import type { PageSettings } from '../messages/settings';

/** Share of the time in which a run trains: pictures, held-out loss and quality take the rest. */
const TRAINING_SHARE = 0.8;
/** The speed of a run without a plan is known after these seconds of training. */
const SPAN = 5;

/** What it plans for: the page's session and settings. */
interface PlanContext {
  readonly session: Session;
  readonly settings: PageSettings;
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
  /** Seconds and steps of the run's training here, with what is done between its steps. */
  private trained = { seconds: 0, steps: 0 };
  private last: { readonly now: number; readonly done: number } | undefined;
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
    const speed = this.speedOf(run) ?? wish?.speed ?? 0;
    const { steps } = planOf(this.orderFor(run.images.count, dropLast), batchSize, speed);
    this.endAt(run, run.losses.length + steps!);
  }

  /** Plans a run that is about to begin with these settings and at rate `lr`, unless the page does not wish it. */
  begin(count: number, dropLast: boolean | undefined, lr?: number): Plan | undefined {
    this.forget();
    const order = this.orderFor(count, dropLast);
    this.take(this.wish && openPlan(order, batchOf(order, this.wish.speed)), lr);
    return this.plan;
  }

  /** A run goes on that was begun elsewhere: if it has a plan, that stays. */
  resume(run: TrainingRun, training: Pick<TrainerConfig, 'average'>): void {
    this.forget();
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

  /** No training is wanted any more: the time until the next step says nothing of the speed. */
  rest(): void {
    this.last = undefined;
  }

  /** Call it after each step; `now` in seconds. */
  between(now: number): void {
    const run = this.state.session.run!;
    const { last, trained } = this;
    const done = run.losses.length;
    if (last && done > last.done) {
      trained.seconds += now - last.now;
      trained.steps += done - last.done;
    }
    this.last = { now, done };
    if (!this.isTimed && trained.seconds >= SPAN) this.tellSpeed(this.speedOf(run)!);
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
    const limit = this.plan ? limitOf(this.plan, minutes || MINUTES) / 60 : minutes;
    return Number.isFinite(limit) ? limit : 0;
  }

  private orderFor(count: number, dropLast: boolean | undefined): PlanOrder {
    const { settings, session } = this.state;
    const software = session.engine?.adapter.software ?? false;
    return { count, dropLast, software, minutes: settings.minutes || MINUTES };
  }

  /** Images a second of the run's training here; undefined before its second step. */
  private speedOf(run: TrainingRun): number | undefined {
    const { seconds, steps } = this.trained;
    return seconds > 0 ? (steps * run.settings.batchSize) / seconds : undefined;
  }

  private tellSpeed(imagesPerSecond: number): void {
    this.isTimed = true;
    this.state.patch({ pace: imagesPerSecond });
  }

  private forget(): void {
    this.trained = { seconds: 0, steps: 0 };
    this.last = undefined;
    this.isTimed = false;
  }

  /** Moves the end of a planned run. */
  private endAt(run: TrainingRun, end: number): void {
    const { batch, steps } = this.plan!;
    const changes = endingAt(end, { steps, done: run.losses.length });
    const epochs = Math.ceil(end / run.stepsPerEpoch);
    const speed = this.speedOf(run) ?? Number.NaN;
    const seconds = ((end - run.losses.length) * batch) / speed;
    this.change(run, { batch, steps: end, epochs, seconds, fits: true }, changes);
  }

  private change(run: TrainingRun, plan: Plan, { learningRate, schedule, maxSteps }: RunChanges): void {
    // The tutorial has no schedule.
    const training = run.objective === 'flow' ? { learningRate, schedule } : {};
    this.state.session.adjust({ maxSteps, epochs: plan.epochs, ...training });
    this.take(plan, training.learningRate);
  }

  private take(plan: Plan | undefined, lr?: number): void {
    this.plan = plan;
    // The tutorial has no average.
    const averages = this.state.objective === 'flow';
    if (plan) this.state.patch({ planned: { plan, averages, lr } });
  }
}
