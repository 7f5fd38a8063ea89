import { copyArray } from '../base/arrays';
import { checkInteger, type EngineError } from '../base/errors';
import type { Warning } from '../base/events';
import { loaded } from '../base/load';
import { Resource } from '../base/resource';
import type { Dataset } from '../data/dataset';
import type { ImageSet } from '../data/idx';
import type { AdapterDescription } from '../gpu/adapter';
import type { Gpu } from '../gpu/gpu';
import type { BufferSlice } from '../gpu/slice';
import { readBuffer } from '../gpu/staging';
import { checkSchedule, type Schedule, type ScheduleOption } from '../plan/schedule';
import { scheduleWords } from '../plan/step_state';
import { padBatch, type Tensor } from '../plan/tensor';
import { defaultChooser, withVariants } from '../unet/chooser';
import type { ComparisonLimits } from '../unet/comparison';
import type { LayerMaps } from '../unet/layer_maps';
import { checkUNet } from '../unet/network';
import type { UNet } from '../unet/unet';
import type { Variants } from '../unet/variants';
import { type Batch, type BatchPart, type BatchSource, takeBatch } from './batch';
import { StepComparison } from './comparison';
import type { Evaluation } from './evaluation';
import { Feed } from './feed';
import { Fit } from './fit';
import type { Frames } from './frames';
import type { Losses } from './losses';
import {
  binarizes,
  type CheckpointOptions,
  type CustomBackwardOptions,
  type CustomForwardOptions,
  type CustomUpdateOptions,
  checkEvaluate,
  checkFit,
  checkFrame,
  checkLearningRate,
  checkTrainer,
  type EvaluateOptions,
  type FitOptions,
  type FrameOptions,
  type FrameResult,
  type OptimizerState,
  type RecordOptions,
  type TrainerBuffers,
  type TrainerConfig,
  type TrainerOptions,
  type TrainingEvent,
} from './options';
import { StepRecorder } from './recorder';
import { badInput, divergence, lostSteps, wrongInput } from './refusal';
import { readState, writeState } from './state';
import { type StepPlan, variantsNeeded } from './step';
import { LOSS_RING } from './step_config';
import { StepPrograms, type UpdateSettings } from './step_programs';
import { TrainedWeights } from './trained_weights';
import { busyError, checkDataset, checkEpochs, checkState, forgetTeacher } from './validate';

interface TrainerParts {
  readonly gpu: Gpu;
  readonly unet: UNet;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly settings: TrainerConfig;
  readonly programs: StepPrograms;
  /** Only with `average`. */
  readonly trained: TrainedWeights | undefined;
  readonly variants: Variants;
  readonly comparison: StepComparison;
}

/**
 * Trains a UNet with mean squared error and Adam, or with a loss of the caller's. Created by `engine.createTrainer`; writes the weights of
 * the given UNet, but does not own it.
 */
export class Trainer extends Resource {
  /** The network that is trained. */
  readonly unet: UNet;
  /** Most images of a step. */
  readonly batchSize: number;
  /** The kernel variants in use. With the same seed, adapter and variants, a run gives the same bits. */
  readonly variants: Variants;
  /** The adapter that it runs on. */
  readonly adapter: AdapterDescription;
  /** Each layer's maps for the last step's batch, and the gradient of the loss there; readable with `reuseMemory: false`. */
  readonly maps: LayerMaps;
  /** The ops of a step. @internal */
  readonly plan: StepPlan;
  /** The buffers that outlive a step. @internal */
  readonly boundBuffers: ReadonlyMap<Tensor, GPUBuffer>;
  /** Makes the bytes of a checkpoint. The engine gives it, so that they are imported when asked for. @internal */
  keep!: (run: CheckpointOptions) => Promise<Uint8Array<ArrayBuffer>>;
  private readonly gpu: Gpu;
  private settings: TrainerConfig;
  private readonly programs: StepPrograms;
  private readonly trained: TrainedWeights | undefined;
  private readonly recorder: StepRecorder;
  private readonly comparison: StepComparison;
  /** Whether a step, a fit or an evaluation is under way. */
  private busy = false;
  private readonly isBusy = () => this.busy;
  /** Resolves to the number of steps made. @internal */
  readonly readStep = async () => (await this.unlessDestroyed(this.programs.losses.read())).step;
  /** While a fit waits for its caller: what the body of the loop evaluates, for which the fit waits, too. */
  private pause: { evaluation?: Promise<unknown> | undefined } | undefined;
  /** Whether the trainer has made a step: the kernels are compared before the next one. */
  private hasStepped = false;
  private feed: Feed | undefined;
  private frames: Frames | undefined;
  /** Completed steps when the trainer was created or last given a state: their losses are not in its ring. */
  private firstStep = 0;
  /** Completed steps, as far as the host knows: right while `begun` is the same, and nothing is recorded. */
  private known = { begun: 0, step: 0 };

  private constructor(parts: TrainerParts) {
    super('trainer');
    const { gpu, unet, programs, trained } = parts;
    this.gpu = gpu;
    this.unet = unet;
    this.batchSize = parts.batchSize;
    this.settings = parts.settings;
    this.programs = programs;
    this.trained = trained;
    this.plan = programs.plan;
    this.boundBuffers = programs.boundBuffers;
    this.adapter = gpu.adapter;
    this.variants = parts.variants;
    this.comparison = parts.comparison;
    unet.weights.attachTrainer(this.isBusy);
    this.maps = programs.maps;
    const check = () => this.check();
    const checkFree = () => this.checkFree();
    this.maps.owner = { check: checkFree, failed: (error) => this.failed(error) };
    const network = trained?.network ?? unet.weights;
    this.recorder = new StepRecorder({ ...parts, network, check, checkFree }, parts.learningRate);
  }

  /** @internal */
  static async create(
    gpu: Gpu,
    unet: UNet,
    options: TrainerOptions = {},
    chooser = defaultChooser(gpu),
  ): Promise<Trainer> {
    checkUNet(unet, gpu.device);
    const { variants: given, ...checked } = checkTrainer(options);
    const { batchSize, settings } = checked;
    const trained = settings.average ? await TrainedWeights.create(gpu, unet.weights) : undefined;
    const choice = { given, gpu, chooser, ...variantsNeeded(unet.weights, batchSize, settings) };
    const network = trained?.network ?? unet.weights;
    try {
      await trained?.bring();
      return await withVariants(choice, async (variants, isFixed) => {
        const stepOptions = { ...checked, variants, average: trained && unet.weights };
        const comparison = new StepComparison({
          gpu,
          network,
          batchSize,
          settings,
          variants,
          isFixed,
          chooser,
          place: choice,
        });
        const create = () => StepPrograms.create(gpu, network, stepOptions);
        const programs = await (checked.compares ? comparison.during(create) : create());
        return new Trainer({ gpu, unet, programs, trained, variants, comparison, ...checked });
      });
    } catch (error) {
      trained?.destroy();
      throw error;
    }
  }

  /** A distilled network is not distilled any more after this; `onWarning` says so. @internal */
  forgetTeacher(onWarning: (warning: Warning) => void): void {
    try {
      forgetTeacher(this.unet, onWarning);
    } catch (error) {
      this.destroy();
      throw error;
    }
  }

  /** The base rate, before the schedule, of the next step that begins or is recorded, and of the next submission of a `fit` under way. */
  get learningRate(): number {
    return this.recorder.rate;
  }

  set learningRate(value: number) {
    this.check();
    checkLearningRate(value);
    this.recorder.rate = value;
    this.programs.writeNext('learningRate', Float32Array.of(value));
  }

  /**
   * The change of the rate from step to step. A new one holds from the next step that begins and the next submission of a `fit` under way;
   * recorded steps take the one in force when they run. Throws `argument` for what is no schedule.
   */
  get schedule(): Schedule {
    return this.settings.schedule;
  }

  set schedule(value: ScheduleOption) {
    this.check();
    const schedule = checkSchedule(value);
    this.settings = { ...this.settings, schedule };
    this.programs.writeNext('warmup', scheduleWords(schedule));
  }

  /** The options of the trainer that decide what it trains, with their defaults, and its present schedule. */
  get config(): TrainerConfig {
    return this.settings;
  }

  /** Bytes of GPU memory that this trainer holds, without the UNet's weights and the data set. */
  get bytes(): number {
    if (this.destroyed) return 0;
    return this.programs.bytes + (this.feed?.bytes ?? 0) + (this.trained?.network.bytes ?? 0);
  }

  /**
   * Compiles and checks what steps need, with a data set also what `fit` with these options needs, so that the first ones take as long as
   * later ones. Makes no step. Throws as `step` does, and the signal's reason.
   */
  async prepare(dataset?: Dataset, options: Omit<FitOptions, 'epochs'> = {}): Promise<void> {
    this.check();
    const asked = checkFit({ epochs: 1, ...options }, this.config.objective, this.unet.config);
    if (dataset) checkDataset(dataset, this.gpu.device, this.unet.config);
    const work = async () => {
      if (dataset) await this.prepareFeed(dataset, asked.seed, asked.binarize);
      asked.signal?.throwIfAborted();
      await this.compare(await this.completedSteps(), asked);
    };
    await this.exclusively(work, asked.signal, dataset);
  }

  /**
   * Makes one step on the caller's batch, whose arrays are copied at once. Resolves to its loss when the weights are updated. If loss or gradient is not finite, nothing
   * changes, and it throws `argument` if the batch is at fault, else `diverged`; or resolves to NaN if `skipNonFinite` allows it. Throws
   * `wrong-kernel`, from the second step on, if kernels proved wrong at this size: then create the trainer again from an earlier state.
   */
  async step(batch: Batch): Promise<number> {
    this.check();
    const { gpu, programs } = this;
    const taken = takeBatch(batch, this.unet.weights, this.batchSize);
    return this.exclusively(async () => {
      const before = await this.completedSteps();
      if (this.hasStepped) await this.compare(before);
      const settings = await this.beginStep();
      const encoder = gpu.device.createCommandEncoder({ label: 'training step' });
      await programs.bringBatch(encoder, taken, settings);
      this.check();
      const submitLast: StepPrograms['losses']['submit'] = (last, work) => programs.losses.submit(last, work);
      const losses = await programs.inParts(() => gpu.runAnd(programs.step, submitLast, { encoder }));
      if (losses.refused) throw await this.refusalOf(losses, taken.sources);
      if (losses.step !== before + 1) throw lostSteps(1, losses.step - before);
      this.known = { begun: this.recorder.begun, step: losses.step };
      this.hasStepped = true;
      return losses.last(1)[0];
    });
  }

  /**
   * Trains for about `milliseconds`: whole steps where they fit, else a part of one, which the next call continues. Resolves when the GPU has
   * finished. No submission is longer than `milliseconds` or `maxSubmitMilliseconds`, so that a page can paint, and other work of the app
   * can run, in between.
   *
   * `source` is a data set, which it traverses as `fit` does, bit for bit and without end; or a function that returns the next batch whenever
   * a step begins. Any other step of this trainer drops an unfinished step, and its batch. Throws like `step`.
   */
  async runFor(source: Dataset | (() => Batch), options: FrameOptions): Promise<FrameResult> {
    this.check();
    checkFrame(options);
    const isSet = typeof source !== 'function';
    if (isSet) checkDataset(source, this.gpu.device, this.unet.config);
    const work = async () => {
      const { Frames } = await loaded(import('./frames'));
      // Recorded steps may be submitted at any time.
      const others = this.recorder.recorded || this.frames?.lastBegun !== this.recorder.begun;
      const known = others ? await this.readSteps() : undefined;
      let sources: readonly BatchSource[] = [];
      const { gpu, programs, batchSize } = this;
      const begun = () => this.recorder.begun;
      this.frames ??= new Frames({ gpu, programs, batchSize, begun, check: () => this.check() });
      const { signal, milliseconds } = options;
      const compare = async (step: number) => {
        await this.compare(step, { signal, milliseconds }).catch((error) => {
          if (error !== signal?.reason) throw error;
        });
      };
      const comparison = { isDone: () => this.comparison.isDone, run: compare };
      let settings: UpdateSettings;
      const begin = async () => {
        settings = await this.beginStep();
        if (isSet) programs.writeSettings(settings);
        return begun();
      };
      const load = async (encoder: GPUCommandEncoder) => {
        const taken = takeBatch((source as () => Batch)(), this.unet.weights, batchSize);
        sources = taken.sources;
        await programs.bringBatch(encoder, taken, settings);
        this.check();
        return taken.count;
      };
      const drawn = isSet ? await this.drawnFrom(source, options) : { seed: 0, load };
      const refusal = (known: Losses) => this.refusalOf(known, sources);
      if (this.hasStepped && !comparison.isDone())
        await compare((known ?? (await programs.losses.read())).step);
      const result = await this.frames.run({ begin, refusal, comparison, ...drawn }, options, known);
      this.hasStepped ||= result.steps > 0;
      return result;
    };
    return this.exclusively(work, options.signal, source);
  }

  /**
   * The losses of the last `count` completed steps (1 to 1024), oldest first; fewer if this trainer has made fewer since it was created or
   * last given a state. NaN stands for a skipped step. Throws if a recorded step was not finite: `argument` if the batch of the last
   * recorded step is at fault, else `diverged`.
   */
  async readLosses(count = 1): Promise<Float32Array<ArrayBuffer>> {
    this.check();
    checkInteger('count', count, 1, LOSS_RING);
    return this.lossesOf(await this.unlessDestroyed(this.programs.losses.read()), count);
  }

  /**
   * Trains on a data set until `epochs` passes over it are complete, and yields an event for each step. Seed and step determine the order
   * of the images and all noise, so a run that was stopped continues as if it had not been. An abort rejects with the signal's reason
   * between two steps, or discards the current step.
   *
   * Its body may sample, predict, save and `evaluate`. Throws `argument` if all epochs are complete. Leaving the loop early keeps the steps that were already submitted, several at once on a fast adapter: `maxSteps` makes an exact number
   * of steps, and `readLosses` returns the losses of steps whose events the caller has not seen.
   */
  async *fit(dataset: Dataset, options: FitOptions): AsyncGenerator<TrainingEvent, void, undefined> {
    this.check();
    const { signal, ...asked } = checkFit(options, this.config.objective, this.unet.config);
    const { gpu, programs, batchSize } = this;
    checkDataset(dataset, gpu.device, this.unet.config);
    if (this.busy) throw busyError();
    if (asked.maxSteps === 0) return;
    this.busy = true;
    this.recorder.begin();
    const check = () => {
      this.check();
      dataset.check();
    };
    const withGrace = <T>(work: Promise<T>) => this.withGrace(work, signal);
    const begin = async () => {
      signal?.throwIfAborted();
      const feed = await this.prepareFeed(dataset, asked.seed, asked.binarize);
      const { step: from } = await this.readSteps();
      checkEpochs(asked.epochs, from, { ...asked, batchSize, imageCount: dataset.count });
      if (this.hasStepped) await this.compare(from, { signal });
      programs.writeSettings(await this.beginStep());
      signal?.throwIfAborted();
      check();
      return { feed, from };
    };
    let fit: Fit | undefined;
    try {
      const { feed, from } = await withGrace(begin());
      fit = new Fit({
        ...asked,
        gpu,
        programs,
        feed,
        batchSize,
        imageCount: dataset.count,
        from,
        signal,
        refusal: (losses) => this.refusal(losses),
        comparison: { isDone: () => this.comparison.isDone, run: (step) => this.compare(step, { signal }) },
        check,
        withGrace,
      });
      for await (const event of fit.events()) {
        const pause: typeof this.pause = {};
        this.pause = pause;
        try {
          yield event;
        } finally {
          this.pause = undefined;
          await withGrace(Promise.resolve(pause.evaluation));
        }
      }
    } catch (error) {
      if (error !== signal?.reason) {
        check();
        await this.failed(error);
      }
      throw error;
    } finally {
      const { idle } = this;
      const end = async () => {
        await idle;
        await fit?.settled();
        if (fit?.refused) this.allowSteps();
        this.hasStepped ||= fit?.hasStepped ?? false;
        this.busy = false;
      };
      await withGrace(end());
    }
  }

  /**
   * Evaluates the loss on held-out images, over all and by noise level, with noise and levels of a fixed seed and without withholding
   * classes. Takes bytes, with labels if the network is conditioned on classes, which are its own until it resolves: leave them as they are.
   * Does not change the training. In the body of a `fit` it sees the weights after the steps submitted so far. Throws as `createDataset`
   * does, and `data` for images that the network cannot take.
   */
  async evaluate(images: ImageSet | Dataset, options: EvaluateOptions = {}): Promise<Evaluation> {
    this.check();
    const { seed, binarize, signal } = checkEvaluate(options);
    const { variants, pause } = this;
    const { objective } = this.config;
    const unet = this.unet.weights;
    const work = async () => {
      const { evaluateImages } = await loaded(import('./evaluation'));
      return evaluateImages(this.gpu, images, {
        unet,
        variants,
        batch: padBatch(this.batchSize),
        corruption: { objective, seed, binarize: binarizes(objective, unet.config, binarize) },
        signal,
      });
    };
    if (!pause || pause.evaluation) return this.exclusively(work, signal, images);
    const evaluation = work().finally(() => {
      pause.evaluation = undefined;
    });
    pause.evaluation = evaluation.catch(() => {});
    return this.resultOf(evaluation, signal, images);
  }

  /**
   * The bytes of a checkpoint, from which `engine.resume` goes on: network, state, settings, losses, kernels. May be asked for at any time,
   * also while the trainer trains: all of it is of one step, the last one submitted. Throws `argument` if losses are missing, `diverged` if
   * weights or losses are not finite.
   */
  async checkpoint(run: CheckpointOptions): Promise<Uint8Array<ArrayBuffer>> {
    this.check();
    // The caller may add to the losses meanwhile.
    return this.keep({ ...run, losses: copyArray(run?.losses) });
  }

  /** A copy of the optimizer's state; all of one step, also while the trainer trains. */
  async getState(): Promise<OptimizerState<ArrayBuffer>> {
    this.check();
    return (await this.readState()).state;
  }

  /** What a checkpoint has of the trainer and its network, after the same step. @internal */
  async snapshot() {
    this.check();
    const { losses, ...others } = await this.readState();
    return { ...others, readLosses: (count: number) => this.lossesOf(losses, count) };
  }

  /**
   * Continues from a state that `getState` returned, in a trainer with the same `config.adam`; the caller sets the UNet's parameters
   * before. Throws an `argument` error, and changes nothing, if the state is of another network, incomplete or has another Adam config.
   */
  setState(state: OptimizerState): void {
    this.checkFree();
    const { gpu, programs, trained } = this;
    writeState({ gpu, programs, trained }, state, checkState(state, this.config, this.unet.weights));
    this.firstStep = state.step;
    this.recorder.begin();
    this.known = { begun: this.recorder.begun, step: state.step };
    this.allowSteps();
  }

  /** dL/d(parameter) by name, laid out as in `getParameters`: of the last step's mean loss, or `buffers.gradient` after `encodeBackward`. */
  async getGradients(): Promise<Map<string, Float32Array<ArrayBuffer>>> {
    this.check();
    const { weights } = this.unet;
    const gradients = this.programs.readGradients(weights, this.recorder.gradientIsCustom);
    return weights.split(await this.unlessDestroyed(gradients));
  }

  /**
   * Records one step on the caller's buffers, with its learning rate (default: `learningRate` at this moment); submits nothing. For a step
   * that is too long for one submission see `runFor`. `readLosses` has the loss once it has run. A non-finite step changes
   * nothing, and neither does any step after it until `readLosses`, or the next `step` or `fit`, has thrown the error. Throws `argument`
   * before anything is recorded.
   */
  encodeStep(
    encoder: GPUCommandEncoder,
    batch: Batch<BufferSlice, BufferSlice>,
    options: RecordOptions = {},
  ): void {
    this.recorder.encodeStep(encoder, batch, options);
  }

  /**
   * With `customLoss`: records a forward pass from the images in `input` to the network's output in `output`, both
   * [count][height][width][channels] of f32, and stores the tensors that `encodeBackward` needs in the trainer's memory.
   */
  encodeForward(encoder: GPUCommandEncoder, options: CustomForwardOptions): void {
    this.recorder.encodeForward(encoder, options);
  }

  /**
   * With `customLoss`: records the backward pass of the last forward pass from the caller's `outputGradient`, dL/d(output)
   * [count][height][width][channels] of f32, to the gradient of all parameters (`buffers.gradient`). `accumulate` adds it to the
   * present gradient. Throws `argument` without a forward pass, or if another step was recorded or made since.
   */
  encodeBackward(encoder: GPUCommandEncoder, options: CustomBackwardOptions): void {
    this.recorder.encodeBackward(encoder, options);
  }

  /**
   * With `customLoss`: records the trainer's update, Adam, by `buffers.gradient`. Learning rate, weight decay and the norm to clip at are
   * recorded with it; by default they are the trainer's. `loss`, one f32, is the step's loss in `readLosses` and `buffers.records`; its
   * default is 0. A non-finite loss or gradient changes nothing: see `encodeStep`. Throws `argument` without a gradient.
   */
  encodeUpdate(encoder: GPUCommandEncoder, options: CustomUpdateOptions = {}): void {
    this.recorder.encodeUpdate(encoder, options);
  }

  /** Records the kernels' copies of the weights, after the caller's shader has written `buffers.parameters`. */
  encodePack(encoder: GPUCommandEncoder): void {
    this.recorder.encodePack(encoder);
  }

  /** The trainer's buffers on the GPU, for the caller's shaders; they live as long as the trainer. */
  get buffers(): TrainerBuffers {
    return this.recorder.buffers;
  }

  /** @internal */
  override check(): void {
    super.check();
    this.unet.check();
  }

  /** As `check`; also throws in the middle of a step or a fit. */
  private checkFree(): void {
    this.check();
    if (this.busy) throw busyError();
  }

  protected release(): void {
    this.programs.destroy();
    this.trained?.destroy();
    this.feed?.destroy();
    const { weights } = this.unet;
    const changed = this.recorder.begun > 0;
    weights.detachTrainer(this.isBusy, changed);
    if (!changed || weights.followers.size === 0 || weights.destroyed) return;
    // Another trainer with an average trains on from what this one leaves.
    const encoder = this.gpu.device.createCommandEncoder({ label: 'pack weights' });
    weights.pack(encoder);
    this.gpu.submit(encoder).catch(() => {});
  }

  private readState() {
    const { gpu, programs, unet, config, trained } = this;
    return this.unlessDestroyed(readState({ gpu, programs, unet, adam: config.adam, trained }));
  }

  private async lossesOf(losses: Losses, count: number): Promise<Float32Array<ArrayBuffer>> {
    // During a fit, its loop throws the error.
    if (!this.busy) await this.throwRefused(losses);
    return losses.last(Math.min(count, losses.step - this.firstStep));
  }

  private read(t: Tensor, size = t.size): Promise<ArrayBuffer> {
    return this.unlessDestroyed(readBuffer(this.gpu, this.programs.buffer(t), size));
  }

  /** Completed steps. Asks the GPU only if there may be more than the host knows; then throws like `throwRefused`. */
  private async completedSteps(): Promise<number> {
    const { known } = this;
    if (!this.recorder.recorded && known.begun === this.recorder.begun) return known.step;
    return (await this.readSteps()).step;
  }

  /** Reads the GPU's records of the steps so far. Throws like `throwRefused`. */
  private async readSteps(): Promise<Losses> {
    const losses = await this.programs.losses.read();
    await this.throwRefused(losses);
    return losses;
  }

  /** Throws the error of an earlier step that the GPU refused, if there is one, and allows steps again. */
  private async throwRefused(losses: Losses): Promise<void> {
    if (losses.refused)
      throw await this.refusalOf(losses, this.recorder.recorded ?? [], 'the last recorded batch');
  }

  private refusal(known: Losses): EngineError {
    const steps = known.step - this.firstStep;
    const { rate, recorded } = this.recorder;
    return divergence(known, this.plan.blockLayers, rate, steps, recorded !== undefined);
  }

  /** After a refused step the GPU makes no step until the host calls this. */
  private allowSteps(): void {
    if (!this.destroyed) this.programs.writeState('skipped', Uint32Array.of(0));
  }

  /** Does `work` alone, on `data`. The trainer is busy until it has ended, also after an abort. */
  private async exclusively<T>(work: () => Promise<T>, signal?: AbortSignal, data?: unknown): Promise<T> {
    if (this.busy) throw busyError();
    this.busy = true;
    const done = work().finally(() => {
      this.busy = false;
    });
    return this.resultOf(done, signal, data);
  }

  private resultOf<T>(done: Promise<T>, signal?: AbortSignal, data?: unknown): Promise<T> {
    const known = done.catch((error) => {
      // The device refuses what needs a data set that was destroyed meanwhile.
      if (error !== signal?.reason) (data as Partial<Dataset> | undefined)?.check?.();
      throw error;
    });
    return this.unlessDestroyed(known, signal);
  }

  /** Compares the kernels after step `step`, unless that is finished. Throws `wrong-kernel`. */
  private compare(step: number, limits: ComparisonLimits = {}): Promise<void> {
    this.hasStepped = true;
    return this.comparison.run(step - this.firstStep, limits);
  }

  /** Counts a step as begun, and brings the weights up to date. Resolves to the values of its update. */
  private async beginStep(): Promise<UpdateSettings> {
    this.check();
    this.recorder.countStep();
    await this.trained?.bring();
    this.check();
    return this.recorder.updateSettings();
  }

  /** The error for a step that the GPU refused; allows steps again. */
  private async refusalOf(losses: Losses, batch: readonly BatchPart[], whose?: string): Promise<EngineError> {
    this.allowSteps();
    const wrong = await wrongInput(
      batch,
      (part) => this.read(this.plan.tensors[part.to], part.bytes / 4),
      whose,
    );
    return wrong ? badInput(losses.step + 1, wrong) : this.refusal(losses);
  }

  /** A data set as a source of batches. */
  private async drawnFrom(dataset: Dataset, { seed = 0, binarize, dropLast }: FrameOptions) {
    const blackAndWhite = binarizes(this.config.objective, this.unet.config, binarize);
    const feed = await this.prepareFeed(dataset, seed, blackAndWhite);
    return { feed, seed, dropLast, imageCount: dataset.count };
  }

  private async prepareFeed(dataset: Dataset, seed: number, binarize: boolean): Promise<Feed> {
    if (!this.feed?.serves(dataset, seed, binarize)) {
      this.feed?.destroy();
      this.feed = undefined;
      const { config: settings, batchSize, unet } = this;
      const options = { config: unet.config, batchSize, settings, dataset, seed, binarize };
      this.feed = await Feed.create(this.gpu, this.programs, options);
      if (this.destroyed) this.feed.destroy();
    }
    return this.feed;
  }
}
