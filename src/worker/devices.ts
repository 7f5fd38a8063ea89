/** The device of a session: the engine on it, and another one where it is lost. */
import { EngineError } from '../base/errors';
import type { createEngine, Engine, EngineOptions } from '../engine';
import { lostText } from '../keeping/lost_text';
import { type Attempt, Recoverer } from '../keeping/recoverer';
import { PAUSED, type TurnKind, type Turns } from './turns';
import type { Phase, SessionEvents } from './types';

/** Longest time of a submission, in milliseconds: the page stays smooth. */
const SUBMIT_MS = 12;
/** Device errors after which another attempt may get one. */
const NO_DEVICE = ['no-adapter', 'device-lost', 'limit'];

export type SessionEngineOptions = Omit<EngineOptions, 'device' | 'onProgress' | 'onWarning'>;

/** What they need of their session. */
interface Owner {
  readonly turns: Turns;
  readonly options: {
    readonly engine?: SessionEngineOptions | (() => SessionEngineOptions) | undefined;
  };
  readonly run: { readonly losses: readonly number[]; rewind(): void } | undefined;
  readonly stretch: { readonly goesOn: boolean } | undefined;
  parts(): Promise<{ readonly createEngine: typeof createEngine }>;
  freeAll(): void;
  phase: Phase;
  tell<Name extends keyof SessionEvents>(name: Name, value: SessionEvents[Name]): void;
}

export class Devices {
  engine: Engine | undefined;
  /** Whether the last device was lost, and there is no other yet. */
  isLost = false;
  /** May be replaced by one that knows earlier losses of devices. */
  recoverer = new Recoverer();
  private readonly session: Owner;
  private why = '';
  /** What to do about the last lost device, until somebody waits for another. */
  private attempt: Attempt | undefined;
  /** Calls that wait for another device where theirs is lost. */
  private waiters = 0;

  constructor(session: Owner) {
    this.session = session;
  }

  /** The engine; a new one if the last device was lost. */
  async get(): Promise<Engine> {
    if (this.engine) return this.engine;
    const { session } = this;
    const { createEngine } = await session.parts();
    const { engine: options } = session.options;
    const engine = await createEngine({
      maxSubmitMilliseconds: SUBMIT_MS,
      ...(typeof options === 'function' ? options() : options),
      onProgress: (progress) => session.tell('progress', progress),
      onWarning: ({ message }) => session.tell('warning', { message, run: false }),
    });
    this.engine = engine;
    if (this.isLost) {
      this.isLost = false;
      this.attempt = undefined;
      session.tell('recovered', { step: session.run?.losses.length ?? 0 });
    }
    void engine.gpu.lost.then(({ reason, message }) => {
      if (this.engine === engine && reason !== 'destroyed') this.lost(message);
    });
    return engine;
  }

  /**
   * Does `work` in a turn, again with another device where the first is lost meanwhile, or was lost before. Where `end` aborts the wait for
   * one, rejects with its reason, or after a pause with the error of the device.
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
        return await this.session.turns.take(kind, work, { signal: end });
      } catch (error) {
        if (!this.isOfLost(error)) throw error;
        failure = error;
        this.attempt ??= this.stillLost();
      } finally {
        this.waiters--;
      }
    }
  }

  /** Whether the event `lost` has reported this error already. */
  isReported(error: unknown): boolean {
    const code = error instanceof EngineError ? error.code : undefined;
    return (code === 'device-lost' || code === 'destroyed') && !this.engine;
  }

  destroy(): void {
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
    const { session } = this;
    this.why = why;
    this.isLost = true;
    session.turns.endAll(new EngineError('device-lost', lostText(why, undefined)));
    session.freeAll();
    session.run?.rewind();
    this.destroy();
    this.attempt = this.recoverer.lost(Date.now());
    const goesOn = this.waiters > 0 || session.stretch?.goesOn;
    this.tellLost(goesOn ? this.attempt : undefined);
    if (!session.turns.doing && !goesOn) session.phase = 'lost';
  }

  private stillLost(): Attempt {
    const attempt = this.recoverer.failed(Date.now());
    this.tellLost(attempt, true);
    return attempt;
  }

  private tellLost(attempt: Attempt | undefined, again = false): void {
    const losses = Float32Array.from(this.session.run?.losses ?? []);
    this.session.tell('lost', {
      message: lostText(this.why, attempt),
      ...{ reason: this.why, step: losses.length, losses, again },
      ...{ recovers: attempt !== undefined, advice: attempt?.advice },
    });
  }

  /** Resolves to true when another device should be requested, to false when `end` aborts. */
  private waits({ wait }: Attempt, end: AbortSignal): Promise<boolean> {
    this.session.phase = 'lost';
    return new Promise((resolve) => {
      const over = (tries: boolean) => {
        clearTimeout(timer);
        end.removeEventListener('abort', abort);
        resolve(tries);
      };
      const abort = () => over(false);
      const timer = setTimeout(over, wait, true);
      end.addEventListener('abort', abort);
      if (end.aborted) abort();
    });
  }
}
