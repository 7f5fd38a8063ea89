import { type Abortable, unlessAborted } from './base/abort';
import type { ByteContainer } from './base/bytes';
import {
  argumentError,
  checkBooleans,
  checkFunctions,
  checkNames,
  checkNumber,
  checkObject,
  checkSignal,
  EngineError,
  type Names,
  type Optional,
  wrongArgument,
  wrongType,
} from './base/errors';
import type { Progress, Warning } from './base/events';
import { loaded, once } from './base/load';
import { Resource } from './base/resource';
import type { Dataset } from './data/dataset';
import type { ImageSet } from './data/idx';
import type { Distiller } from './distilling/distiller';
import type { DistillerOptions } from './distilling/options';
import type { AdapterDescription } from './gpu/adapter';
import { Gpu } from './gpu/gpu';
import { checkGlobals, checkRequest, requestDevice } from './gpu/request_device';
import type { Painter, PainterOptions } from './pictures/painter';
import type { PictureSet } from './pictures/picture';
import type { EngineReport } from './report';
import type { ResumedRun } from './resume';
import type { SamplerOptions } from './sampling/options';
import type { Sampler } from './sampling/sampler';
import type { Activation, ActivationOptions } from './standalone/activation';
import type { Adam, AdamOptions } from './standalone/adam';
import type { Conv2d, Conv2dOptions, Conv2dShape } from './standalone/conv2d';
import type { ImagesShape, LayoutOptions } from './standalone/passes';
import type { Pooling, Upsampling } from './standalone/resampling';
import type { TrainerOptions } from './training/options';
import type { Trainer } from './training/trainer';
import { Admission } from './trust/admission';
import type { TuningCache } from './trust/cache';
import type { Ledger } from './trust/ledger';
import { EngineChooser } from './tuning/engine_chooser';
import type { UNetConfig } from './unet/config';
import { checkUNet } from './unet/network';
import { Predictor, type PredictorOptions } from './unet/predictor';
import { UNet, type UNetOptions } from './unet/unet';
import type { Variants } from './unet/variants';

/** Options of `createEngine`. */
export interface EngineOptions {
  /** The caller's device. The caller keeps it: the engine never destroys it and sets no handlers on it. */
  readonly device?: GPUDevice | undefined;
  /** The GPU object to request a device from if none is given. Default: navigator.gpu. */
  readonly gpu?: GPU | undefined;
  /** The kind of GPU to request if no device is given. Default `high-performance`. */
  readonly powerPreference?: 'low-power' | 'high-performance' | undefined;
  /** Maximum time of one submission on the GPU, in milliseconds, approximately. Default 300; a visible page needs 12. */
  readonly maxSubmitMilliseconds?: number | undefined;
  /**
   * Whether to measure, at first use on an adapter, which kernel variants are fastest on it (at most about two seconds; `tuningCache`
   * remembers the results). Default: true on GPUs, false on software adapters, whose fastest variants are known and where measuring takes
   * longer.
   */
  readonly tune?: boolean | undefined;
  /** Remembers choices and passed checks. Default: IndexedDB in browsers, else memory, as long as the engine lives. */
  readonly tuningCache?: TuningCache | undefined;
  /**
   * The caller's version of the driver or runtime, as a part of the cache's key: with another one, everything is measured and checked anew.
   * Browsers (`navigator.userAgent`) and `webgpu-diffusion/node` (Dawn's version) need none.
   */
  readonly cacheKey?: string | undefined;
  /**
   * Kernel variants by layer for everything that this engine creates, instead of choosing: the same adapter and seed then give the same
   * bits, in training, sampling and `predict`. `trainer.variants` is such a list. Wrong names throw when the list is used.
   */
  readonly variants?: Variants | undefined;
  /**
   * Seconds without the end of a shader until those that are being compiled are late. `onProgress` then reports it, every ten seconds. On a
   * GPU another variant of its kernel replaces it (`onWarning`), except in a trainer or sampler that exists already, and where `variants`
   * are given. A shader without a replacement throws `shader` after ten times as long. A device that has not ended a submission after three
   * times as long counts as lost, or, if it is yours, `onWarning` reports it. Default 10, on software adapters 60.
   */
  readonly deadlineSeconds?: number | undefined;
  /** Called while shaders compile, variants are measured and results are compared, which can take seconds at first use. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /**
   * Whether to check each kernel before its first use: run it on a small case and compare the result with a reference in plain loops; once
   * per adapter, as `tuningCache` remembers it for 7 days. The engine replaces a wrong variant (`onWarning`); if there is no replacement, or
   * the caller fixed the variant, or it is already in use, it throws `wrong-kernel`. In `trainer.prepare`, else after a trainer's first step,
   * and before the first result of a sampler or of `predict`, it compares variants at the size of the network. Default true.
   */
  readonly selfCheck?: boolean | undefined;
  /** Receives problems that the engine works around. Default: console.warn. */
  readonly onWarning?: ((warning: Warning) => void) | undefined;
  /** Aborts `createEngine`, which then rejects with its reason, and destroys the device if it requested it. */
  readonly signal?: AbortSignal | undefined;
}

const warn = ({ message }: Warning) => console.warn(message);

const OPTIONS: Names<EngineOptions> = {
  device: true,
  gpu: true,
  powerPreference: true,
  maxSubmitMilliseconds: true,
  deadlineSeconds: true,
  tune: true,
  tuningCache: true,
  cacheKey: true,
  variants: true,
  onProgress: true,
  selfCheck: true,
  onWarning: true,
  signal: true,
};

/**
 * A WebGPU device ready to train and sample. Imports trainer and sampler when they are asked for. Holds no global state; two engines may
 * share one device. `destroy` destroys everything that the engine created, and the device if the engine requested it.
 */
export class Engine extends Resource {
  /** The device that everything lies on. */
  readonly device: GPUDevice;
  /** The adapter of the device. */
  readonly adapter: AdapterDescription;
  /** For this project's own tools. @internal */
  readonly gpu: Gpu;
  /** @internal */
  readonly chooser: EngineChooser;
  private readonly ledger: () => Promise<Ledger>;
  /** The same, once it is loaded. */
  private known: Ledger | undefined;
  private readonly warnings: (Warning & { readonly date: string })[] = [];
  private readonly onWarning: (warning: Warning) => void;
  private readonly children = new Set<Resource>();

  /** @internal */
  constructor(device: GPUDevice, ownsDevice: boolean, options: EngineOptions) {
    super('engine');
    const { variants, tune, tuningCache: cache, cacheKey, onProgress, selfCheck = true } = options;
    const { maxSubmitMilliseconds, deadlineSeconds, gpu: source, onWarning: tell = warn } = options;
    const onWarning = (warning: Warning) => {
      this.warnings.push({ date: new Date().toISOString(), ...warning });
      tell(warning);
    };
    const ledger = once(async () => {
      const { Ledger } = await loaded(import('./trust/ledger'));
      this.known = new Ledger(device, { cache, cacheKey, gpu: source });
      return this.known;
    });
    const trust = (gpu: Gpu) => new Admission(gpu, ledger, selfCheck);
    const reports = { onProgress, onWarning };
    const pace = { maxSubmitMilliseconds, deadlineSeconds };
    const gpu = new Gpu(device, { ...pace, source, isOwn: ownsDevice, ...reports, trust });
    this.gpu = gpu;
    this.device = device;
    this.adapter = gpu.adapter;
    if (ownsDevice) this.onDestroy(() => device.destroy());
    this.onWarning = onWarning;
    this.ledger = ledger;
    this.chooser = new EngineChooser(gpu, { variants, tune, ledger, ...reports });
    this.onError = (error) => this.forgetAfter(error);
  }

  /** Measures how long the device takes to answer; from then on its loss is remembered. @internal */
  async begin(): Promise<void> {
    const { gpu, ledger } = this;
    await null; // lets an earlier loss of the device become known
    gpu.checkAlive();
    await gpu.measureLatency();
    gpu.onLost((message) => {
      ledger()
        .then(({ memory }) => memory.lost(message))
        .catch(() => {});
    });
  }

  /** See `EngineOptions`. A change applies to later `create…` calls. */
  get tune(): boolean {
    return this.chooser.tune;
  }

  set tune(value: boolean) {
    checkBooleans({ tune: value });
    this.chooser.tune = value;
  }

  /** See `EngineOptions`. It may change at any time, for instance when a page is hidden. */
  get maxSubmitMilliseconds(): number {
    return this.gpu.pacer.maxMilliseconds;
  }

  set maxSubmitMilliseconds(value: number) {
    checkMilliseconds(value);
    this.gpu.pacer.maxMilliseconds = value;
  }

  /**
   * Forgets the choices and checks of the adapter, also from earlier visits: later `create…` calls measure and check anew. Variants that
   * this engine has found wrong or refused stay left out. After an error `shader`, `wrong-kernel` or `device-lost` the engine does so by
   * itself.
   */
  async forget(): Promise<void> {
    this.chooser.forget();
    await (await this.ledger()).forget();
  }

  /**
   * Describes the adapter, the kernels in use and the problems so far, as plain data for a bug report, without images and weights. Also
   * works after the device was lost.
   */
  async report(): Promise<EngineReport> {
    const { makeReport } = await loaded(import('./report'));
    const { gpu, chooser, warnings } = this;
    return makeReport({ gpu, chooser, ledger: await this.ledger(), warnings });
  }

  /**
   * Creates a network with Glorot uniform kernels drawn from `seed` and zero biases.
   * The default of each field of `config` is the tutorial's. Throws `argument` for an impossible network, `limit` if memory does not suffice.
   */
  async createUNet(config: Optional<UNetConfig> = {}, options: UNetOptions & Abortable = {}): Promise<UNet> {
    return this.adopt(options, (own) => UNet.create(this.gpu, config, own, this.chooser));
  }

  /**
   * Brings images to the GPU, as bytes: `{ images, count, height, width, channels }`, or `{ pictures }` as a browser has them, read as soon
   * as the code for it is loaded. Arrays are the call's own until it resolves: leave them as they are. Throws
   * `argument` for wrong sizes, names or pictures, `data` for arrays that do not fit them, `limit` if memory does not suffice.
   */
  async createDataset(images: ImageSet | PictureSet, options: Abortable = {}): Promise<Dataset> {
    checkNames('createDataset', options, { signal: true });
    return this.adopt(options, async () =>
      (await loaded(import('./data/dataset'))).Dataset.create(this.gpu, images),
    );
  }

  /**
   * Creates a trainer of a network. A distilled network is not distilled any more after it (`onWarning`). Throws `argument` for illegal
   * options, `limit` if memory does not suffice.
   */
  async createTrainer(unet: UNet, options: TrainerOptions & Abortable = {}): Promise<Trainer> {
    const create = async (own: typeof options) =>
      (await loaded(import('./training/trainer'))).Trainer.create(this.gpu, unet, own, this.chooser);
    const trainer = await this.adopt(options, create, unet);
    trainer.keep = async (run) => (await loaded(import('./resume'))).checkpointBytes(trainer, run);
    trainer.forgetTeacher(this.onWarning);
    return trainer;
  }

  /**
   * Goes on with the run that `trainer.checkpoint` kept: makes its network and trainer, and options for `fit`, so that the run continues bit
   * for bit; with other kernels (on another adapter, for instance) but for the last digits, and `onWarning` says so. `images` are
   * its data set's, which you create again. Throws `data` for other images and for what is no checkpoint, and as `createTrainer` does.
   */
  async resume(
    bytes: ByteContainer,
    options: { readonly images: ImageSet } & Abortable,
  ): Promise<ResumedRun> {
    this.check();
    const { resumeRun } = await loaded(import('./resume'));
    return resumeRun(this, bytes, options, this.onWarning);
  }

  /** Creates a sampler of `count` images (default 64) with a network. Throws as `createTrainer` does. */
  async createSampler(unet: UNet, options: SamplerOptions & Abortable = {}): Promise<Sampler> {
    return this.adopt(
      options,
      async (own) =>
        (await loaded(import('./sampling/sampler'))).Sampler.create(this.gpu, unet, own, this.chooser),
      unet,
    );
  }

  /**
   * Creates a distiller, which trains a copy of a network that follows a flow to make samples in one or two calls. Throws `argument` for a
   * teacher without noise level or one that is distilled already, `limit` for trajectories that take too much memory.
   */
  async createDistiller(teacher: UNet, options: DistillerOptions & Abortable): Promise<Distiller> {
    const { gpu, chooser } = this;
    const createUNet: Engine['createUNet'] = (...args) => this.createUNet(...args);
    return this.adopt(options, async (own) =>
      (await loaded(import('./distilling/distiller'))).Distiller.create(teacher, own, {
        gpu,
        chooser,
        createUNet,
      }),
    );
  }

  /** Creates a predictor, which records forward passes into the caller's encoders. `unet.predict` needs none. Throws as `createTrainer` does. */
  async createPredictor(unet: UNet, options: PredictorOptions & Abortable = {}): Promise<Predictor> {
    checkUNet(unet, this.gpu.device);
    return this.adopt(options, (own) => Predictor.create(this.gpu, unet.weights, own, this.chooser), unet);
  }

  /** Creates a painter, which paints images that lie on the GPU into your texture or canvas. Throws `argument`, or `limit` for large pictures. */
  async createPainter(options: PainterOptions & Abortable): Promise<Painter> {
    return this.adopt(options, async (own) =>
      (await loaded(import('./pictures/painter'))).Painter.create(this.gpu, own),
    );
  }

  /** Creates a convolution by itself, for callers that build networks of their own (docs/kernels.md). Throws as `createTrainer` does. */
  async createConv2d(shape: Conv2dShape, options: Conv2dOptions & Abortable = {}): Promise<Conv2d> {
    return this.adopt(options, async (own) =>
      (await loaded(import('./standalone/conv2d'))).Conv2d.create(this.gpu, shape, own, this.chooser),
    );
  }

  /** Creates swish by itself, or swish and then pooling or upsampling. Throws as `createTrainer` does. */
  async createActivation(
    shape: ImagesShape,
    options: ActivationOptions & Abortable = {},
  ): Promise<Activation> {
    return this.adopt(options, async (own) =>
      (await loaded(import('./standalone/activation'))).Activation.create(this.gpu, shape, own),
    );
  }

  /** Creates max pooling of 2x2 windows by itself, of images with even sides. Throws as `createTrainer` does. */
  async createPooling(shape: ImagesShape, options: LayoutOptions & Abortable = {}): Promise<Pooling> {
    return this.adopt(options, async (own) =>
      (await loaded(import('./standalone/resampling'))).Pooling.create(this.gpu, shape, own),
    );
  }

  /** Creates nearest upsampling by 2 by itself. Throws as `createTrainer` does. */
  async createUpsampling(shape: ImagesShape, options: LayoutOptions & Abortable = {}): Promise<Upsampling> {
    return this.adopt(options, async (own) =>
      (await loaded(import('./standalone/resampling'))).Upsampling.create(this.gpu, shape, own),
    );
  }

  /** Creates Adam for `size` parameters of your own, 1 or more (docs/kernels.md). Throws as `createTrainer` does. */
  async createAdam(size: number, options: AdamOptions & Abortable = {}): Promise<Adam> {
    return this.adopt(options, async (own) =>
      (await loaded(import('./standalone/adam'))).Adam.create(this.gpu, size, own),
    );
  }

  /** @internal */
  override check(): void {
    super.check();
    this.gpu.checkAlive();
  }

  protected release(): void {
    for (const child of this.children) child.destroy();
    this.children.clear();
    this.gpu.onLost(undefined);
    this.known?.memory.close();
    this.gpu.end();
  }

  /** Resolves when the work of all that this engine has created has ended. @internal */
  override get idle(): Promise<unknown> {
    return Promise.all([...this.children].map(({ idle }) => idle));
  }

  /**
   * Makes an object with its own options, without the signal; `of` is the network that it needs. What is made after the call has ended is
   * destroyed as soon as it is there.
   */
  private async adopt<T extends Resource, O extends Abortable>(
    options: O,
    make: (own: O) => Promise<T>,
    of?: UNet,
  ): Promise<T> {
    this.check();
    const { signal, ...own } = Object(options) as O;
    checkSignal(signal);
    signal?.throwIfAborted();
    // What is no object is refused by those who read it.
    const making = make('signal' in Object(options) ? (own as O) : options);
    const soon = of instanceof Resource ? of.withGrace(making) : making;
    const child = await this.unlessDestroyed(unlessAborted(signal, soon)).catch((error) => {
      making.then((late) => late.destroy()).catch(() => {});
      throw error;
    });
    if (this.destroyed) child.destroy();
    this.check();
    this.children.add(child);
    child.onError = this.onError;
    child.onDestroy(() => this.children.delete(child));
    return child;
  }

  /** Forgets what is remembered after an error that contradicts it. */
  private async forgetAfter(error: unknown): Promise<void> {
    const { code = undefined } = error instanceof EngineError ? error : {};
    if (code === 'shader' || code === 'wrong-kernel') await this.forget();
    else if (code === 'device-lost') await (await this.ledger()).memory.forgetting; // unless its owner destroyed it
  }
}

/**
 * Creates an engine on the caller's `device`, or on a device that it requests from `gpu` (default navigator.gpu) and then owns. Throws
 * `no-webgpu`, `no-adapter`, `limit`, `device-lost`, or `argument` for options that are not legal.
 */
export async function createEngine(options: EngineOptions = {}): Promise<Engine> {
  checkOptions(options);
  const { signal, powerPreference = 'high-performance' } = options;
  signal?.throwIfAborted();
  const request = async () => (await requestDevice(options.gpu, { powerPreference })).device;
  const device = options.device ?? (await unlessAborted(signal, request(), (late) => late.destroy()));
  let engine: Engine | undefined;
  try {
    await checkGlobals();
    engine = new Engine(device, !options.device, options);
    await unlessAborted(signal, engine.begin());
    return engine;
  } catch (error) {
    if (engine) engine.destroy();
    else if (!options.device) device.destroy();
    throw error;
  }
}

function checkOptions(options: EngineOptions): void {
  checkNames('An engine', options, OPTIONS);
  const { device, gpu, powerPreference, maxSubmitMilliseconds, deadlineSeconds } = options;
  const { tune, tuningCache, variants, selfCheck, cacheKey } = options;
  checkBooleans({ tune });
  if (selfCheck !== undefined && typeof selfCheck !== 'boolean')
    throw wrongArgument('selfCheck', selfCheck, 'true or false');
  if (cacheKey !== undefined && typeof cacheKey !== 'string')
    throw wrongArgument('cacheKey', cacheKey, 'a text');
  checkSignal(options.signal);
  checkFunctions({ onProgress: options.onProgress, onWarning: options.onWarning });
  if (variants !== undefined) checkObject('variants', variants, 'trainer.variants');
  if (tune && variants) {
    throw argumentError('Both tune and variants are given: leave one out.');
  }
  if (maxSubmitMilliseconds !== undefined) checkMilliseconds(maxSubmitMilliseconds);
  if (deadlineSeconds !== undefined) checkNumber('deadlineSeconds', deadlineSeconds, 0.1, 3600);
  if (device !== undefined && !device?.queue) {
    throw wrongType('device', device, 'a GPUDevice: await adapter.requestDevice()');
  }
  checkRequest(gpu, { powerPreference });
  if (tuningCache === undefined) return;
  checkObject('tuningCache', tuningCache, '{ get, set }');
  checkFunctions({ 'tuningCache.get': tuningCache.get ?? null, 'tuningCache.set': tuningCache.set ?? null });
}

function checkMilliseconds(value: number): void {
  checkNumber('maxSubmitMilliseconds', value, 1, 10_000);
}
