/** The options of `serve`, and the context of custom calls. */
import type { ImageSet } from '../data/idx';
import type { Engine, EngineOptions } from '../engine';
import type { Trainer } from '../training/trainer';
import type { UNet } from '../unet/unet';
import type { Model } from '../weights/model';
import type { NewRun, TrainingRun } from './run';
import type { SessionHooks, TrainingSession } from './session';

/** The second argument of a custom call. */
export interface CallContext {
  /** Aborts when the client no longer waits for the call. */
  readonly signal: AbortSignal;
  /** Sends a custom event to `client.on(name, …)`. `transfer`: memory to transfer instead of copying it. */
  tell(name: string, value?: unknown, transfer?: Transferable[]): void;
  /** Runs `work` when the present task has stopped, training between two steps; training goes on afterwards. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
  /** The worker's engine; another one after its device was lost. Ask for it in turn. */
  engine(): Promise<Engine>;
  /** The run's network, undefined without a run. Ask for it in turn, and leave it where it is: the run destroys it. */
  network(): Promise<UNet | undefined>;
  /** The run's trainer, undefined without a run on the GPU. Ask for it in turn, and leave it as it is. */
  trainer(): Trainer | undefined;
}

/** Custom calls by name: `client.call(name, args)` resolves to their result, or rejects with their error. */
export type HostCalls = Readonly<Record<string, (args: never, context: CallContext) => unknown>>;

/** Options of `serve`. */
export interface ServeOptions {
  /** Returns the images for runs that are begun without images. Called once, when they are needed. */
  readonly images?: (() => ImageSet | Promise<ImageSet>) | undefined;
  /**
   * Whether to store the run in the browser's private file system, so that it can go on after a reload or a crash. Default true.
   */
  readonly store?: boolean | undefined;
  /** Options of `createEngine`. Submissions take 12 ms by default, so that the page stays smooth. */
  readonly engine?: Omit<EngineOptions, 'device' | 'onProgress' | 'onWarning'> | undefined;
  /** Custom calls. A call runs at once; its work within `inTurn` waits for its turn. */
  readonly calls?: HostCalls | undefined;
  /** @internal The harness page has its part in the session itself. */
  readonly host?: ((session: TrainingSession, tell: CallContext['tell']) => Host) | undefined;
}

/** @internal The part of such a host: what runs are made of, between steps, before networks are destroyed, … */
export interface Host extends SessionHooks {
  readonly calls?: HostCalls;
  /**
   * Returns the run of a `begin`, whose options are the host's own. Where there is this function, events say what becomes of a run, and
   * `start`, `step` and `pause` wait for nothing.
   */
  newRun?(): Promise<NewRun>;
  /** Returns the run of a `resume`. `id`: the browser keeps it under this name. */
  oldRun?(checkpoint: Uint8Array<ArrayBuffer>, id: string | undefined): Promise<TrainingRun>;
  /** Returns the network that a `sample` names. Its images then give way to what is asked for later. */
  network?(name: string | undefined): Promise<UNet>;
  /** Called when a `load` has loaded its network. */
  loaded?(model: Model): void;
  /** Called when a run that goes on is on the device. */
  resumed?(): Promise<void>;
  /** Called when the client's `reset` or `putAside` comes, before its turn. */
  leaving?(): void;
}
