/**
 * A training session in a worker: one engine, at most one run, and one thing at a time. It trains, keeps copies, and goes on by itself from
 * the last one when the device was lost.
 */

import { EngineError } from '../base/errors';
import type { Engine } from '../engine';
import { lostText } from '../keeping/lost_text';
import { type Attempt, Recoverer } from '../keeping/recoverer';
import { SAVE_MS } from '../keeping/saver';
import { stepIn } from '../keeping/slots';
import type { TrainingEvent } from '../training/options';
import type { Trainer } from '../training/trainer';
import { UnusableKernel } from '../trust/unusable_kernel';
import type { UNet } from '../unet/unet';
import type { Phase, RunChanges, Tell, WorkerEvents } from './protocol';
import type { TrainingRun } from './run';
import { SamplerCache } from './samplers';
import { StoredRuns } from './stored_runs';
import { Tasks } from './tasks';

/** Optional functions of a host. */
export interface SessionHooks {
  /** Called with each new engine. */
  device?(engine: Engine): void;
  /** The work to do while no training is wanted. */
  background?(): (() => Promise<void>) | undefined;
  /** Called when training begins or stops, for any reason. The run is on a device then. */
  training?(on: boolean): void;
  /** Called before the first step of a run, which is on a device. Throws the signal's reason; then it is called again. */
  rehearse?(signal: AbortSignal): Promise<void>;
  /** Called between two steps: no further one is submitted before this has ended. */
  between?(event: TrainingEvent, signal: AbortSignal): Promise<void>;
  /** Called after training has ended or paused. */
  rested?(step: number): Promise<void>;
  /** Called before a network is destroyed, to destroy its users beside its samplers. Without `unet`: all networks are, with the device. */
  freeUses?(unet?: UNet): void;
  /** Called when the device was lost, before the event `lost`. */
  lost?(): void;
  /** Called when the run is deleted. */
  freed?(): void;
  /** Called when the training has failed, or a requested task, beside which training goes on. */
  failed?(error: unknown): void;
}

/** The owner of a session. */
export interface SessionHost {
  readonly hooks: SessionHooks;
  readonly tell: Tell<WorkerEvents>;
  /** Creates an engine, when there is none. */
  createEngine(): Promise<Engine>;
  /** See SessionHooks. */
  failed(error: unknown): void;
  /** Called when all work has ended. */
  rest(): void;
}

/** Device errors after which another attempt may get one. */
const NO_DEVICE = ['no-adapter', 'device-lost', 'limit'];

export class TrainingSession {
  readonly tasks: Tasks<'training' | 'sampling' | 'pictures' | 'distilling'>;
  readonly stored: StoredRuns;
  readonly samplers = new SamplerCache();
  readonly host: SessionHost;
  engine: Engine | undefined;
  run: TrainingRun | undefined;
  /** The activity to report while it rests. */
  idlePhase: Phase = 'starting';
  /** Makes the run to train, where there is none. */
  makeRun: (() => Promise<void>) | undefined;
  /** May be replaced by one that knows earlier losses of devices. */
  recoverer = new Recoverer();
  private readonly stores: boolean;
  private batcher: LossBatcher;
  /** The step to train to; undefined: no training is wanted. */
  private target: number | undefined;
  private storedAt = 0;
  private lostWhy = '';
  /** The wait for another device. `target`: the step to train to with it. */
  private retry:
    | {
        readonly timer: ReturnType<typeof setTimeout>;
        readonly target: number | undefined;
        end(tries: boolean): void;
      }
    | undefined;
  /** The opening of a run. `attempt`: the device was lost since the last try. */
  private opening: { attempt?: Attempt | undefined; givenUp?: boolean } | undefined;

  /** `store`: whether to store the run in the browser. */
  constructor(host: SessionHost, { store = true } = {}) {
    this.host = host;
    this.stores = store;
    this.stored = new StoredRuns(host.tell);
    this.batcher = this.newBatcher();
    this.tasks = new Tasks({
      background: () => this.nextTask(),
      failed: (error, asked) => this.failed(error, asked),
      idle: async () => this.engine?.idle,
      rest: () => {
        this.phase(this.idlePhase);
        this.host.rest();
      },
    });
  }

  /** The wanted training: to the end of the run, some steps, or none (undefined). */
  get wanted(): 'end' | 'steps' | undefined {
    if (this.target === undefined) return undefined;
    return this.target === Number.POSITIVE_INFINITY ? 'end' : 'steps';
  }

  /** Whether training waits for another device. */
  get recovering(): boolean {
    return this.retry !== undefined;
  }

  phase(phase: Phase): void {
    this.host.tell('phase', { phase, training: this.target !== undefined });
  }

  /**
   * Trains `steps` steps, after those that are wanted already, or to the end of the last epoch. Creates what is missing; goes on after a pause or
   * the loss of the device.
   */
  train(steps = Number.POSITIVE_INFINITY): void {
    this.trainTo((this.target ?? this.retry?.target ?? this.run?.losses.length ?? 0) + steps);
  }

  pause(): void {
    const waited = this.recovering;
    this.giveUp();
    this.target = undefined;
    // The run goes on by itself no more.
    if (waited) this.tellLost(undefined, true);
    if (this.tasks.doing === 'sampling') this.phase('sampling');
    else if (this.tasks.busy) this.phase('pausing');
    this.tasks.interrupt('training');
  }

  /** Changes settings while the run trains. Throws `argument`, and changes nothing, for a value that is not legal. */
  adjust(changes: RunChanges): void {
    const { run } = this;
    if (!run) return;
    const before = run.end;
    run.adjust(changes);
    // The end of a run is fixed when fit begins. Beginning again costs the step under way, no more.
    if (run.end !== before) this.tasks.interrupt('training');
  }

  /** Ends the wait for another device. */
  giveUp(): void {
    if (this.opening) this.opening.givenUp = true;
    clearTimeout(this.retry?.timer);
    this.retry?.end(false);
  }

  /** Deletes the run, and frees its memory. */
  reset(): void {
    this.giveUp();
    this.target = undefined;
    this.freeRun();
    this.run = undefined;
    this.idlePhase = 'idle';
    this.host.hooks.freed?.();
    this.host.tell('freed', {});
  }

  /** Leaves the run in the browser's storage, and is ready for another. Throws if it is not stored. */
  async putAside(): Promise<void> {
    const { run, stored } = this;
    if (!run) return;
    if (run.trainer && run.losses.length > 0 && !run.diverged) await this.store();
    const step = run.checkpoint ? stepIn(run.checkpoint) : 0;
    await stored.settled();
    if (stored.step < step) {
      throw new EngineError(
        'data',
        'This browser does not keep the run, so it cannot be put aside: save its checkpoint, and reset it.',
      );
    }
    this.reset();
    await stored.end();
  }

  /** Frees all memory, the engine's too. What the browser keeps stays, for others to go on with. */
  async end(): Promise<void> {
    this.reset();
    this.freeUses();
    this.engine?.destroy();
    this.engine = undefined;
    await this.stored.end();
  }

  /** Goes back to the copy before the last one, after a divergence. Returns false if there is none. */
  goBack(): boolean {
    const { run } = this;
    if (!run?.earlier) return false;
    this.freeRun();
    run.goBack();
    // What is kept is the run as it is now, also where it is put aside before it trains on.
    if (this.stores) this.stored.save(run.checkpoint!, run.losses.length);
    this.host.tell('wentBack', { losses: Float32Array.from(run.losses) });
    return true;
  }

  /** The session's engine; a new one if the last device was lost. */
  async device(): Promise<Engine> {
    if (this.engine) return this.engine;
    const engine = await this.host.createEngine();
    this.engine = engine;
    this.host.hooks.device?.(engine);
    if (this.idlePhase === 'lost') {
      this.idlePhase = this.run ? 'paused' : 'idle';
      this.host.tell('recovered', { step: this.run?.losses.length ?? 0 });
    }
    void engine.gpu.lost.then(({ reason, message }) => {
      if (this.engine === engine && reason !== 'destroyed') this.deviceLost(message);
    });
    return engine;
  }

  /**
   * Makes `run` the session's run and builds it on the device. If that fails, the session has no run again. If the device is lost meanwhile,
   * waits for another, until that is given up.
   */
  async open(run: TrainingRun): Promise<void> {
    this.run = run;
    this.opening = {};
    try {
      for (let lost = this.target !== undefined; ; lost = true) {
        try {
          await this.build();
          break;
        } catch (error) {
          if (!(await this.isWorthAnotherTry(error, lost))) throw error;
        }
      }
    } catch (error) {
      if (this.run) this.reset();
      throw error;
    } finally {
      this.opening = undefined;
    }
    this.idlePhase = run.complete ? 'finished' : 'paused';
  }

  /** Builds the run and returns its trainer. */
  async build(): Promise<Trainer> {
    const run = this.run!;
    if (run.trainer) return run.trainer;
    this.phase('compiling');
    try {
      const engine = await this.device();
      await run.build(engine);
      this.host.tell('built', run.describe(engine.adapter));
    } catch (error) {
      // It can be built again, from its last copy or its beginning.
      this.freeRun();
      throw error;
    }
    this.storedAt = performance.now();
    return run.trainer!;
  }

  /** Destroys everything on the device; the run's data stays, and `build` builds it anew. */
  freeAll(): void {
    this.freeUses();
    this.run?.free();
  }

  /** Destroys what works with a network, before that is destroyed; without an argument, with all networks beside the run's. */
  freeUses(unet?: UNet): void {
    this.host.hooks.freeUses?.(unet);
    this.samplers.free(unet);
  }

  /** Sends the losses that wait to be sent together. */
  flush(): void {
    this.batcher.flush();
  }

  /** Copies the run to the host, and from there to the browser's storage. Returns all losses. */
  async store(): Promise<Float32Array> {
    const run = this.run!;
    const losses = await run.takeCheckpoint();
    this.storedAt = performance.now();
    if (this.stores) this.stored.save(run.checkpoint!, losses.length);
    return losses;
  }

  /** The run as a file, in its last good state after a divergence or a lost device. Call it between two steps. */
  async saveCheckpoint(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { run } = this;
    if (run?.trainer && !(run.diverged && run.checkpoint)) await this.store();
    return run?.file;
  }

  /** Whether the event `lost` has reported this error already. */
  isReported(error: unknown): boolean {
    const code = error instanceof EngineError ? error.code : undefined;
    return (code === 'device-lost' || code === 'destroyed') && !this.engine;
  }

  private newBatcher(): LossBatcher {
    return new LossBatcher(this.host.tell);
  }

  private trainTo(target: number): void {
    if (!this.opening) this.giveUp();
    this.target = target;
    this.tasks.interrupt('pictures');
    this.tasks.work();
  }

  /** Training, if it is wanted, and before it the making of its run; else what the host does beside it. */
  private nextTask(): (() => Promise<void>) | undefined {
    if (this.target !== undefined && this.run) return () => this.makeSteps();
    const make = this.target === undefined ? undefined : this.makeRun;
    // The run that was to be trained could not be made.
    if (!make) this.target = undefined;
    else this.makeRun = undefined;
    return make ?? this.host.hooks.background?.();
  }

  private async makeSteps(): Promise<void> {
    const trainer = await this.build();
    const run = this.run!;
    this.idlePhase = 'paused';
    // A pause may have come meanwhile.
    if (this.target === undefined) return;
    this.phase('training');
    const target = this.target;
    // The previous batcher's unsent losses belong to a lost device.
    this.batcher = this.newBatcher();
    let speed = 0;
    const add = (loss: number) => {
      const message = run.add(loss);
      this.batcher.add(run.losses.length, loss, speed);
      if (message) this.host.tell('warning', { message, run: true });
    };
    let ended = false;
    this.host.hooks.training?.(true);
    try {
      ended = await this.tasks.interruptible('training', async (signal) => {
        if (run.losses.length === 0) await this.host.hooks.rehearse?.(signal);
        for await (const event of run.train({ steps: target - run.losses.length, signal })) {
          speed = event.imagesPerSecond;
          add(event.loss);
          await this.between(event, signal);
        }
      });
    } catch (error) {
      run.diverged = error instanceof EngineError && error.code === 'diverged';
      if (!(error instanceof UnusableKernel && error.wasUsed) || run.trainer !== trainer) throw error;
      this.beginAgain(run, error);
    } finally {
      this.host.hooks.training?.(false);
      // When the device was lost, the run went back to its last copy; later steps are not the run's any more.
      if (run.trainer === trainer) this.flush();
    }
    if (run.trainer !== trainer) return;
    const losses = await this.store();
    // If something else was interrupted, the losses of the steps under way are not sent yet.
    losses.slice(run.losses.length).forEach(add);
    this.flush();
    if (ended && (run.complete || run.losses.length >= (this.target ?? 0))) this.target = undefined;
    await this.stretchEnded(run);
  }

  /** Takes a run back to before its steps with a wrong kernel. Training is still wanted: it goes on with another kernel. */
  private beginAgain(run: TrainingRun, { text }: UnusableKernel): void {
    this.freeRun();
    run.undo();
    this.host.tell('wentBack', { losses: Float32Array.from(run.losses) });
    const from = run.losses.length === 0 ? 'from its beginning' : `after step ${run.losses.length}`;
    this.host.tell('warning', { message: `${text} The run begins again ${from}.`, run: true });
  }

  private async between(event: TrainingEvent, signal: AbortSignal): Promise<void> {
    const due = performance.now() - this.storedAt > SAVE_MS;
    await this.host.hooks.between?.(event, signal);
    if (due) await this.store();
  }

  private async stretchEnded(run: TrainingRun): Promise<void> {
    // Report a pause before the final pictures: the user waits for it.
    if (run.complete) this.idlePhase = 'finished';
    else if (this.target === undefined) this.phase(this.idlePhase);
    else return;
    await this.host.hooks.rested?.(run.losses.length);
  }

  private failed(error: unknown, asked: boolean): void {
    if (asked) {
      // Training goes on.
      if (!this.isReported(error)) this.host.hooks.failed?.(error);
      return;
    }
    const { target } = this;
    this.target = undefined;
    if (target !== undefined && this.isStillLost(error)) void this.trainAfter(this.stillLost(), target);
    // A lost device held up what failed, until training was wanted again: it goes on with another.
    else if (this.idlePhase === 'lost' && this.isReported(error)) this.target = target;
    else this.host.failed(error);
  }

  private deviceLost(why: string): void {
    const { run, opening } = this;
    const target = opening ? undefined : this.target;
    // A run that is being opened waits for another device, and training waits for the run.
    if (!opening) this.target = undefined;
    this.tasks.interrupt();
    this.freeAll();
    run?.rewind();
    this.engine?.destroy();
    this.engine = undefined;
    this.idlePhase = 'lost';
    this.lostWhy = why;
    const attempt = this.recoverer.lost(Date.now());
    if (opening) opening.attempt = attempt;
    this.host.hooks.lost?.();
    this.tellLost(target !== undefined || opening ? attempt : undefined);
    if (target !== undefined) void this.trainAfter(attempt, target);
    if (!this.tasks.busy) this.phase('lost');
  }

  /** Whether an attempt to train got no device. The loss of a device that it got is reported already. */
  private isStillLost(error: unknown): boolean {
    const none = error instanceof EngineError && NO_DEVICE.includes(error.code);
    return none && this.idlePhase === 'lost' && !this.recovering;
  }

  /** Waits after a failed attempt to open a run. Returns true for another attempt. `lost`: the device was lost before this one, or the run is wanted for training. */
  private async isWorthAnotherTry(error: unknown, lost: boolean): Promise<boolean> {
    const code = error instanceof EngineError ? error.code : '';
    // The device was lost while the engine was created, when nothing listened yet.
    if (code === 'device-lost' && !this.engine && this.idlePhase !== 'lost')
      this.deviceLost((error as Error).message);
    const { attempt, givenUp } = this.opening!;
    this.opening!.attempt = undefined;
    if (givenUp) return false;
    if (attempt) return this.waits(attempt);
    return lost && this.isStillLost(error) && this.waits(this.stillLost());
  }

  private stillLost(): Attempt {
    const attempt = this.recoverer.failed(Date.now());
    this.tellLost(attempt, true);
    return attempt;
  }

  private tellLost(attempt: Attempt | undefined, again = false): void {
    const losses = Float32Array.from(this.run?.losses ?? []);
    this.host.tell('lost', {
      message: lostText(this.lostWhy, attempt),
      ...{ reason: this.lostWhy, step: losses.length, losses, again },
      ...{ recovers: attempt !== undefined, advice: attempt?.advice },
    });
  }

  /** Resolves to true when another device should be requested, to false if that is given up. */
  private waits({ wait }: Attempt, target?: number): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (tries: boolean) => {
        this.retry = undefined;
        resolve(tries);
      };
      this.retry = { timer: setTimeout(() => end(true), wait), target, end };
    });
  }

  private async trainAfter(attempt: Attempt, target: number): Promise<void> {
    if (await this.waits(attempt, target)) this.trainTo(target);
  }

  private freeRun(): void {
    if (this.run?.unet) this.freeUses(this.run.unet);
    this.run?.free();
  }
}

const LOSSES_MS = 100;

/** Collects losses and sends them a few times a second: a fast GPU takes hundreds of steps in that time. */
export class LossBatcher {
  private readonly tell: Tell<WorkerEvents>;
  private first = 0;
  private losses: number[] = [];
  private imagesPerSecond = 0;
  private sentAt = Number.NEGATIVE_INFINITY;

  constructor(tell: Tell<WorkerEvents>) {
    this.tell = tell;
  }

  /** `step` counts from 1; steps are consecutive. */
  add(step: number, loss: number, imagesPerSecond: number): void {
    if (this.losses.length === 0) this.first = step - 1;
    this.losses.push(loss);
    this.imagesPerSecond = imagesPerSecond;
    if (performance.now() - this.sentAt >= LOSSES_MS) this.flush();
  }

  flush(): void {
    if (this.losses.length === 0) return;
    const { first, imagesPerSecond } = this;
    this.sentAt = performance.now();
    this.tell('loss', { first, losses: Float32Array.from(this.losses), imagesPerSecond });
    this.losses = [];
  }
}
