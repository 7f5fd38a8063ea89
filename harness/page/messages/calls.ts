/**
 * The page's own calls of its training worker, beside the client's: what each takes and resolves to. Calls never wait for the GPU: they
 * say what is wanted and interrupt what is not. Only calls that resolve to an answer have their turn awaited.
 */
import type { ImageSet } from '../../../src';
import type { EngineReport } from '../../../src/report';
import type { SampleEvent, SampleOptions } from '../../../src/sampling/options';
import type { CallContext } from '../../../src/worker';
import type { OwnFile } from '../../pictures/own_images';
import type { ExplainAnswer, ExplainOrder } from './explain_messages';
import type { InsideAnswer, InsideOrder } from './inside_messages';
import type { DrawAnswer, DrawOrder, Example, Order, PlanWish } from './messages';
import type { Placed } from './noise_field';
import type { Replacement } from './replace';
import type { ImageSize, Settings } from './settings';

type Call<Args = void, Result = void> = (args: Args, context: CallContext) => Result | Promise<Result>;

/** The message where images are given beside a run. */
export const UNDER_WAY = 'A run is under way. Reset it to train on other images.';

/** The name of the faces of the device's emoji font, as training images. */
export const FACES = 'Faces of this device';

/** Training data: the digits that come with the page, the device's faces, the user's files, or images that the page has made. */
export type DataSource = 'digits' | 'faces' | readonly OwnFile[] | ImageSet;

/** Images to make. */
export interface MakeOrder extends Omit<SampleOptions, 'signal' | 'onStep'> {
  /** The network to sample from. */
  readonly network: Order['source'];
  readonly count: number;
  /** Called with every step's images. */
  readonly onFrame: (frame: SampleEvent) => void;
}

/** A press on Train. */
export interface Press {
  /** Steps to make, after those that are wanted already. Undefined: to the end of the run. */
  readonly steps?: number | undefined;
  /** Undefined: no plan is wished for. */
  readonly wish?: PlanWish | undefined;
}

export interface PageCalls {
  /** The first call. `losses`: when devices were lost, as far as the page knows. `digits`: whether to load them, too. */
  readonly open: Call<{
    readonly settings: Settings;
    readonly visible: boolean;
    readonly losses: readonly number[];
    readonly digits: boolean;
  }>;
  /** A visible page must stay smooth; a hidden one need not. */
  readonly visible: Call<boolean>;
  /** The settings have changed. Those that make a run are for the next one; the others are heeded at once. */
  readonly settings: Call<Settings>;
  /** The training engine's report; undefined before there is an engine. */
  readonly report: Call<void, EngineReport | undefined>;

  /** Train was pressed. What is missing is made. */
  readonly press: Call<Press>;
  /** Ends training after the step under way. */
  readonly halt: Call;
  /** Goes back to the copy before the last one. */
  readonly back: Call;
  /** Ends the run. True: it stays in the browser's storage. */
  readonly leave: Call<boolean>;
  /** Opens the run of a checkpoint's bytes, or of a stored run. */
  readonly goOn: Call<Uint8Array<ArrayBuffer> | string>;
  /** Takes the network of a file, to sample from. */
  readonly read: Call<Uint8Array<ArrayBuffer>>;
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
  readonly data: Call<DataSource>;
  readonly stopReading: Call;
  /** Draws the faces of the device. Resolves to what keeps it from that, if anything does. */
  readonly faces: Call<void, string | undefined>;

  /** A training image to draw on; any number chooses one. Resolves to undefined if there are no images. */
  readonly example: Call<number, Example | undefined>;
  /** Makes images. An AbortError: they have given way to what was asked for later. */
  readonly make: Call<MakeOrder>;
  // These resolve to an answer, unless the device is lost or the run reset; training waits meanwhile.
  /** Samples some images of an order at once, each from its own place in the noise field: [images][height][width][channels], 0 to 255. */
  readonly follow: Call<
    { readonly order: Order; readonly images: readonly Placed[] },
    Uint8Array<ArrayBuffer>
  >;
  /** Images in colour at twice the side, when nothing else is wanted, and no training: bytes, [images][2 height][2 width][3]. */
  readonly enlarge: Call<
    { readonly bytes: Uint8Array } & Pick<ImageSize, 'height' | 'width'>,
    Uint8Array<ArrayBuffer>
  >;
  /** Resolves to nothing if it was interrupted. */
  readonly draw: Call<DrawOrder, DrawAnswer | undefined>;
  readonly explain: Call<ExplainOrder, ExplainAnswer>;
  readonly inside: Call<InsideOrder, InsideAnswer>;
  /** Ends the timing of dispatches. */
  readonly stopTiming: Call;
}
