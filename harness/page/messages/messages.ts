/** Messages between the page and its training worker. Images are bytes, 0 to 255, one image after the other. */
import type { AdapterDescription, ErrorCode } from '../../../src';
import type { Sampling } from '../../../src/unet/sampling';
import type { Phase, RunDescription, SessionEvents } from '../../../src/worker';
import type { Classes } from '../../pictures/class_names';
import type { MadeImages } from '../../pictures/small_pictures';
import type { Plan } from '../../run/plan';
import type { Measurement, NearestFound } from './measurements';
import type { FieldPlace } from './noise_field';
import type {
  Beginning,
  CheckpointSettings,
  FlowMethod,
  ImageSize,
  NetworkSource,
  PageRecipe,
  Settings,
} from './settings';

export type { Phase } from '../../../src/worker';

/** An order of samples. An unconditional network ignores the classes, one that does not follow a flow the method. */
export interface Order extends Pick<Settings, 'steps' | 'count' | 'seed' | 'digit' | 'text' | 'guidance'> {
  /** `instant`: the distilled network that comes with the page. */
  readonly source: NetworkSource | 'instant';
  /** A place between the noise of the seed and the noise of the next three seeds. */
  readonly place: FieldPlace;
  /** The classes that the text orders, one for each image, in place of `digit`. */
  readonly labels?: readonly number[] | undefined;
  readonly method: FlowMethod;
}

/** A question about a drawing. The class 'all' means no particular class. Pixels from 0 to 1, [height][width]. */
export type DrawOrder = {
  readonly source: NetworkSource;
  readonly image: Float32Array<ArrayBuffer>;
  readonly seed: number;
} & (
  | (SampledDrawing & { readonly ask: 'denoise'; readonly level: number })
  /** `mask`: 1 where the network fills in, else 0. */
  | (SampledDrawing & { readonly ask: 'fill'; readonly mask: Float32Array<ArrayBuffer> })
  | { readonly ask: 'classify' }
);

/** `rough`: in few steps, soon to be refined. Other requests interrupt an answer that is not. */
type SampledDrawing = Pick<Order, 'digit' | 'guidance'> & { readonly rough: boolean };

export type DrawAnswer =
  | { readonly ask: 'denoise' | 'fill'; readonly images: Uint8Array<ArrayBuffer> }
  /** The network's loss given each class; the class with the smallest loss fits best. */
  | { readonly ask: 'classify'; readonly losses: Float32Array<ArrayBuffer> };

export interface Example {
  readonly image: Uint8Array<ArrayBuffer>;
  readonly label: number | undefined;
}

export interface DataDescription extends ImageSize, Omit<MadeImages, 'images' | 'notes'>, Partial<Classes> {
  readonly name: string;
  /** The digits that come with the page. */
  readonly builtIn: boolean;
  /** They were made of picture files. */
  readonly pictures?: boolean;
  /** What was left out of the user's files or changed, a sentence each. */
  readonly notes?: readonly string[];
  readonly count: number;
}

/** What is planned where Train is pressed: the run that begins, or further steps of a planned one that has come to its end. */
export interface PlanWish {
  /** Images a second, as far as the page knows. */
  readonly speed: number | undefined;
}

export interface ModelDescription extends ImageSize, Classes {
  readonly name: string;
  readonly recipe: PageRecipe;
  /** The name of the images that it was trained on, as far as it is known. */
  readonly data?: string | undefined;
  readonly sampling: Sampling;
}

/** What the worker knows and the page shows as it is. */
export interface Known {
  readonly phase: Phase;
  /** It trains as soon as other tasks are finished. */
  readonly training: boolean;
  readonly adapter?: AdapterDescription;
  readonly data?: DataDescription;
  /** Pictures of the user's that are read, of all that were given: first their heads, then their pixels. */
  readonly reading?: { readonly done: number; readonly total: number; readonly what: 'heads' | 'pixels' };
  /** The kept run of this name cannot go on without its images. */
  readonly needsData?: string;
}

/** What has changed of the state that the worker knows; shell/state.ts says what a change ends. */
export interface Patch extends Partial<Known> {
  /** A network was loaded: samples can be made with it. The worker does not know the name of its file. */
  readonly model?: Omit<ModelDescription, 'name'> & { readonly name?: string };
  /** See Model: of `model`. */
  readonly note?: string | undefined;
  /** A checkpoint was read: its run is the page's now, and so are its settings. `kept`: by the browser, so it is in no file. */
  readonly resumed?: {
    readonly kept: boolean;
    readonly id?: string;
    readonly settings: CheckpointSettings;
    readonly losses: Float32Array;
    readonly note?: string;
  };
  /** A run is about to be built. `held`: images that it is measured with; `begin`: undefined for a resumed run; `sampling`: its network's. */
  readonly begun?: {
    readonly held: number;
    readonly begin: Beginning | undefined;
    readonly sampling: Sampling;
  };
  /** The run is on the GPU: at its start, and again on another device or with other kernels. Undefined: it is deleted. */
  readonly run?: RunDescription | undefined;
  /** The run has a plan, or another one. `averages`: samples come from the average of the steps; `lr`: the rate of its further steps. */
  readonly planned?: { readonly plan: Plan; readonly averages: boolean; readonly lr?: number | undefined };
  /** The speed of the run as it was measured, in images a second. */
  readonly pace?: number;
  readonly measured?: Measurement;
  /** Progress of the distillation: trajectories first, then steps. Undefined: it is over. */
  readonly distilling?:
    | {
        readonly calls: 1 | 2;
        readonly noises: number;
        readonly steps: number;
        readonly batch: number;
        readonly trajectories: number;
        readonly step: number;
        readonly loss?: number | undefined;
        readonly secondsLeft?: number | undefined;
      }
    | undefined;
  /** The distilled model, in place of the file's from now on. */
  readonly distilled?: { readonly model: ModelDescription; readonly bytes: Uint8Array<ArrayBuffer> };
  /** Milliseconds of the op with this index, among those that are timed. */
  readonly timed?: { readonly index: number; readonly ms: number };
}

export interface Pictures {
  /** Samples of a fixed seed, as the network of this step makes them. */
  readonly grid?: {
    readonly step: number;
    readonly images: Uint8Array;
    readonly columns: number;
    /** The run is complete, and these are its last samples, which are polished. */
    readonly isLast?: boolean;
  };
  /** Eight images, the same with more and more noise, and (once there is a network) its predictions. */
  readonly strip?: {
    readonly step: number;
    readonly clean: Uint8Array;
    readonly noisy: Uint8Array;
    readonly predictions?: Uint8Array;
  };
  readonly nearest?: NearestFound;
}

/** `at` is what failed: the whole page, the data that were chosen, or the task at hand. */
export interface Problem {
  readonly at: 'start' | 'data' | 'task';
  readonly code: ErrorCode | 'unexpected';
  readonly message: string;
  /** The run diverged, and can continue from its copy of this step. */
  readonly back?: number;
}

/** Messages of the page's worker beside its session's events. */
export type PageMessage =
  /** The losses of the steps after `first`, several times a second. `again`: the run has gone back there. */
  | {
      readonly type: 'losses';
      readonly first: number;
      readonly again: boolean;
      readonly losses: Float32Array;
      readonly imagesPerSecond: number;
      /** Images a second, from which the time left follows; undefined in the first seconds. */
      readonly pace?: number | undefined;
    }
  | { readonly type: 'patch'; readonly patch: Patch }
  | { readonly type: 'pictures'; readonly pictures: Pictures }
  | ({ readonly type: 'problem' } & Problem);

/** A session's events; the page's phase is in a patch. */
export type EventOfSession = {
  [Name in Exclude<keyof SessionEvents, 'phase'>]: { readonly type: Name } & SessionEvents[Name];
}[Exclude<keyof SessionEvents, 'phase'>];

/** All that the panels of the page hear. */
export type WorkerEvent =
  | PageMessage
  | EventOfSession
  /** A step of images that the page makes, from 1. */
  | { readonly type: 'sampled'; readonly step: number; readonly steps: number }
  /** Another device was not found so far: the data of `lost` again. */
  | ({ readonly type: 'stillLost' } & SessionEvents['lost']);

export type EventOf<Type extends WorkerEvent['type']> = Extract<WorkerEvent, { readonly type: Type }>;

/** What an event changes of the worker's state. */
export const eventPatch = (event: WorkerEvent): Patch => (event.type === 'patch' ? event.patch : {});
export const isFreed = (event: WorkerEvent): boolean => 'run' in eventPatch(event) && !eventPatch(event).run;
export const isDistilled = (event: WorkerEvent): boolean =>
  'distilling' in eventPatch(event) && !eventPatch(event).distilling;
