import type { Dataset } from '../data/dataset';
import type { ImageSet } from '../data/idx';
import { checkInteger, checkNames, EngineError, typeOf } from '../errors';
import type { AdapterDescription } from '../gpu/adapter';
import type { Gpu } from '../gpu/gpu';
import { computePass } from '../gpu/program';
import { readBuffer } from '../gpu/staging';
import { STATE } from '../plan/step_state';
import { padBatch, type Tensor } from '../plan/tensor';
import { Resource } from '../resource';
import { defaultChooser, withVariants } from '../tuning/chooser';
import { isBuffer } from '../unet/conditions';
import type { LayerMaps } from '../unet/layer_maps';
import type { UNet } from '../unet/unet';
import type { Variants } from '../unet/variants';
import { type Batch, checkBatch, sourcesOf } from './batch';
import { EVALUATE_OPTIONS, type EvaluateOptions, type Evaluation, evaluate, onGpu } from './evaluation';
import { Feed, setTensors } from './feed';
import { Fit } from './fit';
import type { Losses } from './losses';
import {
  checkFit,
  checkLearningRate,
  checkTrainer,
  type FitOptions,
  type OptimizerState,
  type TrainerOptions,
  type TrainerSettings,
  type TrainingEvent,
} from './options';
import { badInput, divergence, wrongInput } from './refusal';
import { LOSS_RING } from './settings';
import type { StepPlan } from './step';
import { StepPrograms } from './step_programs';
import { TrainedWeights } from './trained_weights';
import { busyError, checkDataset, checkState } from './validate';

interface TrainerParts {
  readonly gpu: Gpu;
  readonly unet: UNet;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly settings: TrainerSettings;
  readonly variants: Variants;
  readonly programs: StepPrograms;
  readonly trained?: TrainedWeights;
}

/**
 * Trains a UNet with mean squared error and Adam. Created by `engine.createTrainer`; writes the weights of the given UNet, but does not own
 * it.
 */
export class Trainer extends Resource {
  readonly unet: UNet;
  readonly batchSize: number;
  /** The kernel variants in use. With the same seed, adapter and variants, a run gives the same bits. */
  readonly variants: Variants;
  /** The settings that the trainer was created with. */
  readonly settings: TrainerSettings;
  /** The adapter that it runs on. */
  readonly adapter: AdapterDescription;
  /** What each layer makes of the last step's batch, and the loss's gradient there; readable with `reuseMemory: false`. */
  readonly maps: LayerMaps;
  /** The ops of a step. @internal */
  readonly plan: StepPlan;
  /** The buffers that outlive a step. @internal */
  readonly boundBuffers: ReadonlyMap<Tensor, GPUBuffer>;
  private readonly gpu: Gpu;
  private readonly programs: StepPrograms;
  /** Only with `averageWeights`. */
  private readonly trained: TrainedWeights | undefined;
  private feed: Feed | undefined;
  private rate: number;
  /** Completed steps when the trainer was created or last given a state: their losses are not in its ring. */
  private firstStep = 0;
  private busy = false;

  private constructor(parts: TrainerParts) {
    super('trainer');
    const { gpu, unet, batchSize, learningRate, settings, variants, programs, trained } = parts;
    this.gpu = gpu;
    this.adapter = gpu.adapter;
    this.settings = settings;
    this.unet = unet;
    this.batchSize = batchSize;
    this.rate = learningRate;
    this.variants = variants;
    this.programs = programs;
    this.trained = trained;
    this.plan = programs.plan;
    this.maps = programs.maps;
    this.maps.check = () => this.checkFree();
    this.boundBuffers = programs.boundBuffers;
    unet.attachTrainer();
  }

  /** @internal */
  static async create(
    gpu: Gpu,
    unet: UNet,
    options: TrainerOptions = {},
    chooser = defaultChooser(gpu),
  ): Promise<Trainer> {
    unet.check(gpu.device);
    const { batchSize, learningRate, reuseMemory, variants: given, settings } = checkTrainer(options);
    const trained = settings.averageWeights ? await TrainedWeights.create(gpu, unet) : undefined;
    const batch = { layers: unet.plan.layers, batch: padBatch(batchSize) };
    const choice = { given, gpu, chooser, ...batch, training: true };
    try {
      return await withVariants(choice, async (variants) => {
        const common = { batchSize, learningRate, settings, variants };
        const stepOptions = { ...common, reuseMemory, average: trained && unet };
        const programs = await StepPrograms.create(gpu, trained?.network ?? unet, stepOptions);
        return new Trainer({ gpu, unet, programs, trained, ...common });
      });
    } catch (error) {
      trained?.network.destroy();
      throw error;
    }
  }

  get learningRate(): number {
    return this.rate;
  }

  /** Takes effect with the next submitted step. */
  set learningRate(value: number) {
    this.check();
    checkLearningRate(value);
    this.rate = value;
    this.programs.writeState('learningRate', Float32Array.of(value));
  }

  /** Bytes of GPU memory that this trainer holds, without the UNet's weights and the data set. */
  get bytes(): number {
    return this.programs.bytes + (this.feed?.bytes ?? 0) + (this.trained?.network.bytes ?? 0);
  }

  /**
   * Makes one step on the caller's batch. Resolves to its loss when the weights are updated. If loss or gradient is not finite, nothing
   * changes, and it throws `argument` if the batch is at fault, else `diverged`; or resolves to NaN if `skipNonFinite` allows it.
   */
  async step(batch: Batch): Promise<number> {
    this.check();
    const { gpu, programs, unet } = this;
    const count = checkBatch(batch, unet, this.batchSize);
    return this.exclusively(async () => {
      const encoder = gpu.device.createCommandEncoder({ label: 'training step' });
      this.trained?.encode(encoder);
      programs.encodeCount(encoder, count);
      const sources = sourcesOf(batch, unet.config, count);
      for (const { source, to, bytes } of sources) {
        const buffer = programs.buffer(this.plan.tensors[to]);
        if (isBuffer(source)) encoder.copyBufferToBuffer(source, 0, buffer, 0, bytes);
        else gpu.writeSoon(buffer, 0, source.buffer, source.byteOffset, source.byteLength);
      }
      const losses = await gpu.runAnd(programs.step, (last, work) => programs.losses.submit(last, work), {
        encoder,
      });
      if (!losses.refused) return losses.last(1)[0];
      this.allowSteps();
      const wrong = await wrongInput(sources, ({ to, bytes }) => this.read(this.plan.tensors[to], bytes / 4));
      throw wrong ? badInput(losses.step + 1, wrong) : this.refusal(losses);
    });
  }

  /**
   * Records one step on the caller's buffers; submits nothing. The caller may have to split a long step over several submissions, and reads
   * the loss with `readLosses` once it has run. A non-finite step changes nothing, and neither does any step after it until `readLosses`,
   * or the next `step` or `fit`, has thrown the error.
   */
  encodeStep(encoder: GPUCommandEncoder, batch: Batch<GPUBuffer, GPUBuffer>): void {
    this.checkFree();
    const { programs, unet } = this;
    const count = checkBatch(batch, unet, this.batchSize);
    const sources = sourcesOf(batch, unet.config, count).map(({ source, ...rest }) => {
      if (isBuffer(source)) return { source, ...rest };
      throw new EngineError(
        'argument',
        `encodeStep was given a ${typeOf(source)} in the batch; all of it must be in GPUBuffers. Give arrays to step().`,
      );
    });
    this.trained?.encode(encoder);
    programs.encodeCount(encoder, count);
    for (const { source, to, bytes } of sources)
      encoder.copyBufferToBuffer(source, 0, programs.buffer(this.plan.tensors[to]), 0, bytes);
    computePass(encoder, 'training step', (pass) => {
      for (const program of programs.step) program.encode(pass);
    });
  }

  /**
   * The losses of the last `count` completed steps (1 to 1024), oldest first; fewer if this trainer has made fewer since it was created or
   * last given a state. NaN stands for a skipped step. Throws `diverged` if the last recorded step was not finite.
   */
  async readLosses(count = 1): Promise<Float32Array<ArrayBuffer>> {
    this.check();
    checkInteger('count', count, 1, LOSS_RING);
    const losses = await this.unlessDestroyed(this.programs.losses.read());
    // During a fit, its loop throws the error.
    if (!this.busy) this.throwRefused(losses);
    return losses.last(Math.min(count, losses.step - this.firstStep));
  }

  /**
   * Trains on a data set until `epochs` passes over it are complete, and yields an event for each step. Seed and step determine the order
   * of the images and all noise, so a run that was stopped continues as if it had not been. An abort rejects with the signal's reason
   * between two steps, or discards the current step.
   *
   * Leaving the loop early keeps the steps that were already submitted, several at once on a fast adapter: `maxSteps` makes an exact number
   * of steps, and `readLosses` returns the losses of steps whose events the caller has not seen.
   */
  async *fit(dataset: Dataset, options: FitOptions): AsyncGenerator<TrainingEvent, void, undefined> {
    this.check();
    const { signal, ...asked } = checkFit(options, this.settings.objective);
    const { gpu, programs, batchSize } = this;
    checkDataset(dataset, gpu.device, this.unet.config);
    if (this.busy) throw busyError();
    this.busy = true;
    const check = () => {
      this.check();
      dataset.check();
    };
    let fit: Fit | undefined;
    try {
      signal?.throwIfAborted();
      const feed = await this.prepareFeed(dataset, asked.seed, asked.binarize);
      const known = await programs.losses.read();
      this.throwRefused(known);
      if (this.trained) {
        const encoder = gpu.device.createCommandEncoder({ label: 'trained weights' });
        this.trained.encode(encoder);
        await gpu.submit(encoder);
      }
      signal?.throwIfAborted();
      check();
      fit = new Fit({
        ...asked,
        gpu,
        programs,
        feed,
        batchSize,
        imageCount: dataset.count,
        from: known.step,
        signal,
        refusal: (losses) => this.refusal(losses),
        check,
      });
      yield* fit.events();
    } catch (error) {
      if (error !== signal?.reason) check();
      throw error;
    } finally {
      await fit?.settled();
      if (fit?.refused) this.allowSteps();
      this.busy = false;
    }
  }

  /**
   * The loss on images that are not trained on, over all and by noise level, with noise and levels of a fixed seed and without withholding
   * classes. Takes bytes, with labels if the network is conditioned on classes; does not change the training.
   */
  async evaluate(images: ImageSet | Dataset, options: EvaluateOptions = {}): Promise<Evaluation> {
    this.check();
    checkNames('evaluate', options, EVALUATE_OPTIONS);
    const { objective } = this.settings;
    const { seed = 0, binarize = objective === 'tutorial', signal } = options;
    checkInteger('seed', seed, 0, 0xffffffff);
    const { gpu, unet, variants } = this;
    return this.exclusively(async () => {
      const { dataset, own } = await onGpu(gpu, images);
      let order: GPUBuffer | undefined;
      try {
        checkDataset(dataset, gpu.device, unet.config);
        [order] = await gpu.createBuffers([{ label: 'evaluation order', bytes: dataset.count * 4 }]);
        const inOrder = Uint32Array.from({ length: dataset.count }, (_, i) => i);
        gpu.writeSoon(order, 0, inOrder);
        const batch = padBatch(this.batchSize);
        const corruption = { objective, seed, binarize };
        return await evaluate(gpu, {
          unet,
          batch,
          variants,
          data: setTensors(dataset, order),
          corruption,
          signal,
        });
      } finally {
        order?.destroy();
        if (own) dataset.destroy();
      }
    });
  }

  /** A copy of the optimizer's state, for a checkpoint. */
  async getState(): Promise<OptimizerState<ArrayBuffer>> {
    this.check();
    const { state, moment1, moment2 } = this.plan.tensors;
    const words = await this.read(state);
    const moments = [moment1, moment2].map(async (t) => this.unet.split(await this.read(t)));
    const [m, v] = await Promise.all(moments);
    const weights = await this.trained?.getParameters();
    const floats = new Float32Array(words);
    return {
      step: new Uint32Array(words)[STATE.step],
      corrections: Float32Array.of(floats[STATE.correction1], floats[STATE.correction2]),
      adam: this.settings.adam,
      moment1: m,
      moment2: v,
      ...(weights ? { weights } : {}),
    };
  }

  /**
   * Continues from a state that `getState` returned, in a trainer with the same Adam settings; the caller sets the UNet's parameters
   * separately. Throws an `argument` error, and changes nothing, if the state is of another network, incomplete or has other settings.
   */
  setState(state: OptimizerState): void {
    this.checkFree();
    const { gpu, programs } = this;
    const { moment1, moment2, weights } = checkState(state, this.settings, this.unet);
    gpu.writeSoon(programs.buffer(this.plan.tensors.moment1), 0, moment1);
    gpu.writeSoon(programs.buffer(this.plan.tensors.moment2), 0, moment2);
    this.trained?.set(weights);
    this.firstStep = state.step;
    programs.writeState('step', Uint32Array.of(state.step));
    const [correction1, correction2] = state.corrections;
    programs.writeState('correction1', Float32Array.of(correction1));
    programs.writeState('correction2', Float32Array.of(correction2));
    this.allowSteps();
  }

  /** dL/d(parameter) of the last step, by name. */
  async getGradients(): Promise<Map<string, Float32Array<ArrayBuffer>>> {
    this.check();
    return this.unet.split(await this.unlessDestroyed(this.programs.readGradients(this.unet)));
  }

  /** @internal */
  override check(): void {
    super.check();
    this.unet.check();
  }

  /** Also throws in the middle of a step or a fit. */
  private checkFree(): void {
    this.check();
    if (this.busy) throw busyError();
  }

  protected release(): void {
    this.programs.destroy();
    this.trained?.network.destroy();
    this.feed?.destroy();
    this.unet.detachTrainer();
  }

  private read(t: Tensor, size = t.size): Promise<ArrayBuffer> {
    return this.unlessDestroyed(readBuffer(this.gpu, this.programs.buffer(t), size));
  }

  /** Throws the error of the step that the GPU refused, if there is one, and allows steps again. */
  private throwRefused(known: Losses): void {
    if (!known.refused) return;
    this.allowSteps();
    throw this.refusal(known);
  }

  private refusal(known: Losses): EngineError {
    return divergence(known, this.plan.blockLayers, this.rate, known.step - this.firstStep);
  }

  /** After a refused step the GPU makes no step until the host calls this. */
  private allowSteps(): void {
    if (!this.destroyed) this.programs.writeState('skipped', Uint32Array.of(0));
  }

  private async exclusively<T>(work: () => Promise<T>): Promise<T> {
    if (this.busy) throw busyError();
    this.busy = true;
    try {
      return await this.unlessDestroyed(work());
    } finally {
      this.busy = false;
    }
  }

  private async prepareFeed(dataset: Dataset, seed: number, binarize: boolean): Promise<Feed> {
    if (!this.feed?.serves(dataset, seed, binarize)) {
      this.feed?.destroy();
      this.feed = undefined;
      const { settings, batchSize, unet } = this;
      const options = { config: unet.config, batchSize, settings, dataset, seed, binarize };
      this.feed = await Feed.create(this.gpu, this.programs, options);
      if (this.destroyed) this.feed.destroy();
    }
    return this.feed;
  }
}
