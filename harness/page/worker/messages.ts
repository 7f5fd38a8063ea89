/** What the page and its training worker say to each other. Images travel as bytes, 0 to 255, one image after the other. */
import type { AdapterDescription, ErrorCode } from '../../../src';
import type { Sampling } from '../../../src/unet/sampling';
import type { WorkerEvents } from '../../../src/worker';
import type { Measurement } from '../shell/measurements';
import type { Place } from '../shell/noise_field';
import type { Beginning, CheckpointSettings, FlowMethod, PageRecipe, Source } from '../shell/settings';

export type { Phase } from '../../../src/worker';

/** What samples to make. A network that is not told classes, or does not follow a flow, leaves out what it has no use for. */
export interface Order {
  /** `instant`: the distilled network that comes with the page. */
  readonly source: Source | 'instant';
  readonly steps: number;
  readonly count: number;
  readonly seed: number;
  /** Where the noise lies between that of the seed and those of the next three. */
  readonly place: Place;
  readonly digit: number | 'all';
  /** Digits, one image each, in place of `digit` and `count`; '' leaves it to those. */
  readonly text: string;
  readonly guidance: number;
  readonly method: FlowMethod;
}

/** What to make of a drawing; of the classes, 'all' is none in particular. Pixels from 0 to 1, [height][width]. */
export type DrawOrder = {
  readonly source: Source;
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
  /** How much the network errs when told each class; the least fits best. */
  | { readonly ask: 'classify'; readonly losses: Float32Array<ArrayBuffer> };

export interface DataDescription {
  readonly name: string;
  /** The digits that come with the page. */
  readonly builtIn: boolean;
  readonly count: number;
  readonly height: number;
  readonly width: number;
  /** Of its labels; without labels, undefined. */
  readonly classes?: number;
}

/** A network that was read from a file. */
export interface ModelDescription {
  readonly name: string;
  readonly recipe: PageRecipe;
  /** That it is told; 0 for none. */
  readonly classes: number;
  readonly height: number;
  readonly width: number;
  /** How it is sampled unless somebody says otherwise. */
  readonly sampling: Sampling;
}

/** What the page's part of the worker tells, as events of its own. */
export type PageEvent =
  | { readonly type: 'adapter'; readonly adapter: AdapterDescription }
  | { readonly type: 'data'; readonly data: DataDescription }
  /** A network was read from a file: samples can be made with it. `note`: see Model, as below. */
  | { readonly type: 'model'; readonly model: ModelDescription; readonly note?: string }
  /** A checkpoint was read: its run is the page's now, and so are its settings. `kept`: by the browser, so it is in no file. */
  | {
      readonly type: 'resumed';
      readonly name: string;
      readonly kept: boolean;
      /** Of a run that the browser keeps. */
      readonly id?: string;
      readonly settings: CheckpointSettings;
      readonly losses: Float32Array;
      readonly note?: string;
    }
  /** Beside `built`, before it. `held`: images that the run is measured with; `begin`: unknown of one that was gone on with. */
  | { readonly type: 'begun'; readonly held: number; readonly begin: Beginning | undefined }
  | Measurement
  /** How far the distillation is: trajectories first, then steps. */
  | {
      readonly type: 'distilling';
      readonly calls: 1 | 2;
      readonly noises: number;
      readonly steps: number;
      /** Images of a step. */
      readonly batch: number;
      readonly trajectories: number;
      readonly step: number;
      /** Of that step. */
      readonly loss?: number | undefined;
      readonly secondsLeft?: number | undefined;
    }
  /** It is over. `made`: what came of it, the model of the file from now on; undefined if it was stopped or failed. */
  | {
      readonly type: 'distilled';
      readonly made?: { readonly model: ModelDescription; readonly bytes: Uint8Array<ArrayBuffer> };
    }
  /** Samples of a fixed seed, as the network of this step makes them. */
  | { readonly type: 'grid'; readonly step: number; readonly images: Uint8Array; readonly columns: number }
  /** Eight images, the same with more and more noise, and (once there is a network) its predictions. */
  | {
      readonly type: 'strip';
      readonly step: number;
      readonly clean: Uint8Array;
      readonly noisy: Uint8Array;
      readonly predictions?: Uint8Array;
    }
  | {
      readonly type: 'sampled';
      readonly order: Order;
      /** From 1, of `order.steps`. */
      readonly step: number;
      readonly columns: number;
      readonly height: number;
      readonly width: number;
      /** x before the step, and what the network makes of it; left out of some steps of a long run. */
      readonly frame?: { readonly x: Uint8Array; readonly prediction: Uint8Array };
    }
  /** Of the dispatches that are timed, the one of this number takes so long. */
  | { readonly type: 'timed'; readonly index: number; readonly ms: number }
  /** A file to save. A checkpoint, from which the run can go on, tells after how many steps. */
  | {
      readonly type: 'saved';
      readonly name: string;
      readonly bytes: Uint8Array<ArrayBuffer>;
      readonly step?: number;
    }
  /** To go on with this one, the page needs the images that it trains on. */
  | { readonly type: 'needsData'; readonly id: string }
  /** `at` is what failed: the whole page, the data that were chosen, or the task at hand. */
  | {
      readonly type: 'error';
      readonly at: 'start' | 'data' | 'task';
      readonly code: ErrorCode | 'unexpected';
      readonly message: string;
      /** The run diverged, and can be gone on with from the copy of this step. */
      readonly back?: number;
    };

/** What every worker tells that serves a client. */
type DoorEvent = {
  [Name in Exclude<keyof WorkerEvents, 'runs'>]: { readonly type: Name } & WorkerEvents[Name];
}[Exclude<keyof WorkerEvents, 'runs'>];

/** All that the page hears of its worker. */
export type WorkerEvent =
  | PageEvent
  | DoorEvent
  | { readonly type: 'runs'; readonly runs: WorkerEvents['runs'] }
  /** No other device so far: `lost` again. */
  | ({ readonly type: 'stillLost' } & WorkerEvents['lost']);

export type EventOf<Type extends WorkerEvent['type']> = Extract<WorkerEvent, { readonly type: Type }>;

/** Frames that the page keeps of one sampling run, so that a thousand steps do not fill its memory. */
export const MAX_FRAMES = 100;

/** Whether step `step` (from 1) of `steps` is one of the frames to keep: evenly spread, the first and the last among them. */
export function keepsFrame(step: number, steps: number): boolean {
  const every = Math.ceil((steps - 1) / (MAX_FRAMES - 1)) || 1;
  return step === 1 || step === steps || (steps - step) % every === 0;
}
