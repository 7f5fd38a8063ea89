/** What the calls of a session work with: its run, its turns, its events, and its device: another one where it is lost. */
import { unlessAborted } from '../base/abort';
import { argumentError, EngineError } from '../base/errors';
import { Listeners } from '../base/listeners';
import { loaded, once } from '../base/load';
import { passes } from '../base/time';
import type { Engine } from '../engine';
import { type Attempt, lostText, Recoverer } from '../keeping/recoverer';
import type { Trainer } from '../training/trainer';
import type { TrainingRun } from './run';
import type { SamplerCache } from './samplers';
import type { StoredRuns } from './stored_runs';
import { PAUSED, type TurnKind, Turns } from './turns';
import type { Phase, SessionEvents, SessionOptions } from './types';

/** Longest time of a submission, in milliseconds: the page stays smooth. */
const SUBMIT_MS = 12;
/** Device errors after which another attempt may get one. */
const NO_DEVICE = ['no-adapter', 'device-lost', 'limit'];

export class SessionCore {
  /** The run, if there is one. It is the session's: read it, and leave it as it is. */
  run: TrainingRun | undefined;
  /** @internal */
  readonly options: SessionOptions;
  /** @internal */
  readonly turns = new Turns({
    idle: async () => this.engine?.idle,
    rest: () => (this.phase = this.resting),
  });
  /** Networks to sample from and their samplers; there from the first call on. @internal */
  samplers!: SamplerCache;
  /** @internal */
  stored!: StoredRuns;
  /** @internal */
  readonly parts = once(async () => {
    const parts = await loaded(import('./parts'));
    this.stored = new parts.StoredRuns((name, value) => this.tell(name, value));
    this.samplers = new parts.SamplerCache();
    return parts;
  });
  /** Ends the opening of a run, which is under way. @internal */
  opening: AbortController | undefined;
  /** The training under way. @internal */
  stretch: { readonly goesOn: boolean } | undefined;
  /** The activity to report while it rests without a run. @internal */
  idlePhase: Phase = 'idle';
  private present: SessionEvents['phase'] | undefined;
  private readonly listeners = new Listeners();
  /** When the last copy was made, from performance.now(). @internal */
  storedAt = 0;

  /** The engine on the device, if there is one. @internal */
  engine: Engine | undefined;
  /** Whether the last device was lost, and there is no other yet. @internal */
  isLost = false;
  /** May be replaced by one that knows earlier losses of devices. @internal */
  recoverer = new Recoverer();
  private why = '';
  /** What to do about the last lost device, until somebody waits for another. */
  private attempt: Attempt | undefined;
  /** Calls that wait for another device where theirs is lost. */
  private waiters = 0;

  /** @internal */
  constructor(options: SessionOptions) {
    this.options = options;
  }

  // ---------------------------------------------------------------- events

  /** Calls `listener` with each event of this name. Returns a function that ends that. */
  on<Name extends keyof SessionEvents>(
    name: Name,
    listener: (value: SessionEvents[Name]) => void,
  ): () => void {
    return this.listeners.on(name, listener);
  }

  /** @internal */
  tell<Name extends keyof SessionEvents>(name: Name, value: SessionEvents[Name]): void {
    this.listeners.tell(name, value);
  }

  /** The activity while nothing is done. @internal */
  get resting(): Phase {
    if (this.isLost) return 'lost';
    if (!this.run || this.opening) return this.idlePhase;
    return this.run.complete ? 'finished' : 'paused';
  }

  /** The present activity. */
  get phase(): Phase {
    return this.present?.phase ?? this.resting;
  }

  set phase(phase: Phase) {
    const { phase: before, training: trained } = this.present ?? {};
    const training = this.stretch?.goesOn ?? false;
    if (phase === before && training === trained) return;
    this.present = { phase, training };
    this.tell('phase', this.present);
  }

  // ---------------------------------------------------------------- the device

  /** The session's engine; a new one if the last device was lost. @internal */
  async device(): Promise<Engine> {
    if (this.engine) return this.engine;
    const { createEngine } = await this.parts();
    const { engine: options } = this.options;
    const engine = await createEngine({
      maxSubmitMilliseconds: SUBMIT_MS,
      ...(typeof options === 'function' ? options() : options),
      onProgress: (progress) => this.tell('progress', progress),
      onWarning: ({ message }) => this.tell('warning', { message, run: false }),
    });
    this.engine = engine;
    if (this.isLost) {
      this.isLost = false;
      this.attempt = undefined;
      this.tell('recovered', { step: this.run?.losses.length ?? 0 });
    }
    void engine.gpu.lost.then(({ reason, message }) => {
      if (this.engine === engine && reason !== 'destroyed') this.lost(message);
    });
    return engine;
  }

  /**
   * Does `work` in a turn, again with another device where the first is lost meanwhile, or was lost before. Where `end` aborts the wait for
   * one, rejects with its reason, or after a pause with the error of the device. @internal
   */
  async during<T>(kind: TurnKind, work: () => Promise<T>, end: AbortSignal): Promise<T> {
    let failure: unknown;
    for (;;) {
      const { attempt } = this;
      this.attempt = undefined;
      if (attempt && !(await this.waits(attempt, end))) {
        this.tellLost(undefined, true);
        if (end.reason !== PAUSED) throw end.reason;
        throw failure ?? new EngineError('device-lost', lostText(this.why, undefined));
      }
      this.waiters++;
      try {
        return await this.turns.take(kind, work, { signal: end });
      } catch (error) {
        if (!this.isOfLost(error)) throw error;
        failure = error;
        this.attempt ??= this.stillLost();
      } finally {
        this.waiters--;
      }
    }
  }

  /** Whether the event `lost` has reported this error already. @internal */
  isReported(error: unknown): boolean {
    const code = error instanceof EngineError ? error.code : undefined;
    return (code === 'device-lost' || code === 'destroyed') && !this.engine;
  }

  /** @internal */
  freeDevice(): void {
    this.engine?.destroy();
    this.engine = undefined;
  }

  /** Whether an error comes of a lost device, or says that there is no other one yet. */
  private isOfLost(error: unknown): boolean {
    const code = error instanceof EngineError ? error.code : '';
    // The device was lost while the engine was created, when nothing listened yet.
    if (code === 'device-lost' && !this.engine && !this.isLost) this.lost((error as Error).message);
    return this.isLost && (NO_DEVICE.includes(code) || this.isReported(error));
  }

  private lost(why: string): void {
    this.why = why;
    this.isLost = true;
    this.turns.endAll(new EngineError('device-lost', lostText(why, undefined)));
    this.freeAll();
    this.run?.rewind();
    this.freeDevice();
    this.attempt = this.recoverer.lost(Date.now());
    const goesOn = this.waiters > 0 || this.stretch?.goesOn;
    this.tellLost(goesOn ? this.attempt : undefined);
    if (!this.turns.doing && !goesOn) this.phase = 'lost';
  }

  private stillLost(): Attempt {
    const attempt = this.recoverer.failed(Date.now());
    this.tellLost(attempt, true);
    return attempt;
  }

  private tellLost(attempt: Attempt | undefined, again = false): void {
    const losses = Float32Array.from(this.run?.losses ?? []);
    this.tell('lost', {
      message: lostText(this.why, attempt),
      reason: this.why,
      step: losses.length,
      losses,
      again,
      recovers: attempt !== undefined,
      advice: attempt?.advice,
    });
  }

  /** Resolves to true when another device should be requested, to false when `end` aborts. */
  private waits({ wait }: Attempt, end: AbortSignal): Promise<boolean> {
    this.phase = 'lost';
    return passes(wait, unlessAborted(end, new Promise(() => {})));
  }

  // ---------------------------------------------------------------- the run

  /** @internal */
  needRun(): TrainingRun {
    if (this.run) return this.run;
    throw argumentError('This worker has no run. Make one with begin or resume first.');
  }

  /** Builds the run and returns its trainer. Call this in a turn. @internal */
  async build(): Promise<Trainer> {
    const run = this.run!;
    if (run.trainer) return run.trainer;
    this.phase = 'compiling';
    try {
      await run.build(await this.device());
      const { otherKernels } = run;
      if (otherKernels) this.tell('warning', { message: `The run goes on ${otherKernels}`, run: true });
    } catch (error) {
      // It can be built again, from its last copy or its beginning.
      this.freeRun();
      throw error;
    }
    this.storedAt = performance.now();
    return run.trainer!;
  }

  /** Copies the run to the host, and from there to the browser's storage. Returns all losses. Call this in a turn. @internal */
  async store(): Promise<Float32Array> {
    const run = this.run!;
    const losses = await run.takeCheckpoint();
    this.storedAt = performance.now();
    if (this.stores) this.stored.save(run.checkpoint!, losses.length);
    return losses;
  }

  /** Frees the memory of the run, and of its samplers. @internal */
  freeRun(): void {
    const { run } = this;
    if (run?.unet) this.samplers.free(run.unet);
    run?.free();
  }

  /** Destroys everything on the device; the run's data stays, and `build` builds it anew from its last copy. @internal */
  freeAll(): void {
    this.samplers?.free();
    this.run?.free();
  }

  /** @internal */
  get stores(): boolean {
    return this.options.store ?? true;
  }
}
