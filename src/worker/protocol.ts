/** The messages between a client and the worker that serves it, and the types of the client's methods. */
import { version } from '../../package.json';
import type { ByteContainer } from '../base/bytes';
import type { ErrorCode, Optional } from '../base/errors';
import type { Progress } from '../base/events';
import type { ImageSet } from '../data/idx';
import type { AdapterDescription } from '../gpu/adapter';
import type { StoredRun } from '../keeping/store';
import type { SampleOptions } from '../sampling/options';
import type { FitOptions, TrainerOptions } from '../training/options';
import type { UNetConfig } from '../unet/config';
import type { Sampling } from '../unet/sampling';
import type { Variants } from '../unet/variants';
import type { RunSettings } from '../weights/fields';
import type { Model } from '../weights/model';

/** Of the messages: a page and a worker of two versions do not talk. */
export const VERSION = version;

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
  /** The images to train on. Default: those that the worker's own `images` gives. */
  readonly images?: ImageSet | undefined;
  /** The origin of the images, in words for people; the checkpoints have it, too. */
  readonly source?: string | undefined;
  /** A network with new weights, or one that is trained already, as `loadModel` and `loadPretrained` give it. Default: the tutorial's. */
  readonly network?: Optional<UNetConfig> | Model | undefined;
  /** For `createTrainer`. */
  readonly trainer?: TrainerOptions | undefined;
  /** For `fit`. Seed 0 also makes the new weights. */
  readonly fit: Omit<FitOptions, 'signal'>;
  /** How the network is sampled: the defaults of `sample`, which its files keep. Default: as its file says, else as its recipe does. */
  readonly sampling?: Sampling | undefined;
}

/** The options of `resume`: the run, and what its file does not hold. */
export interface ResumeOptions {
  /** A checkpoint's bytes, or the id of a run that the browser keeps. */
  readonly from: ByteContainer | string;
  /** The images to train on, the same as before. Default: those that the worker's own `images` gives. */
  readonly images?: ImageSet | undefined;
  /** See BeginOptions. */
  readonly sampling?: Sampling | undefined;
}

/** A run that is ready to train. */
export interface RunDescription {
  /** Completed steps. */
  readonly step: number;
  /** Their losses. */
  readonly losses: Float32Array;
  /** The settings that it began with, but the present rate and number of epochs. */
  readonly settings: RunSettings;
  /** Images that it trains on. */
  readonly images: number;
  /** Steps of an epoch. */
  readonly stepsPerEpoch: number;
  /** Its network. */
  readonly network: UNetConfig;
  /** Number of its parameters. */
  readonly parameters: number;
  /** GPU memory of network, trainer and images. */
  readonly bytes: number;
  /** The kernels that were chosen. */
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

/** The options of `sample` that go to the worker. How the network is sampled (`BeginOptions.sampling`, or as its file says) is the default. */
export interface SampleOrder extends Omit<Optional<SampleOptions>, 'signal' | 'onStep'> {
  /** Images, 1 to 65536. Default 64. */
  readonly count?: number | undefined;
  /** The run's network, or that of `load`. Default: the run's, if there is one. */
  readonly network?: 'run' | 'model' | undefined;
}

/** Images that a network made. */
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
}

/** The events that a worker sends unasked, by name. */
export interface WorkerEvents {
  /** How far compiling or measuring is. */
  readonly progress: Progress;
  /** The worker's present activity; `training`: it trains as soon as what else is done is finished. */
  readonly phase: { readonly phase: Phase; readonly training: boolean };
  /** The losses of steps first + 1 …, several times a second; after a lost device some come again. */
  readonly loss: {
    readonly first: number;
    readonly losses: Float32Array;
    readonly imagesPerSecond: number;
  };
  /** A fault that can be lived with, in words for people. `run`: it is the run's, such as losses of a network that learns nothing. */
  readonly warning: { readonly message: string; readonly run: boolean };
  /** The run is on the GPU: when it begins, and anew when it needs another device or other kernels. */
  readonly built: RunDescription;
  /** The run is gone, and its memory is free. */
  readonly freed: object;
  /** The run is as it was after these steps. */
  readonly wentBack: { readonly losses: Float32Array };
  /** The device was lost, and the run is as it was after `step` steps. It comes `again` while the browser gives no other device. */
  readonly lost: {
    /** In words for people. */
    readonly message: string;
    /** The browser's own words. */
    readonly reason: string;
    readonly step: number;
    /** The losses of these steps. */
    readonly losses: Float32Array;
    /** Whether training goes on by itself. */
    readonly recovers: boolean;
    /** What people can do about it. */
    readonly advice: 'reload' | 'restart' | undefined;
    readonly again: boolean;
  };
  /** There is another device. What trained goes on from `step`. */
  readonly recovered: { readonly step: number };
  /** The browser keeps the run up to this step; `resume({ from: id })` goes on with it, later or elsewhere. */
  readonly stored: { readonly step: number; readonly id: string };
  /** It does not, in words for people. Training goes on. */
  readonly notStored: { readonly message: string };
  /** The runs that the browser keeps beside this one, after `runs` and whenever they change. */
  readonly runs: readonly StoredRun[];
  /** The worker's program has ended, or is of another version than the page. All calls reject. */
  readonly stopped: { readonly message: string };
}

/** Sends an event of these. */
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
  setLearningRate(rate: number): undefined;
  load(model: Model | ByteContainer): UNetConfig;
  sample(order: SampleOrder, events: { readonly steps: boolean; readonly frames: boolean }): Samples;
  save(what: 'model' | 'checkpoint'): Uint8Array<ArrayBuffer>;
  runs(): undefined;
  discard(id: string): undefined;
}

export type CallName = keyof Calls;

/** From the client. */
export type Request =
  /** Asks whether the worker listens. */
  | { readonly type: 'hello' }
  /** One of Calls, or of the host's own, with one argument. */
  | {
      readonly type: 'call' | 'custom';
      readonly id: number;
      readonly call: string;
      readonly args: readonly unknown[];
    }
  /** The client no longer waits for this call. */
  | { readonly type: 'abort'; readonly id: number };

/** An error, as it crosses: a program knows an EngineError by its code. */
export interface CrossedError {
  readonly name: string;
  readonly message: string;
  readonly code?: ErrorCode;
}

/** From the worker. */
export type Answer =
  /** It listens: to the first hello, and without one when it begins to. Workers up to 0.2.0 say no version. */
  | { readonly type: 'ready'; readonly version?: string }
  | { readonly type: 'done'; readonly id: number; readonly value: unknown }
  | { readonly type: 'failed'; readonly id: number; readonly error: CrossedError }
  /** Of a sampling run. */
  | { readonly type: 'steps'; readonly id: number; readonly done: number }
  | { readonly type: 'frame'; readonly id: number; readonly frame: unknown }
  /** One of WorkerEvents, or of the host's own. */
  | { readonly type: 'event'; readonly name: string; readonly value: unknown };
