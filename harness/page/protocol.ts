/** What the page and its training worker say to each other. Images travel as bytes, 0 to 255, one image after the other. */
import type { AdapterDescription, EngineReport, ErrorCode, Progress } from '../../src';
import type { Sampling } from '../../src/unet/sampling';
import type { SessionEvent, EventOf as SessionEventOf } from '../../src/worker/events';
import type { Replacement } from './edit/replace';
import type { ExplainAnswer, ExplainOrder } from './explain/protocol';
import type { InsideAnswer, InsideOrder } from './inside/protocol';
import type { Measurement } from './measurements';
import type { Place, Placed } from './noise_field';
import type { Beginning, CheckpointSettings, FlowMethod, PageRecipe, PageSettings, Source } from './settings';

export type { Phase } from '../../src/worker/events';

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

export type Command =
  /** Asks which runs the browser keeps, and for no GPU. */
  | { readonly type: 'list' }
  /** Sent once, before all others but `list`. `losses`: when devices were lost, as far as the page knows. `digits`: see below. */
  | {
      readonly type: 'open';
      readonly settings: PageSettings;
      readonly visible: boolean;
      readonly losses: readonly number[];
      readonly digits: boolean;
    }
  /** Loads the digits that come with the page, as soon as nothing else is done. A run that needs them loads them anyhow. */
  | { readonly type: 'digits' }
  /** The settings have changed. Those that make a run are for the next one; the others are heeded at once. */
  | { readonly type: 'adjust'; readonly settings: PageSettings }
  /** Trains to the end of the last epoch, creating what is missing; goes on after a pause or the loss of the device. */
  | { readonly type: 'train' }
  /** The same for one step. */
  | { readonly type: 'step' }
  | { readonly type: 'pause' }
  /** Forgets the run, also in the browser's storage, and frees its memory. */
  | { readonly type: 'reset' }
  /** Leaves the run to the browser's storage and is ready for another. Without storage it refuses. */
  | { readonly type: 'putAside' }
  /** Distils the run's network, in the background; told of by `distilling`, until `distilled`. */
  | { readonly type: 'distil'; readonly calls: 1 | 2 }
  | { readonly type: 'stopDistilling' }
  /** Measures the samples' quality now, however long that takes. */
  | { readonly type: 'measure' }
  /** After a divergence: trains from the copy before the last one. */
  | { readonly type: 'goBack' }
  /** Trains a run that the browser keeps. `drawings`: those that it trains on, if it does. */
  | {
      readonly type: 'goOn';
      readonly id: string;
      readonly drawings?: { readonly files: readonly File[]; readonly labels: readonly File[] } | undefined;
    }
  /** Deletes one. */
  | { readonly type: 'discard'; readonly id: string }
  /** Training waits meanwhile, and what was ordered before is left. */
  | { readonly type: 'sample'; readonly order: Order }
  | { readonly type: 'stopSampling' }
  /** Some images of an order, at places of their own, at once. Answered by `followed`, unless the device is lost or the run reset; training waits meanwhile. */
  | {
      readonly type: 'follow';
      readonly id: number;
      readonly order: Order;
      readonly images: readonly Placed[];
    }
  /** Answered by `drawn` (by one without an answer if it was interrupted), unless the device is lost or the run reset; training waits meanwhile. */
  | { readonly type: 'draw'; readonly id: number; readonly order: DrawOrder }
  /** A question of the scene `key`, answered by `explained` of the same key and id, unless the device is lost or the run reset. */
  | { readonly type: 'explain'; readonly key: string; readonly id: number; readonly order: ExplainOrder }
  /** One of the training images to draw on: any number chooses one. */
  | { readonly type: 'example'; readonly at: number }
  /** Other training data; no files stand for the digits that come with the page. `checkpoint`: one comes next, and says the recipe. */
  | {
      readonly type: 'data';
      readonly files: readonly File[];
      readonly labels: readonly File[];
      readonly checkpoint: boolean;
    }
  /** A network to sample from, or a checkpoint to go on from. */
  | { readonly type: 'model'; readonly file: File }
  /** Looks into a network; answered by an event of the same name. Training waits meanwhile. */
  | { readonly type: 'inside'; readonly order: InsideOrder }
  /** Trains on with these shaders in place of the shipped ones; without any, with the shipped ones. Answered by an event of the same name. */
  | { readonly type: 'shaders'; readonly shaders: readonly Replacement[] }
  /** What the engine that trains knows; answered by an event of the same name. */
  | { readonly type: 'report' }
  | { readonly type: 'saveModel' }
  | { readonly type: 'saveCheckpoint' }
  /** A visible page must stay smooth; a hidden one need not. */
  | { readonly type: 'visible'; readonly visible: boolean };

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

export type WorkerEvent =
  /** What every session tells; of a lost device, in words of the page. */
  | Exclude<SessionEvent, SessionEventOf<'built' | 'lost' | 'stillLost' | 'recovered'>>
  | { readonly type: 'adapter'; readonly adapter: AdapterDescription }
  /** How far the compiling or the measuring is. */
  | { readonly type: 'preparing'; readonly progress: Progress }
  /** Something is wrong that can be done without. */
  | { readonly type: 'notice'; readonly message: string }
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
  /** A run exists from now on. `held`: images that it is measured with; `begin`: unknown of one that was gone on with. */
  | (SessionEventOf<'built'> & { readonly held: number; readonly begin?: Beginning | undefined })
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
  | { readonly type: 'inside'; readonly answer: InsideAnswer }
  /** The shaders are in place, or it is as it was before. */
  | { readonly type: 'shaders'; readonly problem?: string }
  /** The answer to the command `follow` of this id, or why there is none. */
  | {
      readonly type: 'followed';
      readonly id: number;
      readonly images?: Uint8Array;
      readonly problem?: string;
    }
  /** The answer to the command `draw` of this id, or why there is none; neither if it was interrupted. */
  | { readonly type: 'drawn'; readonly id: number; readonly answer?: DrawAnswer; readonly problem?: string }
  /** The answer, or why there is none. */
  | {
      readonly type: 'explained';
      readonly key: string;
      readonly id: number;
      readonly answer?: ExplainAnswer;
      readonly problem?: string;
    }
  | { readonly type: 'example'; readonly image: Uint8Array<ArrayBuffer> }
  /** A file to save. A checkpoint, from which the run can go on, tells after how many steps. */
  | {
      readonly type: 'saved';
      readonly name: string;
      readonly bytes: Uint8Array<ArrayBuffer>;
      readonly step?: number;
    }
  /** Without one: there was no engine yet. */
  | { readonly type: 'report'; readonly report?: EngineReport | undefined }
  /** To go on with this one, the page needs the images that it trains on. */
  | { readonly type: 'needsData'; readonly id: string }
  /** The device is gone, and the run as it was after these steps. What trained goes on by itself, as does a `train` command. */
  | { readonly type: 'lost'; readonly message: string; readonly losses: Float32Array }
  /** No other device so far; it is asked for again. */
  | { readonly type: 'stillLost'; readonly message: string }
  /** `at` is what failed: the whole page, the data that were chosen, or the task at hand. */
  | {
      readonly type: 'error';
      readonly at: 'start' | 'data' | 'task';
      readonly code: ErrorCode | 'unexpected';
      readonly message: string;
      /** The run diverged, and can be gone on with from the copy of this step. */
      readonly back?: number;
    };

export type EventOf<Type extends WorkerEvent['type']> = Extract<WorkerEvent, { readonly type: Type }>;

/** Frames that the page keeps of one sampling run, so that a thousand steps do not fill its memory. */
export const MAX_FRAMES = 100;

/** Whether step `step` (from 1) of `steps` is one of the frames to keep: evenly spread, the first and the last among them. */
export function keepsFrame(step: number, steps: number): boolean {
  const every = Math.ceil((steps - 1) / (MAX_FRAMES - 1)) || 1;
  return step === 1 || step === steps || (steps - step) % every === 0;
}
