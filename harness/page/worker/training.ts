/** Trains the run that the page asks for: the loop over its steps, and what is done between them. */
import type { TrainingEvent } from '../../../src';
import type { TurnContext } from '../../../src/worker';
import { TrainingRun } from '../../../src/worker/run';
import { isEnded } from '../../../src/worker/turns';
import type { Press } from '../messages/calls';
import type { Measures } from './measures';
import type { Views } from './views';
import type { WorkerState } from './worker_state';

const LOSSES_MS = 100;

export class Training {
  private readonly state: WorkerState;
  private readonly views: Views;
  private readonly measures: Measures;
  /** The step to train to; undefined: no training is wanted. */
  private goal: number | undefined;
  /** Ends the making of the run and the rehearsal. */
  private end = new AbortController();
  private going = false;
  /** Losses that are not sent yet, after `first` steps. */
  private unsent = { first: 0, again: false, losses: [] as number[], sentAt: 0 };
  private imagesPerSecond = 0;
  /** The trainer that the page knows of. */
  private known: object | undefined;

  constructor(state: WorkerState, views: Views, measures: Measures) {
    this.state = state;
    this.views = views;
    this.measures = measures;
    state.session.on('phase', () => this.tellActivity());
  }

  private get target(): number | undefined {
    return this.goal;
  }

  private set target(step: number | undefined) {
    const changes = (step === undefined) !== (this.goal === undefined);
    this.goal = step;
    if (changes) this.tellActivity();
  }

  /** Trains. What is missing is made; what is being made for the page at present is waited for. */
  press({ steps = Number.POSITIVE_INFINITY, wish }: Press): void {
    const { state } = this;
    state.clock.press(performance.now());
    state.planning.press(wish);
    this.target = (this.target ?? state.step) + steps;
    if (!this.going) void this.go();
  }

  /** Ends training after the step under way, and the wait for a device. */
  pause(): void {
    this.target = undefined;
    this.end.abort();
    this.state.session.pause().catch((error) => this.state.report(error, 'task'));
  }

  /** Tells the page that the run has gone back to this step. */
  tellWentBack(step: number): void {
    this.unsent = { first: step, again: true, losses: [], sentAt: 0 };
    this.send();
  }

  private tellActivity(): void {
    const { state } = this;
    state.patch({ phase: state.session.phase, training: this.goal !== undefined });
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
      this.target = undefined;
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

  /** Makes a run with the page's settings. */
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
      this.target = undefined;
      return;
    }
    clock.start(performance.now());
    this.unsent.first = run.losses.length;
    try {
      for await (const event of session.train(Number.isFinite(steps) ? { steps } : {})) {
        // It was closed meanwhile.
        if (session.run !== run) break;
        // It rests while a device is lost.
        clock.start(performance.now());
        this.tellBuilt();
        this.add(event);
        planning.between(performance.now() / 1000);
        if (run.complete) await this.lastPictures();
        if (!Number.isFinite(this.target ?? 0)) await this.between(event);
      }
    } finally {
      clock.stop(performance.now());
      this.flush();
    }
    if (run.complete || run.losses.length >= (this.target ?? 0)) this.target = undefined;
    if (this.target === undefined) planning.rest();
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

  /** The pictures of the network as it is now, after its losses. */
  private async lastPictures(): Promise<void> {
    this.flush();
    await this.views.lastPictures();
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

  private add({ step, loss, imagesPerSecond }: TrainingEvent): void {
    const { first, losses } = this.unsent;
    if (step !== first + losses.length + 1) {
      this.flush();
      // Steps come again after a lost device.
      Object.assign(this.unsent, { again: step <= this.unsent.first, first: step - 1 });
    }
    this.unsent.losses.push(loss);
    this.imagesPerSecond = imagesPerSecond;
    if (performance.now() - this.unsent.sentAt >= LOSSES_MS) this.flush();
  }

  private flush(): void {
    if (this.unsent.losses.length > 0) this.send();
  }

  private send(): void {
    const { imagesPerSecond } = this;
    const { first, again } = this.unsent;
    const losses = Float32Array.from(this.unsent.losses);
    this.unsent = { first: first + losses.length, again: false, losses: [], sentAt: performance.now() };
    this.state.post({ type: 'losses', first, again, losses, imagesPerSecond });
  }
}
