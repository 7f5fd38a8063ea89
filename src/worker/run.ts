/** A training run: its settings and data, its losses, its last copies, and, while there is a device, its network and trainer. */

import { checkInteger, checkObject } from '../base/errors';
import { loaded } from '../base/load';
import type { Dataset } from '../data/dataset';
import type { ImageSet } from '../data/idx';
import type { Engine } from '../engine';
import type { AdapterDescription } from '../gpu/adapter';
import { stepIn } from '../keeping/slots';
import { checkSchedule, type Schedule } from '../plan/schedule';
import { samplingFor } from '../recipes';
import { restoreTrainer } from '../resume';
import { stepsPerEpoch } from '../training/epoch';
import { checkLearningRate, type TrainerOptions, type TrainingEvent } from '../training/options';
import type { Objective } from '../training/step_config';
import type { Trainer } from '../training/trainer';
import { checkTrainable } from '../training/validate';
import type { UNetConfig } from '../unet/config';
import type { Sampling } from '../unet/sampling';
import type { UNet } from '../unet/unet';
import { loadCheckpoint, saveCheckpoint, withSettings } from '../weights/checkpoint';
import { assertSameData, type DataFingerprint, fingerprintImages } from '../weights/fingerprint';
import { loadModel, type Model } from '../weights/model';
import type { RunSettings } from '../weights/run_fields';
import { decodeSafetensors } from '../weights/safetensors';
import { ConstantImageWatch } from './constant_image';
import type { RunChanges, RunDescription } from './types';

type Bytes = Uint8Array<ArrayBuffer>;
/** A trained network. As the beginning of a run it may have another size, or a class table of another length, which is new then. */
export type Trained = Pick<Model, 'config' | 'parameters' | 'objective' | 'sampling'>;

/** The beginning of a run. */
interface Beginning {
  /** A configuration, for new weights by the settings' seed, or a trained network. */
  readonly network: UNetConfig | Trained;
  /** For `createTrainer`, beside batch size and learning rate. */
  readonly trainer: TrainerOptions;
}

/** What every run has. */
interface RunOptions {
  /** The training images. */
  readonly images: ImageSet;
  readonly settings: RunSettings;
  /** The network's sampling. Default: the file's, else the recipe's. */
  readonly sampling?: Sampling | undefined;
}

/** A run to begin. */
export type NewRun = Beginning & RunOptions;

/** The run of a session. */
export class TrainingRun {
  /** The training images. */
  readonly images: ImageSet;
  /** What the network learns to predict. */
  readonly objective: Objective;
  /** Settings of the run; learning rate and end may change. */
  settings: RunSettings;
  /** The present schedule, once it was changed. */
  private schedule: Schedule | undefined;
  /** The loss of each step so far. */
  losses: number[] = [];
  /** Whether the run has diverged: its earlier copies are then worth more than its present state. @internal */
  diverged = false;
  /** The last copy: the state to save as a file, and to go on from when the device is lost. @internal */
  checkpoint: Bytes | undefined;
  /** The copy before the last one, from which a diverged run goes on: the last one may contain the cause. @internal */
  before: Bytes | undefined;
  /** The network, if it is on the device. */
  unet: UNet | undefined;
  /** The trainer, if it is on the device. */
  trainer: Trainer | undefined;
  private readonly beginning: Beginning | undefined;
  private readonly sampling: Sampling | undefined;
  /** The fingerprint of the images; of a run that goes on, with the names that its checkpoint has. */
  readonly data: DataFingerprint;
  /** @internal */
  dataset: Dataset | undefined;
  /** Says that it goes on with other kernels than at its start, and why; undefined if it does not. @internal */
  otherKernels: string | undefined;
  private watch: ConstantImageWatch | undefined;

  private constructor(
    { images, settings, sampling }: RunOptions,
    {
      data,
      objective,
      beginning,
      checkpoint,
    }: Pick<TrainingRun, 'data' | 'objective'> & {
      readonly beginning?: Beginning;
      readonly checkpoint?: Bytes;
    },
  ) {
    this.images = images;
    this.settings = settings;
    this.sampling = sampling;
    this.data = data;
    this.objective = objective;
    this.beginning = beginning;
    this.checkpoint = checkpoint;
  }

  /** @internal */
  static begin(run: NewRun): TrainingRun {
    const { objective = 'tutorial' } = run.trainer;
    return new TrainingRun(run, { data: fingerprintImages(run.images), objective, beginning: run });
  }

  /** A run that goes on from a checkpoint. Throws for images that it was not trained on. @internal */
  static resume(checkpoint: Bytes, options: RunOptions, name?: string): TrainingRun {
    const { data, objective } = loadCheckpoint(checkpoint, name);
    const now = fingerprintImages(options.images);
    assertSameData(data, now);
    const run = new TrainingRun(options, { checkpoint, objective, data: { ...now, ...data } });
    run.rewind();
    return run;
  }

  /** Steps of an epoch. */
  get stepsPerEpoch(): number {
    return stepsPerEpoch({ ...this.settings, imageCount: this.images.count });
  }

  /** The step at which it ends. */
  get end(): number {
    return lastStep(this.settings, this.images.count);
  }

  /** Whether its epochs, or steps, are complete. */
  get complete(): boolean {
    return this.losses.length >= this.end;
  }

  /** Changes rate and schedule from the next submission on, and the end of the next `train`. Throws `argument` before it changes anything. @internal */
  adjust(changes: RunChanges): void {
    const { settings } = this;
    const { learningRate = settings.learningRate, epochs = settings.epochs } = changes;
    const { maxSteps = settings.maxSteps } = changes;
    checkLearningRate(learningRate);
    checkInteger('epochs', epochs, 1);
    if (maxSteps !== undefined) checkInteger('maxSteps', maxSteps, 1);
    if (changes.schedule !== undefined) this.schedule = checkSchedule(changes.schedule);
    this.settings = { ...settings, learningRate, epochs, ...(maxSteps === undefined ? {} : { maxSteps }) };
    // A schedule that comes before the first step is the run's own.
    if (changes.schedule !== undefined && this.losses.length > 0) this.noteChanges(this.losses.length);
    this.setRates();
  }

  /**
   * Builds the run on a device, from its last copy, else from its beginning, and compiles and compares what training needs. Where a kernel is
   * wrong at the run's size, another takes its place. Throws `wrong-kernel` where there is none. @internal
   */
  async build(engine: Engine): Promise<Trainer> {
    const { batchSize, seed, binarize, dropLast } = this.settings;
    // What follows loads while the network is made.
    for (const part of [
      loaded(import('../data/dataset')),
      loaded(import('../training/trainer')),
      loaded(import('../trust/at_size')),
    ])
      part.catch(() => {});
    const unet = await this.network(engine);
    this.dataset ??= await engine.createDataset(this.images);
    checkTrainable(this.dataset, unet.config);
    const saved = this.checkpoint && loadCheckpoint(this.checkpoint);
    const { trainer, otherKernels = undefined } = saved
      ? await restoreTrainer(engine, unet, saved, { compares: true })
      : {
          trainer: await engine.createTrainer(unet, {
            ...this.beginning!.trainer,
            batchSize,
            compares: true,
          }),
        };
    this.trainer = trainer;
    // Rate and schedule may have changed while the trainer was being built.
    this.setRates();
    this.otherKernels = otherKernels;
    await trainer.prepare(this.dataset, { seed, binarize, dropLast });
    this.watch = new ConstantImageWatch(this.images, trainer.config, binarize);
    return trainer;
  }

  /** The run's network, which may be on the device without its trainer. @internal */
  async network(engine: Engine): Promise<UNet> {
    this.unet ??= await this.createNetwork(engine);
    return this.unet;
  }

  /** Bytes of GPU memory that it holds. */
  get bytes(): number {
    return (this.unet?.bytes ?? 0) + (this.dataset?.buffer.size ?? 0) + (this.trainer?.bytes ?? 0);
  }

  /** Describes the run on the adapter that it was built on. @internal */
  describe(adapter: AdapterDescription): RunDescription {
    const { settings, images, data, stepsPerEpoch, bytes } = this;
    const { config, parameterCount } = this.unet!;
    return {
      step: this.losses.length,
      losses: Float32Array.from(this.losses),
      settings,
      images: images.count,
      data,
      stepsPerEpoch,
      bytes,
      network: config,
      parameters: parameterCount,
      variants: this.trainer!.variants,
      adapter,
    };
  }

  /** Trains until the epochs, or `steps` steps, are complete, and yields each step. Throws the signal's reason. @internal */
  async *train(options: {
    readonly steps: number;
    readonly signal?: AbortSignal | undefined;
  }): AsyncGenerator<TrainingEvent, void, undefined> {
    const { trainer, dataset } = this;
    const { seed, epochs, binarize, dropLast } = this.settings;
    const maxSteps = Math.min(options.steps, this.end - this.losses.length);
    if (maxSteps <= 0) return;
    const { signal } = options;
    this.diverged = false;
    const fit = trainer!.fit(dataset!, { epochs, seed, binarize, dropLast, maxSteps, signal });
    for await (const event of fit) {
      if (this.trainer !== trainer) break;
      yield event;
    }
  }

  /** Adds a step's loss. Returns a warning if the losses show that the network learns nothing. @internal */
  add(loss: number): string | undefined {
    this.losses.push(loss);
    return this.watch?.warning(this.losses, this.settings.learningRate);
  }

  /** The last copy as a file, with the present settings. @internal */
  get file(): Bytes | undefined {
    const { checkpoint, settings, schedule } = this;
    return checkpoint && withSettings(checkpoint, settings, schedule);
  }

  /** Copies the run to the host, including the steps under way. Returns all losses. @internal */
  async takeCheckpoint(): Promise<Float32Array> {
    const { trainer, settings, data, losses } = this;
    const checkpoint = await saveCheckpoint({ trainer: trainer!, settings, data, losses });
    const all = decodeSafetensors(checkpoint).tensors.get('losses')!.data as Float32Array;
    if (this.checkpoint && stepIn(this.checkpoint) < all.length) this.before = this.checkpoint;
    this.checkpoint = checkpoint;
    return all;
  }

  /** The copy to go back to: the one before the last, else the last one if the run has gone on from it, or diverged. @internal */
  get earlier(): Bytes | undefined {
    const { before, checkpoint, diverged, losses } = this;
    if (before) return before;
    return checkpoint && (diverged || stepIn(checkpoint) < losses.length) ? checkpoint : undefined;
  }

  /** Goes back to the `earlier` copy. Call `free` first. @internal */
  goBack(): void {
    this.checkpoint = this.earlier;
    this.before = undefined;
    this.diverged = false;
    this.rewind();
  }

  /** Cuts the losses to the last copy's. @internal */
  rewind(): void {
    this.losses = this.checkpoint ? [...loadCheckpoint(this.checkpoint).losses] : [];
    if (this.settings.scheduleChanges) this.noteChanges();
  }

  /** Notes the steps after which the schedule changed; a present schedule of steps that come again holds for them, too. */
  private noteChanges(...more: number[]): void {
    const steps = [...(this.settings.scheduleChanges ?? []), ...more];
    const changes = steps.map((step) => Math.min(step, this.losses.length));
    this.settings = { ...this.settings, scheduleChanges: [...new Set(changes)] };
  }

  /** Destroys network and trainer. @internal */
  free(): void {
    this.trainer?.destroy();
    this.trainer = undefined;
    this.dataset?.destroy();
    this.dataset = undefined;
    this.unet?.destroy();
    this.unet = undefined;
  }

  /** Gives the trainer the present rate and schedule. */
  private setRates(): void {
    const { trainer, schedule } = this;
    const { learningRate } = this.settings;
    if (trainer) Object.assign(trainer, { learningRate }, schedule && { schedule });
  }

  private async createNetwork(engine: Engine): Promise<UNet> {
    const { sampling } = this;
    if (!this.checkpoint)
      return createNetwork(engine, this.beginning!, { seed: this.settings.seed, sampling });
    const model = loadModel(this.checkpoint);
    return createTrained(engine, { ...model, sampling: sampling ?? model.sampling });
  }
}

/** The step at which a run on this number of images ends. */
export function lastStep(settings: RunSettings, imageCount: number): number {
  const { epochs, maxSteps = Number.POSITIVE_INFINITY } = settings;
  return Math.min(epochs * stepsPerEpoch({ ...settings, imageCount }), maxSteps);
}

/** Creates a trained network, or one with new weights by `seed`. */
export function createNetwork(
  engine: Engine,
  { network, trainer }: Beginning,
  { seed, sampling }: { readonly seed: number; readonly sampling?: Sampling | undefined },
): Promise<UNet> {
  if ('parameters' in network) {
    return createTrained(engine, { ...network, sampling: sampling ?? network.sampling }, seed);
  }
  const { objective = 'tutorial' } = trainer;
  return engine.createUNet(network, {
    seed,
    sampling: samplingFor({ config: network, objective, sampling }),
  });
}

/** Creates a network with the weights of a model. With a `seed`, a class table that the model lacks is new. */
export async function createTrained(engine: Engine, model: Trained, seed?: number): Promise<UNet> {
  checkObject('The config of the model', model.config, 'as loadModel returns it');
  const unet = await engine.createUNet(model.config, { seed: seed ?? 0, sampling: samplingFor(model) });
  try {
    if (seed === undefined) await unet.setParameters(model.parameters);
    else await unet.takeParameters(model.parameters);
    return unet;
  } catch (error) {
    unet.destroy();
    throw error;
  }
}
