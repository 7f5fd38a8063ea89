/**
 * The page's own calls of its training worker, beside the client's: what each takes and resolves to. Calls never wait for the GPU: they
 * say what is wanted and interrupt what is not. Only calls that resolve to an answer have their turn awaited.
 */
import type { ImageSet } from '../../../src';
import type { EngineReport } from '../../../src/report';
import type { CallContext } from '../../../src/worker';
import type { OwnFile } from '../../pictures/own_images';
import type { ExplainAnswer, ExplainOrder } from './explain_messages';
import type { InsideAnswer, InsideOrder } from './inside_messages';
import type { DrawAnswer, DrawOrder, Example, Order, PlanWish } from './messages';
import type { Placed } from './noise_field';
import type { Replacement } from './replace';
import type { PageSettings } from './settings';

type Call<Args = void, Result = void> = (args: Args, context: CallContext) => Result | Promise<Result>;

/** The message where images are given beside a run. */
export const UNDER_WAY = 'A run is under way. Reset it to train on other images.';

/** Training data: the digits that come with the page, the user's files, or images that the page has made. */
export interface DataOrder {
  readonly from: 'digits' | readonly OwnFile[] | ImageSet;
}

export interface PageCalls {
  /** The first call. `losses`: when devices were lost, as far as the page knows. `digits`: whether to load them, too. */
  readonly open: Call<{
    readonly settings: PageSettings;
    readonly visible: boolean;
    readonly losses: readonly number[];
    readonly digits: boolean;
  }>;
  /** A visible page must stay smooth; a hidden one need not. */
  readonly visible: Call<boolean>;
  /** The settings have changed. Those that make a run are for the next one; the others are heeded at once. */
  readonly adjust: Call<PageSettings>;
  /** The training engine's report; undefined before there is an engine. */
  readonly report: Call<void, EngineReport | undefined>;

  /** Train was pressed; the client's `start` or `step` follows. Undefined: no plan is wished for. */
  readonly press: Call<PlanWish | undefined>;
  /** Trains on with these shaders in place of the shipped ones; without any, with the shipped ones. Resolves to the problem, if any. */
  readonly shaders: Call<readonly Replacement[], string | undefined>;

  /** Distils the run's network in the background. Events `distilling` report progress, `distilled` the end. */
  readonly distil: Call<1 | 2>;
  readonly stopDistilling: Call;
  /** Measures the samples' quality now, or looks for the training pictures nearest to them, however long that takes. */
  readonly measure: Call<'quality' | 'nearest'>;

  /** Loads the digits that come with the page, as soon as nothing else is done. A run that needs them loads them anyhow. */
  readonly digits: Call;
  /** Other training data. */
  readonly data: Call<DataOrder>;
  readonly stopReading: Call;
  /** Keeps the images of the run, which the browser keeps under this name. Resolves to why not, if it cannot. */
  readonly keepImages: Call<string, string | undefined>;
  /** Deletes the images of runs that the browser keeps no more. */
  readonly tidyImages: Call;

  /** A training image to draw on; any number chooses one. Resolves to undefined if there are no images. */
  readonly example: Call<number, Example | undefined>;
  // These resolve to an answer, unless the device is lost or the run reset; training waits meanwhile.
  /** Samples some images of an order at once, each from its own place in the noise field: [images][height][width][channels], 0 to 255. */
  readonly follow: Call<
    { readonly order: Order; readonly images: readonly Placed[] },
    Uint8Array<ArrayBuffer>
  >;
  /** Resolves to nothing if it was interrupted. */
  readonly draw: Call<DrawOrder, DrawAnswer | undefined>;
  readonly explain: Call<ExplainOrder, ExplainAnswer>;
  readonly inside: Call<InsideOrder, InsideAnswer>;
  /** Ends the timing of dispatches. */
  readonly stopTiming: Call;
}
