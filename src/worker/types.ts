/** The types of a session's calls and events. */
import type { Abortable } from '../base/abort';
import type { ByteContainer } from '../base/bytes';
import type { Optional } from '../base/errors';
import type { Progress } from '../base/events';
import type { ImageSet } from '../data/idx';
import type { EngineOptions } from '../engine';
import type { AdapterDescription } from '../gpu/adapter';
import type { StoredRun } from '../keeping/store';
import type { ScheduleOption } from '../plan/schedule';
import type { SampleEvent, SampleOptions } from '../sampling/options';
import type { FitOptions, TrainerOptions } from '../training/options';
import type { UNetConfig } from '../unet/config';
import type { Sampling } from '../unet/sampling';
import type { Variants } from '../unet/variants';
import type { DataFingerprint } from '../weights/fingerprint';
import type { Model } from '../weights/model';
import type { RunSettings } from '../weights/run_fields';

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

type SessionEngineOptions = Omit<EngineOptions, 'device' | 'onProgress' | 'onWarning'>;

/** Options of `createSession`. */
export interface SessionOptions {
  /** Returns the images for runs that are begun without images. Called once, when they are needed. */
  readonly images?: (() => ImageSet | Promise<ImageSet>) | undefined;
  /** Whether to store the run in the browser's private file system, so that it can go on after a reload or a crash. Default true. */
  readonly store?: boolean | undefined;
  /**
   * Options of `createEngine`, or a function that returns them, which is called for each new engine. Submissions take 12 ms by default, so
   * that the page stays smooth.
   */
  readonly engine?: SessionEngineOptions | (() => SessionEngineOptions) | undefined;
}

/** The options of `begin`. A recipe fits: `begin(recipes.digits)`. */
export interface BeginOptions {
  /** The images to train on. Default: the worker's (`images` of `createSession`). */
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
  /** The images to train on, the same as before. Default: the worker's (`images` of `createSession`). */
  readonly images?: ImageSet | undefined;
  /** See BeginOptions. */
  readonly sampling?: Sampling | undefined;
}

/** The options of `adjust`: what may change while a run trains. Default of each: as it is. */
export interface RunChanges extends Optional<Pick<RunSettings, 'learningRate' | 'epochs' | 'maxSteps'>> {
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

/** The options of `train`. */
export interface TrainOrder extends Abortable {
  /** Steps to make. Default: to the end of the run. */
  readonly steps?: number | undefined;
}

/** What to sample. Defaults: `BeginOptions.sampling`, or the sampling of the network's file. */
export interface SampleOrder extends Omit<Optional<SampleOptions>, 'signal' | 'onStep'> {
  /** Images, 1 to 65536. Default 64. */
  readonly count?: number | undefined;
  /** The run's network, or the one that `load` loaded. Default: the run's, if there is one. */
  readonly network?: 'run' | 'model' | undefined;
}

/** The options of a call of `sample`. */
export interface SampleCallOptions extends Abortable {
  /** Called with the number of completed steps. */
  readonly onStep?: ((done: number) => void) | undefined;
  /** Called with every step's images. It takes more time than `onStep`. */
  readonly onFrame?: ((frame: SampleEvent) => void) | undefined;
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

/** The events of a session, by name. */
export interface SessionEvents {
  /** Progress of compiling or measuring. */
  readonly progress: Progress;
  /** The present activity; `training`: it trains as soon as other tasks are finished. */
  readonly phase: { readonly phase: Phase; readonly training: boolean };
  /**
   * A problem that does not stop the work, in words for people; also an uncaught error in the worker. `run`: it concerns the run, for
   * instance the losses of a network that learns nothing.
   */
  readonly warning: { readonly message: string; readonly run: boolean };
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
    /** Whether a run goes on by itself. */
    readonly recovers: boolean;
    /** The remedy: a reload of the page or a restart of the browser. */
    readonly advice: 'reload' | 'restart' | undefined;
    readonly again: boolean;
  };
  /** There is another device. The run goes on from `step`. */
  readonly recovered: { readonly step: number };
  /** The run is stored in the browser up to this step; `resume({ from: id })` goes on with it, later or in another tab. */
  readonly stored: { readonly step: number; readonly id: string };
  /** The run cannot be stored, with the reason for people. Training goes on. */
  readonly notStored: { readonly message: string };
  /** The stored runs except this one, after a call of `runs` and after each change. */
  readonly runs: { readonly runs: readonly StoredRun[] };
  /** The worker's program could not be loaded, answers no more, or is of another version than the page. All calls reject. */
  readonly stopped: { readonly message: string };
}
