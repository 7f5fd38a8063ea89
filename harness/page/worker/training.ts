/** Trains the run that the page asks for: the loop over its steps, and what is done between them. */
import type { TrainingEvent } from '../../../src';
import type { TurnContext } from '../../../src/worker';
import { TrainingRun } from '../../../src/worker/run';
import { isEnded } from '../../../src/worker/turns';
import { Pace } from '../../run/pace';
import type { Press } from '../messages/calls';
import type { Measures } from './measures';
import type { Views } from './views';
import type { WorkerState } from './worker_state';

const LOSSES_MS = 100;

export class PageTraining {
  private readonly state: WorkerState;
  private readonly views: Views;
  private readonly measures: Measures;
  /** The step to train to; undefined: no training is wanted. */
  private target: number | undefined;
  /** Ends the making of the run and the rehearsal. */
  private end = new AbortController();
  private going = false;
  /** The steps whose losses the page has, and when it got the last ones. `again`: the run may have gone back there. */
  private sent = { steps: 0, again: false, at: 0 };
  private imagesPerSecond = 0;
  private readonly pace = new Pace();
  /** The trainer that the page knows of. */
  private known: object | undefined;

  constructor(state: WorkerState, views: Views, measures: Measures) {
    this.state = state;
    this.views = views;
    this.measures = measures;
    const { session, clock } = state;
    session.on('phase', () => this.tellActivity());
    session.on('lost', ({ step }) => {
      clock.stop(performance.now());
      this.sent = { steps: Math.min(step, this.sent.steps), again: true, at: 0 };
    });
  }

  private aim(step: number | undefined): void {
    const changes = (step === undefined) !== (this.target === undefined);
    this.target = step;
    if (changes) this.tellActivity();
  }

  /** Trains. What is missing is made; what is being made for the page at present is waited for. */
  press({ steps = Number.POSITIVE_INFINITY, wish }: Press): void {
    const { state } = this;
    state.clock.press(performance.now());
    state.planning.press(wish);
    this.aim((this.target ?? state.step) + steps);
    if (!this.going) void this.go();
  }

  /** Ends training after the step under way, and the wait for a device. */
  pause(): void {
    this.aim(undefined);
    this.end.abort();
    this.state.session.pause().catch((error) => this.state.report(error, 'task'));
  }

  tellWentBack(): void {
    this.sent = { steps: this.state.step, again: true, at: 0 };
    this.send();
  }

  private tellActivity(): void {
    const { state } = this;
    state.patch({ phase: state.session.phase, training: this.target !== undefined });
  }

  /** Tells the page of the run as it is on the device now. */
  tellBuilt(): void {
    const { state } = this;
    const { session } = state;
    if (!session.run?.trainer || session.run.trainer === this.known) return;
    this.known = session.run.trainer;
    state.patch({ run: session.run.describe(session.engine!.adapter) });
  }

  private async go(): Promise<void> {
    const { state } = this;
    const { session } = state;
    this.going = true;
    try {
      while (this.target !== undefined) {
        this.end = new AbortController();
        try {
          if (!session.run) await this.make();
          await this.follow();
        } catch (error) {
          // After a pause, Train may have been pressed again.
          if (!(this.end.signal.aborted && isEnded(error))) throw error;
        }
      }
    } catch (error) {
      this.aim(undefined);
      if (!isEnded(error)) {
        state.report(error, 'task');
        return;
      }
    } finally {
      this.going = false;
    }
    const { run } = session;
    if (!run?.trainer || run.losses.length === 0) return;
    try {
      // The pictures of a run that is complete are made already.
      if (!run.complete) await this.views.lastPictures();
      else await this.measures.atEnd();
    } catch (error) {
      state.report(error, 'task');
    }
  }

  private async make(): Promise<void> {
    const { state } = this;
    const make = async () => {
      if (!state.images) await state.loadDigits();
      state.session.phase = 'compiling';
      return TrainingRun.begin(await state.newRun());
    };
    const { session } = state;
    await session.open(make, { kind: 'training', signal: this.end.signal }).catch((error) => {
      // A kept run that is about to go on is the one to train.
      if (error.code !== 'busy' || !session.run) throw error;
    });
    this.tellBuilt();
  }

  /** Trains to the step that is wanted. */
  private async follow(): Promise<void> {
    const { session, planning, clock } = this.state;
    const run = session.run!;
    if (run.losses.length === 0) await this.rehearse();
    const steps = this.target === undefined ? 0 : this.target - run.losses.length;
    // A pause, or a press that is over already.
    if (!(steps > 0) || run.complete) {
      this.aim(undefined);
      return;
    }
    this.sent = { steps: run.losses.length, again: false, at: 0 };
    clock.start(performance.now());
    this.pace.begin();
    try {
      for await (const event of session.train(Number.isFinite(steps) ? { steps } : {})) {
        // It was closed meanwhile.
        if (session.run !== run) break;
        clock.step(performance.now());
        this.tellBuilt();
        this.imagesPerSecond = event.imagesPerSecond;
        this.pace.add(run.settings.batchSize);
        if (performance.now() - this.sent.at >= LOSSES_MS) this.send();
        planning.between();
        if (run.complete) await this.lastPictures();
        if (!Number.isFinite(this.target ?? 0)) await this.between(event);
      }
    } finally {
      clock.stop(performance.now());
      if (session.run === run) this.send();
    }
    if (run.complete || run.losses.length >= (this.target ?? 0)) this.aim(undefined);
  }

  private async between(event: TrainingEvent): Promise<void> {
    const { state, views, measures } = this;
    if (state.clock.isOver(performance.now(), state.planning.minutes)) {
      this.pause();
      state.patch({ measured: { timeUp: true } });
      return;
    }
    if (views.clock.isDue(event.step))
      await views.clock.make(state.settings.refresh, () => this.lastPictures());
    await measures.between(event);
  }

  /** The pictures of the network as it is now, after its losses. Without a device there are none, and training goes on with another one. */
  private async lastPictures(): Promise<void> {
    this.send();
    await this.views.lastPictures().catch((error) => {
      if (!this.state.session.isReported(error)) throw error;
    });
  }

  /** Fixes the end of a planned run; whatever comes meanwhile comes first, and then it begins anew. */
  private async rehearse(): Promise<void> {
    const { session, planning } = this.state;
    for (;;) {
      try {
        await session.during('training', () => session.build(), this.end.signal);
        this.tellBuilt();
        const rehearse = ({ signal }: TurnContext) => {
          session.phase = 'training';
          return planning.rehearse(signal);
        };
        await session.turn('pictures', rehearse, { signal: this.end.signal });
        return;
      } catch (error) {
        const goesOn = isEnded(error) || session.isReported(error);
        if (this.end.signal.aborted || !goesOn) throw error;
      }
    }
  }

  /** Sends the losses that the page does not have. */
  private send(): void {
    const { imagesPerSecond, state } = this;
    const { steps: first, again } = this.sent;
    const losses = Float32Array.from(state.session.run!.losses.slice(first));
    if (losses.length === 0 && !again) return;
    this.sent = { steps: first + losses.length, again: false, at: performance.now() };
    const pace = this.pace.imagesPerSecond;
    state.post({ type: 'losses', first, again, losses, imagesPerSecond, pace });
  }
}
