/** The messages between a client and the worker that serves it, and the types of the client's methods. */
import { version } from '../../package.json';
import type { ByteContainer } from '../base/bytes';
import type { ErrorCode, Optional } from '../base/errors';
import type { Progress } from '../base/events';
import type { ImageSet } from '../data/idx';
import type { AdapterDescription } from '../gpu/adapter';
import type { StoredRun } from '../keeping/store';
import type { ScheduleOption } from '../plan/schedule';
import type { SampleOptions } from '../sampling/options';
import type { FitOptions, TrainerOptions } from '../training/options';
import type { UNetConfig } from '../unet/config';
import type { Sampling } from '../unet/sampling';
import type { Variants } from '../unet/variants';
import type { DataFingerprint } from '../weights/fingerprint';
import type { Model } from '../weights/model';
import type { RunSettings } from '../weights/run_fields';

/** The version of the messages: a page and a worker of two versions do not work together. */
export const VERSION = version;

const LIBRARY = 'webgpu-diffusion';

/** A message with the mark of this library. Messages without it are the app's own, or another library's, and pass by. */
export const marked = <Message extends Request | Answer>(message: Message) => ({
  ...message,
  library: LIBRARY,
});

/** Whether a message has that mark. */
export const isMarked = (message: unknown): boolean =>
  (message as { readonly library?: unknown } | null | undefined)?.library === LIBRARY;

/** The present activity of the worker. */
export type Phase =
  | 'starting'
  | 'loading'
  | 'idle'
  | 'compiling'
  | 'training'
  | 'pausing'
  | 'paused'
  | 'finished'
  | 'sampling'
  | 'lost'
  | 'failed';

/** The options of `begin`. A recipe fits: `begin(recipes.digits)`. */
export interface BeginOptions {
  /** The images to train on. Default: the worker's (`images` of `serve`). */
  readonly images?: ImageSet | undefined;
  /** The origin of the images, in words for people; checkpoints contain it. */
  readonly source?: string | undefined;
  /** The configuration of a new network, or a trained network of `loadModel` or `loadPretrained`. Default: the tutorial's network. */
  readonly network?: Optional<UNetConfig> | Model | undefined;
  /** For `createTrainer`. */
  readonly trainer?: TrainerOptions | undefined;
  /** For `fit`. Seed 0 also makes the new weights. */
  readonly fit: Omit<FitOptions, 'signal'>;
  /** Defaults of `sample`, which the network's files contain. Default: the file's, else the recipe's. */
  readonly sampling?: Sampling | undefined;
}

/** The options of `resume`: the run, and the data that its file lacks. */
export interface ResumeOptions {
  /** A checkpoint's bytes, or the id of a stored run. */
  readonly from: ByteContainer | string;
  /** The images to train on, the same as before. Default: the worker's (`images` of `serve`). */
  readonly images?: ImageSet | undefined;
  /** See BeginOptions. */
  readonly sampling?: Sampling | undefined;
}

/** The options of `adjust`: what may change while a run trains. Default of each: as it is. */
export interface RunChanges {
  /** The base rate, before the schedule; above 0, up to 10. */
  readonly learningRate?: number | undefined;
  /** Passes over the images in all, the completed ones included. */
  readonly epochs?: number | undefined;
  /** The step at which the run ends, if before its epochs do. */
  readonly maxSteps?: number | undefined;
  /** As in `TrainerOptions`. */
  readonly schedule?: ScheduleOption | undefined;
}

/** A run that is ready to train. */
export interface RunDescription {
  /** Completed steps. */
  readonly step: number;
  /** Their losses. */
  readonly losses: Float32Array;
  /** The settings at its start, with the present rate and end. */
  readonly settings: RunSettings;
  /** Images that it trains on. */
  readonly images: number;
  /** Their fingerprint, and the names of their classes. */
  readonly data: DataFingerprint;
  /** Steps of an epoch. */
  readonly stepsPerEpoch: number;
  /** Its network. */
  readonly network: UNetConfig;
  /** Number of its parameters. */
  readonly parameters: number;
  /** GPU memory of network, trainer and images. */
  readonly bytes: number;
  /** The kernel variants in use. */
  readonly variants: Variants;
  /** The adapter on which it trains. */
  readonly adapter: AdapterDescription;
}

/** The state of a run that rests. */
export interface RunState {
  /** Completed steps. */
  readonly step: number;
  /** Loss of the last step, before its update; undefined before the first. */
  readonly loss: number | undefined;
  /** Whether its epochs, or steps, are complete. */
  readonly complete: boolean;
}

/** The options of `sample` that go to the worker. Defaults: `BeginOptions.sampling`, or the sampling of the network's file. */
export interface SampleOrder extends Omit<Optional<SampleOptions>, 'signal' | 'onStep'> {
  /** Images, 1 to 65536. Default 64. */
  readonly count?: number | undefined;
  /** The run's network, or the one that `load` loaded. Default: the run's, if there is one. */
  readonly network?: 'run' | 'model' | undefined;
}

/** Sampled images. */
export interface Samples {
  /** [count][height][width][channels], 0 to 1. */
  readonly images: Float32Array<ArrayBuffer>;
  /** Number of images. */
  readonly count: number;
  /** Height of an image, in pixels. */
  readonly height: number;
  /** Width of an image, in pixels. */
  readonly width: number;
  /** Channels of an image. */
  readonly channels: number;
  /** The seed of their noise, given or drawn. */
  readonly seed: number;
}

/** The events that a worker sends unasked, by name. */
export interface WorkerEvents {
  /** Progress of compiling or measuring. */
  readonly progress: Progress;
  /** The worker's present activity; `training`: it trains as soon as other tasks are finished. */
  readonly phase: { readonly phase: Phase; readonly training: boolean };
  /** The losses of steps first + 1 …, several times a second; after a lost device some come again. */
  readonly loss: {
    readonly first: number;
    readonly losses: Float32Array;
    readonly imagesPerSecond: number;
  };
  /**
   * A problem that does not stop the work, in words for people; also an uncaught error in the worker. `run`: it concerns the run, for
   * instance the losses of a network that learns nothing.
   */
  readonly warning: { readonly message: string; readonly run: boolean };
  /** The run is on the GPU: at its start, and again on another device or with other kernels. */
  readonly built: RunDescription;
  /** The run is deleted, and its memory is free. */
  readonly freed: object;
  /** The run went back to an earlier step, with these losses. */
  readonly wentBack: { readonly losses: Float32Array };
  /**
   * The device was lost, and the run is back at `step`. The event comes `again` while the browser gives no other device, and
   * when `pause` ends the wait for one.
   */
  readonly lost: {
    /** A message for people. */
    readonly message: string;
    /** The browser's message. */
    readonly reason: string;
    readonly step: number;
    /** The losses of these steps. */
    readonly losses: Float32Array;
    /** Whether training goes on by itself. */
    readonly recovers: boolean;
    /** The remedy: a reload of the page or a restart of the browser. */
    readonly advice: 'reload' | 'restart' | undefined;
    readonly again: boolean;
  };
  /** There is another device. Training goes on from `step`. */
  readonly recovered: { readonly step: number };
  /** The run is stored in the browser up to this step; `resume({ from: id })` goes on with it, later or in another tab. */
  readonly stored: { readonly step: number; readonly id: string };
  /** The run cannot be stored, with the reason for people. Training goes on. */
  readonly notStored: { readonly message: string };
  /** The stored runs except this one, after a call of `runs` and after each change. */
  readonly runs: readonly StoredRun[];
  /** The worker's program could not be loaded, answers no more, or is of another version than the page. All calls reject. */
  readonly stopped: { readonly message: string };
}

/** Sends one of these events. */
export type Tell<Events> = <Name extends keyof Events & string>(
  name: Name,
  value: Events[Name],
  transfer?: Transferable[],
) => void;

/** The calls that a worker answers, as functions. */
export interface Calls {
  begin(options: BeginOptions): RunDescription;
  resume(options: ResumeOptions): RunDescription;
  start(options: { readonly epochs?: number | undefined }): RunState;
  step(count: number): RunState;
  pause(): RunState;
  goBack(): RunState;
  reset(): undefined;
  putAside(): undefined;
  adjust(changes: RunChanges): undefined;
  load(model: Model | ByteContainer): UNetConfig;
  sample(order: SampleOrder, events: { readonly steps: boolean; readonly frames: boolean }): Samples;
  save(what: 'model' | 'checkpoint'): Uint8Array<ArrayBuffer>;
  runs(): undefined;
  discard(id: string): undefined;
}

export type CallName = keyof Calls;

/** Asks whether the worker listens. Without a mark and the same in all versions, so that each understands it. */
export const HELLO = { type: 'hello' };

/** The worker listens: the answer to each `HELLO`, also sent unasked at its start. As `HELLO`, the same in all versions. */
export const READY = { type: 'ready', version: VERSION };

/** Messages of the client, marked. */
export type Request =
  /** One of `Calls`, or a custom call with one argument. */
  | {
      readonly type: 'call' | 'custom';
      readonly id: number;
      readonly call: string;
      readonly args: readonly unknown[];
    }
  /** The client no longer waits for this call. */
  | { readonly type: 'abort'; readonly id: number }
  /** An answer could not be read. `ids`: the calls that the client still waits for. */
  | { readonly type: 'unread'; readonly ids: readonly number[] }
  /** The page has destroyed its client of a port, or is gone. */
  | { readonly type: 'end' };

/** An error in a message. An EngineError has a code. */
export interface CrossedError {
  readonly name: string;
  readonly message: string;
  readonly code?: ErrorCode;
}

/** Messages of the worker, marked. */
export type Answer =
  | { readonly type: 'done'; readonly id: number; readonly value: unknown }
  | { readonly type: 'failed'; readonly id: number; readonly error: CrossedError }
  /** Progress of a sampling run. */
  | { readonly type: 'steps'; readonly id: number; readonly done: number }
  | { readonly type: 'frame'; readonly id: number; readonly frame: unknown }
  /** One of `WorkerEvents`, or a custom event. */
  | { readonly type: 'event'; readonly name: string; readonly value: unknown };
