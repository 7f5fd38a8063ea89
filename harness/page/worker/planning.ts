/** Plans the runs of the page's worker: before they begin, once their speed is known, and beyond their end. */
import type { TrainerConfig } from '../../../src/training/options';
import type { Objective } from '../../../src/training/step_config';
import type { RunChanges } from '../../../src/worker';
import {
  corrected,
  endingAt,
  furtherSteps,
  isPlanned,
  limitOf,
  MINUTES,
  type Plan,
  type PlanOrder,
  planOf,
  Spans,
  scheduleOf,
} from '../../run/plan';
import type { PageEvent, PlanWish } from '../messages/messages';
import type { PageSettings } from '../messages/settings';
import type { TrainingRun, TrainingSession } from './door';

/** What it plans for: the page's session and settings. */
interface Site {
  readonly core: TrainingSession;
  readonly settings: PageSettings;
  /** The objective of the run, or of the one that would begin now. */
  readonly objective: Objective;
  post(event: PageEvent): void;
}

export class Planning {
  private readonly place: Site;
  private readonly spans = new Spans();
  /** What the page said when Train was pressed; undefined: no plan. */
  private wish: PlanWish | undefined;
  /** The plan of the run, if it has one. */
  private plan: Plan | undefined;
  /** Whether a measurement may still move its end. */
  private isOpen = false;
  /** Images a second, once they are measured. */
  private speed: number | undefined;

  constructor(place: Site) {
    this.place = place;
  }

  /** Train was pressed: a planned run that has come to its end gets further steps. */
  press(wish: PlanWish | undefined): void {
    this.wish = wish;
    const { run } = this.place.core;
    if (!run?.complete || !this.plan) return;
    const order = this.orderFor(run.images.count, run.settings.dropLast);
    const steps = furtherSteps(order, run.settings.batchSize, this.speed ?? wish?.speed);
    this.endAt(run, run.losses.length + steps);
  }

  /** Plans a run that is about to begin with these settings and at rate `lr`, unless the page does not wish it. */
  begin(count: number, dropLast: boolean | undefined, lr?: number): Plan | undefined {
    this.spans.begin();
    this.speed = undefined;
    this.take(this.wish && planOf(this.orderFor(count, dropLast), this.wish.speed), { isOpen: true, lr });
    return this.plan;
  }

  /** A run goes on that was begun elsewhere: if it has a plan, that stays; one that has no end yet gets it here. */
  resume(run: TrainingRun, training: Pick<TrainerConfig, 'average' | 'schedule'>): void {
    this.spans.begin();
    this.speed = undefined;
    const { batchSize: batch, maxSteps: steps, epochs, dropLast } = run.settings;
    const isOpen = steps === undefined && training.schedule.decay === 'none';
    const plan = isOpen
      ? planOf({ ...this.orderFor(run.images.count, dropLast), software: true })
      : { batch, steps, most: run.end, epochs, seconds: Number.NaN, fits: true };
    this.take(isPlanned(training) ? plan : undefined, { isOpen });
  }

  /** The run is deleted, or could not be built: the next one gets a plan of its own. */
  drop(): void {
    this.take(undefined);
  }

  training(on: boolean): void {
    // Time in which no training is wanted says nothing of the speed.
    if (!on && !this.place.core.wanted) this.spans.rest();
  }

  /** Call it after each step; `now` in seconds. */
  between(now: number): void {
    const { place, plan } = this;
    const run = place.core.run!;
    const done = run.losses.length;
    const { batchSize: batch, dropLast } = run.settings;
    const speed = this.spans.after(done, now, plan ?? { batch, steps: run.end, most: run.end });
    if (speed === undefined) return;
    this.speed = speed;
    place.post({ type: 'speed', imagesPerSecond: speed });
    if (!plan || !this.isOpen) return;
    const next = corrected(plan, this.orderFor(run.images.count, dropLast), { speed, done });
    if (next.steps === plan.steps) this.take(next, { isOpen: !this.spans.areOver });
    else this.change(run, next, { maxSteps: next.steps!, schedule: scheduleOf(next.steps) });
  }

  /** The user has chosen the number of epochs. */
  setEpochs(epochs: number): void {
    const { run } = this.place.core;
    if (!run || epochs === this.plan?.epochs) return;
    if (this.plan) this.endAt(run, epochs * run.stepsPerEpoch);
    else this.place.core.adjust({ epochs });
  }

  /** The minutes after which the run ends, although it is not complete; 0: no limit. */
  get minutes(): number {
    const { minutes } = this.place.settings;
    const limit = this.plan ? limitOf(this.plan, minutes || MINUTES) / 60 : minutes;
    return Number.isFinite(limit) ? limit : 0;
  }

  private orderFor(count: number, dropLast: boolean | undefined): PlanOrder {
    const { settings, core } = this.place;
    const software = core.engine?.adapter.software ?? false;
    return { count, dropLast, software, minutes: settings.minutes || MINUTES };
  }

  /** Moves the end of a planned run. */
  private endAt(run: TrainingRun, end: number): void {
    const { batch, steps } = this.plan!;
    const { speed = Number.NaN } = this;
    const changes = endingAt(end, { steps, done: run.losses.length });
    const epochs = Math.ceil(end / run.stepsPerEpoch);
    const seconds = ((end - run.losses.length) * batch) / speed;
    this.isOpen = false;
    this.change(run, { batch, steps: end, most: end, epochs, seconds, fits: true }, changes);
  }

  private change(run: TrainingRun, plan: Plan, { learningRate, schedule, maxSteps }: RunChanges): void {
    // The tutorial has no schedule.
    const training = run.objective === 'flow' ? { learningRate, schedule } : {};
    this.place.core.adjust({ maxSteps, epochs: plan.epochs, ...training });
    this.take(plan, { isOpen: this.isOpen && !this.spans.areOver, lr: training.learningRate });
  }

  private take(
    plan: Plan | undefined,
    { isOpen = false, lr }: { isOpen?: boolean; lr?: number | undefined } = {},
  ) {
    this.plan = plan;
    this.isOpen = isOpen;
    // The tutorial has no average.
    const averages = this.place.objective === 'flow';
    if (plan) this.place.post({ type: 'planned', plan, isOpen, averages, lr });
  }
}
