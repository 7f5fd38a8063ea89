/** The options of `serve`, and what a host's own calls are given. */
import type { ImageSet } from '../data/idx';
import type { Engine, EngineOptions } from '../engine';
import type { Trainer } from '../training/trainer';
import type { UNet } from '../unet/unet';
import type { SessionHooks, TrainingSession } from './session';

/** What a call of the host's own has beside its arguments. */
export interface CallContext {
  /** Aborted when the client waits for the call no more. */
  readonly signal: AbortSignal;
  /** Sends an event of the host's own: `client.on(name, …)` hears it. `transfer`: memory to hand over instead of copying it. */
  tell(name: string, value?: unknown, transfer?: Transferable[]): void;
  /** Does `work` as soon as what is under way has stopped, training between two steps; training goes on afterwards. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
  /** The worker's engine; another one after its device was lost. Ask for it in turn. */
  engine(): Promise<Engine>;
  /** The run's network, undefined without a run. Ask for it in turn, and leave it where it is: the run destroys it. */
  network(): Promise<UNet | undefined>;
  /** The run's trainer, undefined without a run on the GPU. Ask for it in turn, and leave it as it is. */
  trainer(): Trainer | undefined;
}

/** Calls of the host's own, by name: `client.call(name, args)` resolves to what they return, or rejects with what they throw. */
export type HostCalls = Readonly<Record<string, (args: never, context: CallContext) => unknown>>;

/** Options of `serve`. */
export interface ServeOptions {
  /** The images of runs that come without: called once, when they are needed. */
  readonly images?: (() => ImageSet | Promise<ImageSet>) | undefined;
  /**
   * Whether the browser is to keep the run, in its own file system, so that it can be gone on with after a reload or a crash. Default true.
   */
  readonly store?: boolean | undefined;
  /** For `createEngine`, whenever there is to be a device. Submissions are 12 ms long by default, so that the page stays smooth. */
  readonly engine?: Omit<EngineOptions, 'device' | 'onProgress' | 'onWarning'> | undefined;
  /** What the worker can do beside. A call runs at once, or what it does `inTurn`. */
  readonly calls?: HostCalls | undefined;
  /** @internal The harness page has its part in the session itself. */
  readonly host?: ((session: TrainingSession, tell: CallContext['tell']) => Host) | undefined;
}

/** @internal What such a host does: between steps, before networks go, … */
export interface Host extends SessionHooks {
  readonly calls?: HostCalls;
}
