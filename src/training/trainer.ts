import type { Dataset } from '../data/dataset';
import type { AdapterDescription, Gpu } from '../device';
import { checkInteger, checkNames, checkNumber, EngineError, notImages, typeOf, whileThere } from '../errors';
import { Program, type Tensor, tensor } from '../kernel';
import { permutation } from '../random';
import type { UNet } from '../unet/unet';
import { checkVariants, type Variants } from '../unet/variants';
import { type Losses, LossReader } from './losses';
import { STATE, STATE_WORDS } from './state';
import { type AdamSettings, adamDefaults, LOSS_RING, planCorruption, planStep, type StepPlan } from './step';

/** Of one submission: what is recorded takes memory, too. At most LOSS_RING. */
const MOST_STEPS = 256;

export interface TrainerOptions extends Partial<AdamSettings> {
  /** Images a step. Default 256. */
  readonly batchSize?: number;
  /** Default 1e-3. */
  readonly learningRate?: number;
  /** False gives every activation and gradient a buffer of its own, so that all can be read after a step. Default true. */
  readonly reuseMemory?: boolean;
  /** Kernel variants by layer, for a run that must repeat another one bit for bit. Default: chosen for the device. */
  readonly variants?: Variants;
  /**
   * Stores the gradient of the first layer's output, the largest of those that are read once, with the 8 bits of precision of bfloat16: faster,
   * and a little less exact. For images of one channel, and where the variants have such a form. Default false.
   */
  readonly bfloat16Gradients?: boolean;
}

export interface FitOptions {
  /** Train until this many passes over the data are complete, counting those already done. */
  readonly epochs: number;
  /** Fixes shuffling and noise. Default 0. */
  readonly seed?: number;
  /** Black and white images, as the tutorial has them: byte > 127. Default true. */
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
  /** Over the last few seconds. */
  readonly imagesPerSecond: number;
}

/** A batch of the caller's own: [count][height][width][channels] each, as arrays or as buffers of f32 with COPY_SRC. */
export interface Batch<Source = Float32Array | GPUBuffer> {
  readonly noisy: Source;
  readonly clean: Source;
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
  /** As it was created. Other bits, so a run keeps to it. */
  readonly bfloat16Gradients: boolean;
  /** What it runs on. */
  readonly adapter: AdapterDescription;
  /** What a step does, and the buffers that outlive it. @internal */
  readonly plan: StepPlan;
  /** @internal */
  readonly fixed: ReadonlyMap<Tensor, GPUBuffer>;
  private readonly gpu: Gpu;
  private readonly adam: AdamSettings;
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
    adam: AdamSettings,
    variants: Variants,
    bfloat16Gradients: boolean,
    parts: TrainerParts,
  ) {
    this.gpu = gpu;
    this.adapter = gpu.adapter;
    this.adam = adam;
    this.unet = unet;
    this.batchSize = batchSize;
    this.rate = learningRate;
    this.variants = variants;
    this.bfloat16Gradients = bfloat16Gradients;
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
      'reuseMemory',
      'variants',
      'bfloat16Gradients',
    ] satisfies (keyof TrainerOptions)[]);
    const { batchSize = 256, learningRate = 1e-3, reuseMemory = true, variants } = options;
    const bfloat16Gradients = Boolean(options.bfloat16Gradients);
    const {
      beta1 = adamDefaults.beta1,
      beta2 = adamDefaults.beta2,
      epsilon = adamDefaults.epsilon,
    } = options;
    checkInteger('batchSize', batchSize, 1, 65536);
    checkLearningRate(learningRate);
    checkNumber('beta1', beta1, 0, 0.999999);
    checkNumber('beta2', beta2, 0, 0.999999);
    checkNumber('epsilon', epsilon, 1e-12, 1);
    const batch = Math.ceil(batchSize / 4) * 4;
    if (variants) checkVariants(variants, unet.plan.layers, batch, gpu.device.features, true);
    const chosen = variants ?? (await gpu.chooseVariants(unet.plan.layers, batch, true));
    const adam = { beta1, beta2, epsilon };
    const parts = await createParts(gpu, unet, batchSize, adam, chosen, bfloat16Gradients, reuseMemory);
    return new Trainer(gpu, unet, batchSize, learningRate, adam, chosen, bfloat16Gradients, parts);
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
      for (const name of ['noisy', 'clean'] as const) {
        const target = this.buffer(this.plan.tensors[`${name}Images`]);
        const source = batch[name];
        if (source instanceof Float32Array) {
          device.queue.writeBuffer(target, 0, source.buffer, source.byteOffset, source.byteLength);
        } else encoder.copyBufferToBuffer(source, 0, target, 0, count * this.imageSize * 4);
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
  encodeStep(encoder: GPUCommandEncoder, batch: Batch<GPUBuffer>): void {
    this.check();
    if (this.busy) throw busyError();
    const count = this.checkBatch(batch);
    this.encodeCount(encoder, count);
    for (const name of ['noisy', 'clean'] as const) {
      const target = this.buffer(this.plan.tensors[`${name}Images`]);
      encoder.copyBufferToBuffer(batch[name], 0, target, 0, count * this.imageSize * 4);
    }
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
    const { epochs, seed = 0, binarize = true, maxSteps, signal } = options;
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
        const values = known.last(n);
        const first = known.step - n;
        let images = 0;
        for (let i = 0; i < values.length; i++)
          images += this.imagesOfStep((first + i) % perEpoch, dataset.count);
        const imagesPerSecond = meter.add(images);
        return Array.from(values, (loss, i) => {
          const done = first + i + 1;
          return { step: done, epoch: epochOf(done - 1) + 1, loss, imagesPerSecond };
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
      adam: this.adam,
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
      `beta1 ${adam.beta1}, beta2 ${adam.beta2}, epsilon ${adam.epsilon}`;
    if (show(state.adam) !== show(this.adam)) {
      throw new EngineError(
        'argument',
        `The state was made with ${show(state.adam)}; this trainer has ${show(this.adam)}. Create one with { ...state.adam }.`,
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

  private get imageSize(): number {
    const { height, width, channels } = this.unet.config;
    return height * width * channels;
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

  private checkBatch({ noisy, clean, count }: Batch): number {
    for (const [name, source] of Object.entries({ noisy, clean })) {
      // A GPUBuffer is known by its usage: the name of its class is not a global everywhere.
      if (source instanceof Float32Array || source?.usage !== undefined) continue;
      throw notImages(name, source, ', or a GPUBuffer of such');
    }
    const images = noisy instanceof Float32Array ? noisy.length / this.imageSize : this.batchSize;
    const n = count ?? images;
    const { height, width, channels } = this.unet.config;
    const legal = `1 to ${this.batchSize} images of ${height}x${width}x${channels}`;
    if (!Number.isInteger(n) || n < 1 || n > this.batchSize) {
      throw new EngineError('argument', `The batch has ${n} images; this trainer takes ${legal}.`);
    }
    for (const [name, source] of Object.entries({ noisy, clean })) {
      const needed = n * this.imageSize;
      const has = source instanceof Float32Array ? source.length : source.size / 4;
      if (source instanceof Float32Array ? has !== needed : has < needed) {
        throw new EngineError(
          'argument',
          `${name} has ${has} values; ${n} images need ${needed} (${legal}).`,
        );
      }
      if (!(source instanceof Float32Array) && !(source.usage & GPUBufferUsage.COPY_SRC)) {
        throw new EngineError('argument', `The buffer of ${name} lacks the usage COPY_SRC.`);
      }
    }
    return n;
  }

  private checkDataset(dataset: Dataset): void {
    if (dataset.device !== this.gpu.device) {
      throw new EngineError(
        'argument',
        "This is not a data set on this trainer's device. Bring the images there with createDataset of an engine on it.",
      );
    }
    dataset.check();
    const { height, width, channels } = this.unet.config;
    if (dataset.height !== height || dataset.width !== width || dataset.channels !== channels) {
      throw new EngineError(
        'data',
        `The data set has images of ${dataset.height}x${dataset.width}x${dataset.channels}; this UNet takes ${height}x${width}x${channels}. Create the UNet with that size, or load other images.`,
      );
    }
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
      this.feed = await Feed.create(
        this.gpu,
        this.unet,
        this.plan,
        this.fixed,
        this.batchSize,
        dataset,
        seed,
        binarize,
      );
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
  settings: AdamSettings,
  variants: Variants,
  bfloat16Gradients: boolean,
  reuse: boolean,
): Promise<TrainerParts> {
  const plan = planStep(unet.config, unet.plan, batchSize, variants, settings, bfloat16Gradients);
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
    unet: UNet,
    plan: StepPlan,
    fixed: ReadonlyMap<Tensor, GPUBuffer>,
    batchSize: number,
    dataset: Dataset,
    seed: number,
    binarize: boolean,
  ): Promise<Feed> {
    const images = tensor('data set', dataset.buffer.size / 4);
    const order = tensor('order', dataset.count);
    const [orderBuffer] = await gpu.createBuffers([{ label: 'trainer order', bytes: dataset.count * 4 }]);
    const batch = Math.ceil(batchSize / 4) * 4;
    const set = { images, order, count: dataset.count };
    const corruption = planCorruption(unet.config, plan.tensors, batch, set, { seed, binarize });
    const all = new Map(fixed).set(images, dataset.buffer).set(order, orderBuffer);
    const program = await Program.compile(gpu, 'batch', [corruption], all).catch((error) => {
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
