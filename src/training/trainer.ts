import type { Dataset } from '../data/dataset';
import type { ImageSet } from '../data/idx';
import { checkInteger, checkNames, checkNumber, EngineError, notImages, typeOf, whileThere } from '../errors';
import type { AdapterDescription } from '../gpu/adapter';
import type { Gpu } from '../gpu/gpu';
import { Program } from '../gpu/program';
import { STATE, STATE_WORDS } from '../plan/step_state';
import { type Tensor, tensor } from '../plan/tensor';
import { permutation } from '../random';
import { checkLabels, checkLevels, isBuffer } from '../unet/conditions';
import { outChannelsOf, type UNetConfig } from '../unet/config';
import type { UNet } from '../unet/unet';
import { checkVariants, type Variants } from '../unet/variants';
import { type EvaluateOptions, type Evaluation, evaluate, onGpu } from './evaluation';
import { type Losses, LossReader } from './losses';
import { checkSchedule, type ScheduleOption } from './schedule';
import {
  type AdamSettings,
  adamDefaults,
  LOSS_RING,
  type Objective,
  planCorruption,
  planStep,
  type StepPlan,
  type StepSettings,
} from './step';

/** Of one submission: what is recorded takes memory, too. At most LOSS_RING. */
const MOST_STEPS = 256;

export interface TrainerOptions extends Partial<AdamSettings> {
  /** Images a step. Default 256. */
  readonly batchSize?: number;
  /** Default 1e-3. */
  readonly learningRate?: number;
  /** What the network learns. Default `tutorial`. */
  readonly objective?: Objective;
  /** How the learning rate changes from step to step. Default `constant`. */
  readonly schedule?: ScheduleOption;
  /** The greatest norm of the gradient of all parameters together; a longer one is shortened to it. Default: any. */
  readonly clipNorm?: number;
  /**
   * How likely `fit` withholds an image's class from a network that is told classes, 0 to 1, so that it learns to do without, which
   * guidance needs. Default 0.05.
   */
  readonly classDropout?: number;
  /** False gives every activation and gradient a buffer of its own, so that all can be read after a step. Default true. */
  readonly reuseMemory?: boolean;
  /** Kernel variants by layer, for a run that must repeat another one bit for bit. Default: chosen for the device. */
  readonly variants?: Variants;
}

export interface FitOptions {
  /** Train until this many passes over the data are complete, counting those already done. */
  readonly epochs: number;
  /** Fixes shuffling and noise. Default 0. */
  readonly seed?: number;
  /** Black and white images, as the tutorial has them: byte > 127. Default: for the objective `tutorial`. */
  readonly binarize?: boolean;
  /** Return after so many more steps, if the epochs are not complete before. */
  readonly maxSteps?: number;
  readonly signal?: AbortSignal;
}

export interface TrainingEvent {
  /** Completed steps, so 1 after the first. */
  readonly step: number;
  /** The epoch that the step belongs to, from 1. */
  readonly epoch: number;
  /** Mean squared error over the step's batch, before its update. */
  readonly loss: number;
  /** Of the step, by the schedule. */
  readonly learningRate: number;
  /** Of all parameters together, before it is shortened; with `clipNorm` only. */
  readonly gradientNorm?: number;
  /** Over the last few seconds. */
  readonly imagesPerSecond: number;
}

/** A batch of the caller's own. Images are [count][height][width][channels], as arrays or as buffers of f32 with COPY_SRC. */
export interface Batch<Source = Float32Array | GPUBuffer, Labels = ArrayLike<number> | GPUBuffer> {
  readonly noisy: Source;
  /** What the network is to make of it. */
  readonly target?: Source;
  /** What `target` is in the tutorial: give one of the two. */
  readonly clean?: Source;
  /** [count] noise levels, for a network that is told them. */
  readonly levels?: Source;
  /** [count] classes, for a network that is told them (in a buffer: u32); as many as there are classes stands for none. */
  readonly labels?: Labels;
  /** Images in the batch, at most `batchSize`; follows from the length of arrays, and is `batchSize` for buffers. */
  readonly count?: number;
}

/** Everything beside the parameters that a run needs to go on as if it had never stopped. */
export interface OptimizerState<Memory extends ArrayBufferLike = ArrayBufferLike> {
  readonly step: number;
  /** 1 - beta1^step and 1 - beta2^step, as the GPU has them. */
  readonly corrections: Float32Array<Memory>;
  /** What moments and corrections were made with: a trainer with other settings refuses the state. */
  readonly adam: AdamSettings;
  /** Moment estimates by parameter name. */
  readonly moment1: ReadonlyMap<string, Float32Array<Memory>>;
  readonly moment2: ReadonlyMap<string, Float32Array<Memory>>;
}

/**
 * Trains a UNet with mean squared error and Adam. Created by `engine.createTrainer`; writes the weights of the UNet that it
 * was given, and does not own it.
 */
export class Trainer {
  readonly unet: UNet;
  readonly batchSize: number;
  /** The kernel variants in use. With the same seed, adapter and variants a run gives the same bits. */
  readonly variants: Variants;
  /** As it was created. */
  readonly settings: TrainerSettings;
  /** What it runs on. */
  readonly adapter: AdapterDescription;
  /** What a step does, and the buffers that outlive it. @internal */
  readonly plan: StepPlan;
  /** @internal */
  readonly fixed: ReadonlyMap<Tensor, GPUBuffer>;
  private readonly gpu: Gpu;
  /** The numbers 1 … batchSize, so that a recorded step can set its count by a copy. */
  private readonly counts: GPUBuffer;
  private readonly stateBackup: GPUBuffer;
  private readonly load: Program;
  private readonly gradients: Program;
  private readonly update: Program;
  private readonly losses: LossReader;
  private feed: Feed | undefined;
  private rate: number;
  /** Completed steps whose losses never were in this trainer's ring. */
  private firstStep = 0;
  private busy = false;
  private destroyed = false;

  private constructor(
    gpu: Gpu,
    unet: UNet,
    batchSize: number,
    learningRate: number,
    settings: TrainerSettings,
    variants: Variants,
    parts: TrainerParts,
  ) {
    this.gpu = gpu;
    this.adapter = gpu.adapter;
    this.settings = settings;
    this.unet = unet;
    this.batchSize = batchSize;
    this.rate = learningRate;
    this.variants = variants;
    this.plan = parts.plan;
    this.fixed = parts.fixed;
    this.counts = parts.counts;
    this.stateBackup = parts.stateBackup;
    [this.load, this.gradients, this.update] = parts.programs;
    this.losses = parts.losses;
    unet.trainerComes();
    this.writeState(STATE.learningRate, Float32Array.of(learningRate));
  }

  /** @internal */
  static async create(gpu: Gpu, unet: UNet, options: TrainerOptions = {}): Promise<Trainer> {
    unet.check(gpu.device);
    checkNames('A trainer', options, [
      'batchSize',
      'learningRate',
      'beta1',
      'beta2',
      'epsilon',
      'weightDecay',
      'objective',
      'schedule',
      'clipNorm',
      'classDropout',
      'reuseMemory',
      'variants',
    ] satisfies (keyof TrainerOptions)[]);
    const { batchSize = 256, learningRate = 1e-3, reuseMemory = true, variants } = options;
    checkInteger('batchSize', batchSize, 1, 65536);
    checkLearningRate(learningRate);
    const settings = settingsOf(options);
    const batch = Math.ceil(batchSize / 4) * 4;
    const { layers } = unet.plan;
    if (variants) checkVariants(variants, layers, batch, gpu.device.features, true);
    const chosen = variants ?? (await gpu.chooseVariants(layers, batch, true));
    const parts = await createParts(gpu, unet, batchSize, settings, chosen, reuseMemory);
    return new Trainer(gpu, unet, batchSize, learningRate, settings, chosen, parts);
  }

  get learningRate(): number {
    return this.rate;
  }

  /** Takes effect with the next step that is submitted. */
  set learningRate(value: number) {
    this.check();
    checkLearningRate(value);
    this.rate = value;
    this.writeState(STATE.learningRate, Float32Array.of(value));
  }

  /** Bytes of GPU memory that this trainer holds, without the UNet's weights and the data set. */
  get bytes(): number {
    const own = [...this.fixed]
      .filter(([t]) => !this.unet.fixed.has(t))
      .reduce((sum, [, b]) => sum + b.size, 0);
    const programs = this.load.bytes + this.gradients.bytes + this.update.bytes;
    return own + programs + this.counts.size + this.stateBackup.size + (this.feed?.bytes ?? 0);
  }

  /** One step on the caller's own batch. Resolves to its loss when the weights are updated; throws `diverged` if it is not finite. */
  async step(batch: Batch): Promise<number> {
    this.check();
    const count = this.checkBatch(batch);
    return this.exclusively(async () => {
      const { device } = this.gpu;
      const encoder = device.createCommandEncoder({ label: 'training step' });
      this.encodeCount(encoder, count);
      for (const { source, to, bytes } of this.sourcesOf(batch, count)) {
        if (isBuffer(source)) encoder.copyBufferToBuffer(source, 0, to, 0, bytes);
        else device.queue.writeBuffer(to, 0, source.buffer, source.byteOffset, source.byteLength);
      }
      const losses = await this.gpu.runAnd(
        [this.load, this.gradients, this.update],
        (last, work) => this.losses.submit(last, work),
        { encoder },
      );
      const [loss] = losses.last(1);
      if (!Number.isFinite(loss)) throw divergence({ step: losses.step, loss }, this.rate);
      return loss;
    });
  }

  /**
   * Records one step on the caller's buffers, submits nothing. Splitting a long step over several submissions is then the
   * caller's business, and `readLosses` tells the loss once it has run. Nobody looks at it here: that it is finite is for the
   * caller to check, too.
   */
  encodeStep(encoder: GPUCommandEncoder, batch: Batch<GPUBuffer, GPUBuffer>): void {
    this.check();
    if (this.busy) throw busyError();
    const count = this.checkBatch(batch);
    const sources = this.sourcesOf(batch, count).map(({ source, ...rest }) => {
      if (isBuffer(source)) return { source, ...rest };
      throw new EngineError(
        'argument',
        `encodeStep was given a ${typeOf(source)} in the batch; all of it must be in GPUBuffers. Give arrays to step().`,
      );
    });
    this.encodeCount(encoder, count);
    for (const { source, to, bytes } of sources) encoder.copyBufferToBuffer(source, 0, to, 0, bytes);
    const pass = encoder.beginComputePass({ label: 'training step' });
    for (const program of [this.load, this.gradients, this.update]) program.encode(pass);
    pass.end();
  }

  /**
   * The losses of the last `count` completed steps (1 to 1024), oldest first; fewer if this trainer has done fewer since it was
   * created or last given a state.
   */
  async readLosses(count = 1): Promise<Float32Array<ArrayBuffer>> {
    this.check();
    checkInteger('count', count, 1, LOSS_RING);
    const losses = await this.whileThere(this.losses.read());
    return losses.last(Math.min(count, losses.step - this.firstStep));
  }

  /**
   * Trains on a data set until `epochs` passes over it are complete, and yields an event for each step. The order of the
   * images and all noise follow from seed and step, so a run that was stopped goes on as if it had not been. An abort rejects
   * with the signal's reason between two steps, or discards the step under way.
   *
   * Leaving the loop early keeps the steps that were submitted already, several at once on a fast adapter: `maxSteps` makes an
   * exact number of them, and `readLosses` tells the losses of those whose events nobody saw.
   */
  async *fit(dataset: Dataset, options: FitOptions): AsyncGenerator<TrainingEvent, void, undefined> {
    this.check();
    checkNames('fit', options, [
      'epochs',
      'seed',
      'binarize',
      'maxSteps',
      'signal',
    ] satisfies (keyof FitOptions)[]);
    const { objective } = this.settings;
    const { epochs, seed = 0, binarize = objective === 'tutorial', maxSteps, signal } = options;
    checkInteger('epochs', epochs, 1);
    if (maxSteps !== undefined) checkInteger('maxSteps', maxSteps, 1);
    checkInteger('seed', seed, 0, 0xffffffff);
    this.checkDataset(dataset);
    if (this.busy) throw busyError();
    this.busy = true;
    const checkThere = () => {
      this.check();
      dataset.check();
    };
    const pending: Promise<TrainingEvent[]>[] = [];
    try {
      signal?.throwIfAborted();
      const perEpoch = Math.ceil(dataset.count / this.batchSize);
      const feed = await this.prepareFeed(dataset, seed, binarize);
      let { step } = await this.losses.read();
      signal?.throwIfAborted();
      checkThere();
      const end = Math.min(epochs * perEpoch, step + (maxSteps ?? Number.POSITIVE_INFINITY));
      this.startEpochAt(step % perEpoch, dataset.count);
      let orderOf = -1;
      const meter = new Meter();
      const epochOf = (s: number) => Math.floor(s / perEpoch);
      const eventsOf = async (n: number, losses: Promise<Losses>): Promise<TrainingEvent[]> => {
        const known = await losses;
        const records = known.records(n);
        const first = known.step - n;
        let images = 0;
        for (let i = 0; i < n; i++) images += this.imagesOfStep((first + i) % perEpoch, dataset.count);
        const imagesPerSecond = meter.add(images);
        return records.map(({ loss, learningRate, gradientNorm }, i) => {
          const done = first + i + 1;
          const norm = this.settings.clipNorm === undefined ? {} : { gradientNorm };
          return { step: done, epoch: epochOf(done - 1) + 1, loss, learningRate, ...norm, imagesPerSecond };
        });
      };
      const expectEvents = (n: number, losses: Promise<Losses>) => {
        const events = eventsOf(n, losses);
        // Nobody awaits it while the loop's body runs; the error is thrown when its turn comes.
        events.catch(() => {});
        pending.push(events);
      };
      while (step < end || pending.length > 0) {
        // After an abort nothing more is submitted.
        if (!signal?.aborted) checkThere();
        if (step < end && pending.length < 2 && !signal?.aborted) {
          if (epochOf(step) !== orderOf) {
            orderOf = epochOf(step);
            this.gpu.device.queue.writeBuffer(feed.order, 0, permutation(dataset.count, seed, orderOf));
          }
          const toEpochEnd = perEpoch - (step % perEpoch);
          const fits = Math.floor(this.gpu.pacer.budget / this.stepWork(feed.program));
          if (fits < 1 && pending.length === 0) {
            await this.stepInParts(feed.program, signal);
            expectEvents(1, this.losses.submit());
            step += 1;
          } else if (fits >= 1) {
            const n = Math.min(fits, toEpochEnd, end - step, MOST_STEPS);
            expectEvents(n, this.submitSteps(feed.program, n));
            step += n;
            continue; // keep two submissions in flight
          }
        }
        for (const event of (await pending.shift()) ?? []) {
          if (!Number.isFinite(event.loss)) throw divergence(event, this.rate);
          yield event;
          if (!signal?.aborted) checkThere();
        }
        if (pending.length === 0) signal?.throwIfAborted();
      }
    } catch (error) {
      if (error !== signal?.reason) checkThere();
      throw error;
    } finally {
      await Promise.allSettled(pending);
      this.busy = false;
    }
  }

  /**
   * The loss on images that are not trained on, whole and by noise level, with noise and levels of a fixed seed and without withholding
   * classes. Bytes, with labels where the network is told classes; nothing of the training is changed.
   */
  async evaluate(images: ImageSet | Dataset, options: EvaluateOptions = {}): Promise<Evaluation> {
    this.check();
    checkNames('evaluate', options, ['seed', 'binarize', 'signal'] satisfies (keyof EvaluateOptions)[]);
    const { objective } = this.settings;
    const { seed = 0, binarize = objective === 'tutorial', signal } = options;
    checkInteger('seed', seed, 0, 0xffffffff);
    const { gpu, unet } = this;
    return this.exclusively(async () => {
      const { dataset, own } = await onGpu(gpu, images);
      let order: GPUBuffer | undefined;
      try {
        this.checkDataset(dataset);
        [order] = await gpu.createBuffers([{ label: 'evaluation order', bytes: dataset.count * 4 }]);
        gpu.device.queue.writeBuffer(
          order,
          0,
          Uint32Array.from({ length: dataset.count }, (_, i) => i),
        );
        const batch = Math.ceil(this.batchSize / 4) * 4;
        const data = setTensors(dataset, order);
        return await evaluate(gpu, unet, batch, this.variants, data, { objective, seed, binarize }, signal);
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
    return {
      step: new Uint32Array(words)[STATE.step],
      corrections: new Float32Array(words, STATE.correction1 * 4, 2).slice(),
      adam: this.settings.adam,
      moment1: m,
      moment2: v,
    };
  }

  /**
   * Continues from a state that `getState` gave, to a trainer with the same Adam settings; the UNet's parameters are set beside
   * it. Throws an `argument` error, and changes nothing, if the state is of another network, incomplete or has other settings.
   */
  setState(state: OptimizerState): void {
    this.check();
    if (this.busy) throw busyError();
    checkInteger('step', state.step, 0);
    const show = (adam: Partial<AdamSettings> = {}) =>
      `beta1 ${adam.beta1}, beta2 ${adam.beta2}, epsilon ${adam.epsilon}, weightDecay ${adam.weightDecay ?? 0}`;
    const { adam } = this.settings;
    if (show(state.adam) !== show(adam)) {
      throw new EngineError(
        'argument',
        `The state was made with ${show(state.adam)}; this trainer has ${show(adam)}. Create one with { ...state.adam }.`,
      );
    }
    if (state.corrections?.length !== 2) {
      throw new EngineError(
        'argument',
        `corrections has ${state.corrections?.length ?? 'no'} values; it must have the 2 that getState gave.`,
      );
    }
    const flat = (name: 'moment1' | 'moment2') => {
      if (typeOf(state[name]) !== 'Map') {
        throw new EngineError(
          'argument',
          `${name} is of type ${typeOf(state[name])}; it must be a Map of values by parameter name, as getState gives it.`,
        );
      }
      const values = new Float32Array(this.unet.plan.flat.size);
      for (const p of this.unet.parameters) {
        const given = state[name].get(p.name);
        if (given?.length !== p.size) {
          throw new EngineError(
            'argument',
            `${name} of ${p.name} has ${given?.length ?? 'no'} values; this network needs ${p.size}.`,
          );
        }
        values.set(given, p.offset);
      }
      return values;
    };
    const moments = { moment1: flat('moment1'), moment2: flat('moment2') };
    const { queue } = this.gpu.device;
    queue.writeBuffer(this.buffer(this.plan.tensors.moment1), 0, moments.moment1);
    queue.writeBuffer(this.buffer(this.plan.tensors.moment2), 0, moments.moment2);
    this.firstStep = state.step;
    this.writeState(STATE.step, Uint32Array.of(state.step));
    this.writeState(STATE.correction1, Float32Array.from(state.corrections));
  }

  /** dL/d(parameter) of the last step, by name. */
  async getGradients(): Promise<Map<string, Float32Array<ArrayBuffer>>> {
    this.check();
    return this.unet.split(await this.whileThere(this.sumGradients()));
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    for (const program of [this.load, this.gradients, this.update]) program.destroy();
    for (const [t, buffer] of this.fixed) if (!this.unet.fixed.has(t)) buffer.destroy();
    this.counts.destroy();
    this.stateBackup.destroy();
    this.losses.destroy();
    this.feed?.destroy();
    this.unet.trainerGoes();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  // ---------------------------------------------------------------- inside

  /** Numbers of an image that goes into the network. */
  private get inputSize(): number {
    const { height, width, channels } = this.unet.config;
    return height * width * channels;
  }

  /** Numbers of what it makes of it. */
  private get imageSize(): number {
    const { height, width } = this.unet.config;
    return height * width * outChannelsOf(this.unet.config);
  }

  private buffer(t: Tensor): GPUBuffer {
    return this.fixed.get(t)!;
  }

  private check(): void {
    if (this.destroyed) throw new EngineError('destroyed', 'This trainer was destroyed; create a new one.');
    this.unet.check();
  }

  private whileThere<T>(work: Promise<T>): Promise<T> {
    return whileThere(() => this.check(), work);
  }

  private async sumGradients(): Promise<ArrayBuffer> {
    const { sum, gradient } = this.plan;
    const label = 'sum of gradients';
    const program = await Program.compile(this.gpu, label, sum, this.fixed);
    try {
      // In one submission: a step between the sums would leave gradients of two.
      const encoder = this.gpu.device.createCommandEncoder({ label });
      const pass = encoder.beginComputePass({ label });
      program.encode(pass);
      pass.end();
      return await this.gpu.read(program.buffer(gradient), gradient.size, encoder);
    } finally {
      program.destroy();
    }
  }

  private read(t: Tensor): Promise<ArrayBuffer> {
    return this.whileThere(this.gpu.read(this.buffer(t), t.size));
  }

  /** Throws unless the batch is all that a step needs and no more; returns its number of images. */
  private checkBatch(batch: Batch): number {
    const { noisy, levels, labels, count } = batch;
    const { height, width, channels, conditioning } = this.unet.config;
    if ((batch.clean === undefined) === (batch.target === undefined)) {
      throw new EngineError(
        'argument',
        `The batch has ${batch.clean ? 'both clean and target' : 'neither clean nor target'}; give one of them: what the network is to make of noisy.`,
      );
    }
    const target = batch.clean ? 'clean' : 'target';
    for (const name of ['noisy', target] as const) {
      const source = batch[name];
      if (source instanceof Float32Array || isBuffer(source)) continue;
      throw notImages(name, source, ', or a GPUBuffer of such');
    }
    this.unet.checkTold({ levels, labels });
    const images = noisy instanceof Float32Array ? noisy.length / this.inputSize : this.batchSize;
    const n = count ?? images;
    const legal = `1 to ${this.batchSize} images of ${height}x${width}x${channels}`;
    if (!Number.isInteger(n) || n < 1 || n > this.batchSize) {
      throw new EngineError('argument', `The batch has ${n} images; this trainer takes ${legal}.`);
    }
    if (levels !== undefined && !isBuffer(levels)) checkLevels(levels, n);
    if (labels !== undefined && !isBuffer(labels)) checkLabels(labels, conditioning!.classes, n);
    const sizes = [
      ['noisy', n * this.inputSize],
      [target, n * this.imageSize],
      ['levels', n],
      ['labels', n],
    ] as const;
    for (const [name, needed] of sizes) {
      const source = batch[name];
      if (source === undefined) continue;
      const has = isBuffer(source) ? source.size / 4 : source.length;
      if (isBuffer(source) ? has < needed : has !== needed) {
        throw new EngineError(
          'argument',
          `${name} has ${has} values; ${n} images need ${needed} (${legal}).`,
        );
      }
      if (isBuffer(source) && !(source.usage & GPUBufferUsage.COPY_SRC)) {
        throw new EngineError('argument', `The buffer of ${name} lacks the usage COPY_SRC.`);
      }
    }
    return n;
  }

  /** Where the parts of a checked batch go. */
  private sourcesOf(batch: Batch, count: number) {
    const { tensors } = this.plan;
    const { levels, labels } = batch;
    const images = count * this.imageSize * 4;
    const sources = [
      { source: batch.noisy, to: tensors.noisyImages, bytes: count * this.inputSize * 4 },
      { source: (batch.target ?? batch.clean)!, to: tensors.targetImages, bytes: images },
      ...(levels ? [{ source: levels, to: tensors.levels, bytes: count * 4 }] : []),
      ...(labels
        ? [
            {
              source: isBuffer(labels) ? labels : Uint32Array.from(labels),
              to: tensors.classes,
              bytes: count * 4,
            },
          ]
        : []),
    ];
    return sources.map(({ to, ...rest }) => ({ ...rest, to: this.buffer(to) }));
  }

  private checkDataset(dataset: Dataset): void {
    if (dataset.device !== this.gpu.device) {
      throw new EngineError(
        'argument',
        "This is not a data set on this trainer's device. Bring the images there with createDataset of an engine on it.",
      );
    }
    dataset.check();
    checkImages(dataset, this.unet.config);
  }

  private async exclusively<T>(work: () => Promise<T>): Promise<T> {
    if (this.busy) throw busyError();
    this.busy = true;
    try {
      return await this.whileThere(work());
    } finally {
      this.busy = false;
    }
  }

  private writeState(word: number, values: Uint32Array<ArrayBuffer> | Float32Array<ArrayBuffer>): void {
    this.gpu.device.queue.writeBuffer(this.buffer(this.plan.tensors.state), word * 4, values);
  }

  private encodeCount(encoder: GPUCommandEncoder, count: number): void {
    const state = this.buffer(this.plan.tensors.state);
    encoder.copyBufferToBuffer(this.counts, (count - 1) * 4, state, STATE.count * 4, 4);
  }

  private imagesOfStep(stepInEpoch: number, imageCount: number): number {
    return Math.min(this.batchSize, imageCount - stepInEpoch * this.batchSize);
  }

  private startEpochAt(stepInEpoch: number, imageCount: number): void {
    const start = stepInEpoch * this.batchSize;
    this.writeState(
      STATE.batchStart,
      Uint32Array.of(start, this.imagesOfStep(stepInEpoch, imageCount), imageCount),
    );
  }

  private async prepareFeed(dataset: Dataset, seed: number, binarize: boolean): Promise<Feed> {
    if (!this.feed?.serves(dataset, seed, binarize)) {
      this.feed?.destroy();
      this.feed = undefined;
      this.feed = await Feed.create(this.gpu, this, dataset, seed, binarize);
      if (this.destroyed) this.feed.destroy();
    }
    return this.feed;
  }

  private stepWork(feed: Program): number {
    return [feed, this.gradients, this.update].reduce((sum, p) => sum + p.totalWork, 0);
  }

  /** Submits `n` whole steps at once. */
  private submitSteps(feed: Program, n: number): Promise<Losses> {
    const encoder = this.gpu.device.createCommandEncoder({ label: `${n} training steps` });
    const pass = encoder.beginComputePass({ label: `${n} training steps` });
    for (let i = 0; i < n; i++)
      for (const program of [feed, this.gradients, this.update]) program.encode(pass);
    pass.end();
    return this.losses.submit(encoder, this.stepWork(feed) * n);
  }

  /** One step in as many submissions as the pacer wants. An abort before the update takes the step back. */
  private async stepInParts(feed: Program, signal: AbortSignal | undefined): Promise<void> {
    const state = this.buffer(this.plan.tensors.state);
    const copyState = (from: GPUBuffer, to: GPUBuffer) => {
      const encoder = this.gpu.device.createCommandEncoder({ label: 'copy state' });
      // Without the learning rate, which the caller may have set meanwhile.
      encoder.copyBufferToBuffer(from, 0, to, 0, STATE.learningRate * 4);
      return this.gpu.submit(encoder);
    };
    await copyState(state, this.stateBackup);
    try {
      await this.gpu.run([feed, this.gradients], { signal });
      signal?.throwIfAborted();
    } catch (error) {
      if (!this.destroyed) await copyState(this.stateBackup, state);
      throw error;
    }
    await this.gpu.run([this.update]);
  }
}

// ---------------------------------------------------------------- parts

interface TrainerParts {
  readonly plan: StepPlan;
  readonly fixed: ReadonlyMap<Tensor, GPUBuffer>;
  readonly counts: GPUBuffer;
  readonly stateBackup: GPUBuffer;
  readonly losses: LossReader;
  readonly programs: readonly [Program, Program, Program];
}

async function createParts(
  gpu: Gpu,
  unet: UNet,
  batchSize: number,
  settings: StepSettings,
  variants: Variants,
  reuse: boolean,
): Promise<TrainerParts> {
  const plan = planStep(unet.config, unet.plan, batchSize, variants, settings);
  const tensors = Object.values(plan.tensors) as Tensor[];
  for (const t of tensors) gpu.checkBufferSize(t.label, t.size * 4);
  const buffers = await gpu.createBuffers([
    ...tensors.map((t) => ({ label: `trainer ${t.label}`, bytes: t.size * 4 })),
    { label: 'trainer counts', bytes: batchSize * 4 },
    { label: 'trainer state backup', bytes: STATE_WORDS * 4 },
  ]);
  const [counts, stateBackup] = buffers.slice(tensors.length);
  let losses: LossReader | undefined;
  try {
    gpu.device.queue.writeBuffer(
      counts,
      0,
      Uint32Array.from({ length: batchSize }, (_, i) => i + 1),
    );
    const fixed = new Map([...unet.fixed, ...tensors.map((t, i): [Tensor, GPUBuffer] => [t, buffers[i]])]);
    losses = await LossReader.create(gpu, fixed.get(plan.tensors.state)!, fixed.get(plan.tensors.losses)!);
    const programs = await Program.compileAll([
      Program.compile(gpu, 'load batch', plan.load, fixed),
      Program.compile(gpu, 'training step', plan.gradients, fixed, { reuse }),
      Program.compile(gpu, 'update', plan.update, fixed),
    ]);
    return { plan, fixed, counts, stateBackup, losses, programs };
  } catch (error) {
    losses?.destroy();
    for (const b of buffers) b.destroy();
    throw error;
  }
}

/** A data set connected to a trainer: the shuffled order of the current epoch, and the program that draws a batch. */
class Feed {
  readonly program: Program;
  readonly order: GPUBuffer;
  private readonly key: readonly unknown[];

  private constructor(program: Program, order: GPUBuffer, key: readonly unknown[]) {
    this.program = program;
    this.order = order;
    this.key = key;
  }

  static async create(
    gpu: Gpu,
    { unet, plan, fixed, batchSize, settings }: Trainer,
    dataset: Dataset,
    seed: number,
    binarize: boolean,
  ): Promise<Feed> {
    const [orderBuffer] = await gpu.createBuffers([{ label: 'trainer order', bytes: dataset.count * 4 }]);
    const { set, buffers } = setTensors(dataset, orderBuffer);
    const batch = Math.ceil(batchSize / 4) * 4;
    const corruption = planCorruption(unet.config, plan.tensors, batch, set, { ...settings, seed, binarize });
    const all = new Map([...fixed, ...buffers]);
    const program = await Program.compile(gpu, 'batch', corruption, all).catch((error) => {
      orderBuffer.destroy();
      throw error;
    });
    return new Feed(program, orderBuffer, [dataset, seed, binarize]);
  }

  get bytes(): number {
    return this.program.bytes + this.order.size;
  }

  serves(...key: [Dataset, number, boolean]): boolean {
    return key.every((k, i) => k === this.key[i]);
  }

  destroy(): void {
    this.program.destroy();
    this.order.destroy();
  }
}

/** A data set, and an order of its images, as tensors. */
export function setTensors(dataset: Dataset, orderBuffer: GPUBuffer) {
  const images = tensor('data set', dataset.buffer.size / 4);
  const order = tensor('order', dataset.count);
  const labels = dataset.labels && tensor('labels', dataset.labels.size / 4);
  const buffers: [Tensor, GPUBuffer][] = [
    [images, dataset.buffer],
    [order, orderBuffer],
  ];
  if (labels) buffers.push([labels, dataset.labels!]);
  return { set: { images, labels, order, count: dataset.count }, buffers };
}

/** Throws unless a network of `config` can be trained on the images of `dataset`, and with their labels where it is told classes. */
export function checkImages(dataset: Dataset, config: UNetConfig): void {
  const { height, width, channels, conditioning } = config;
  if (dataset.height !== height || dataset.width !== width || dataset.channels !== channels) {
    throw new EngineError(
      'data',
      `The data set has images of ${dataset.height}x${dataset.width}x${dataset.channels}; this UNet takes ${height}x${width}x${channels}. Create the UNet with that size, or load other images.`,
    );
  }
  if (outChannelsOf(config) !== channels) {
    throw new EngineError(
      'argument',
      `This UNet makes ${outChannelsOf(config)} channels of ${channels}; a data set trains one that makes as many as it takes. Give batches of your own to step().`,
    );
  }
  const classes = conditioning?.classes ?? 0;
  if (classes === 0) return;
  const { maxLabel } = dataset;
  if (maxLabel === undefined) {
    throw new EngineError(
      'data',
      `This UNet is told one of ${classes} classes, and the data set has no labels. Give createDataset labels, one byte an image, beside images.`,
    );
  }
  if (maxLabel >= classes) {
    throw new EngineError(
      'data',
      `The data set has a label ${maxLabel}; this UNet has ${classes} classes, 0 to ${classes - 1}. Create it with conditioning: { classes: ${maxLabel + 1} }, or give other labels.`,
    );
  }
}

/** Images per second over the last few seconds. */
class Meter {
  private readonly marks: { time: number; images: number }[] = [{ time: performance.now(), images: 0 }];

  add(images: number): number {
    const now = performance.now();
    const last = this.marks[this.marks.length - 1];
    this.marks.push({ time: now, images: last.images + images });
    while (this.marks.length > 2 && now - this.marks[1].time > 5000) this.marks.shift();
    const [first] = this.marks;
    return ((last.images + images - first.images) / Math.max(now - first.time, 1e-3)) * 1000;
  }
}

/** How a trainer was created, and what a run that goes on must have again: its size, rate and kernels apart. */
export interface TrainerSettings extends StepSettings {
  readonly objective: Objective;
  readonly classDropout: number;
}

/** The settings that options mean, checked. */
export function settingsOf(options: TrainerOptions): TrainerSettings {
  const {
    objective = 'tutorial',
    classDropout = 0.05,
    clipNorm,
    beta1 = adamDefaults.beta1,
    beta2 = adamDefaults.beta2,
    epsilon = adamDefaults.epsilon,
    weightDecay = adamDefaults.weightDecay,
  } = options;
  if (objective !== 'tutorial' && objective !== 'flow') {
    throw new EngineError('argument', `objective is ${objective}; it must be tutorial or flow.`);
  }
  checkNumber('beta1', beta1, 0, 0.999999);
  checkNumber('beta2', beta2, 0, 0.999999);
  checkNumber('epsilon', epsilon, 1e-12, 1);
  checkNumber('weightDecay', weightDecay, 0, 1);
  checkNumber('classDropout', classDropout, 0, 1);
  if (clipNorm !== undefined) checkNumber('clipNorm', clipNorm, 1e-6, 1e6);
  return {
    objective,
    adam: { beta1, beta2, epsilon, weightDecay },
    schedule: checkSchedule(options.schedule),
    ...(clipNorm === undefined ? {} : { clipNorm }),
    classDropout,
  };
}

function checkLearningRate(value: number): void {
  checkNumber('learningRate', value, 1e-12, 10);
}

const busyError = () =>
  new EngineError(
    'busy',
    'This trainer is in the middle of a step or a fit. Await the step; finish the loop of the fit or call return() of its iterator. An abort alone ends a fit only when its next event is asked for.',
  );

const divergence = ({ step, loss }: Pick<TrainingEvent, 'step' | 'loss'>, rate: number) =>
  new EngineError(
    'diverged',
    `The loss of step ${step} is ${loss}: the training diverged. Go back to the last checkpoint and use a smaller learning rate than ${rate}.`,
  );
