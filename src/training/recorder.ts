import {
  checkBooleans,
  checkInteger,
  checkNames,
  checkNumber,
  EngineError,
  type Names,
  typeOf,
} from '../base/errors';
import { Resource } from '../base/resource';
import type { Gpu } from '../gpu/gpu';
import { computePass, type Program } from '../gpu/program';
import { type BufferSlice, checkEncoder, checkSlice, isSlice, type Slice } from '../gpu/slice';
import type { Tensor } from '../plan/tensor';
import { outChannelsOf } from '../unet/config';
import type { UNet } from '../unet/unet';
import { type Batch, type BatchPart, checkBatch, sourcesOf } from './batch';
import {
  checkLearningRate,
  type OwnBackwardOptions,
  type OwnForwardOptions,
  type OwnUpdateOptions,
  type RecordOptions,
  type TrainerBuffers,
  type TrainerSettings,
} from './options';
import { NO_CLIP } from './settings';
import type { StepPlan } from './step';
import type { OwnLossPrograms, StepPrograms, UpdateSettings } from './step_programs';
import type { TrainedWeights } from './trained_weights';
import { busyError } from './validate';

const RECORD_OPTIONS: Names<RecordOptions> = { learningRate: true };
const PARTS_OPTIONS: Names<RecordOptions & { parts: number }> = { ...RECORD_OPTIONS, parts: true };
const FORWARD_OPTIONS: Names<OwnForwardOptions> = {
  input: true,
  output: true,
  levels: true,
  labels: true,
  count: true,
};
const BACKWARD_OPTIONS: Names<OwnBackwardOptions> = { outputGradient: true, accumulate: true };
const UPDATE_OPTIONS: Names<OwnUpdateOptions> = {
  ...RECORD_OPTIONS,
  weightDecay: true,
  clipNorm: true,
  loss: true,
};
/** Most parts of a step. */
const MOST_PARTS = 10_000;

export interface RecorderParts {
  readonly gpu: Gpu;
  readonly unet: UNet;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly settings: TrainerSettings;
  readonly programs: StepPrograms;
  readonly trained?: TrainedWeights | undefined;
}

/** The part of a trainer that records steps, and pieces of steps, into the caller's command encoders. Its methods submit nothing. */
export abstract class StepRecorder extends Resource {
  /** The network that is trained. */
  readonly unet: UNet;
  /** Most images of a step. */
  readonly batchSize: number;
  /** The settings that the trainer was created with. */
  readonly settings: TrainerSettings;
  /** The ops of a step. @internal */
  readonly plan: StepPlan;
  /** The buffers that outlive a step. @internal */
  readonly boundBuffers: ReadonlyMap<Tensor, GPUBuffer>;
  /** @internal */
  protected readonly gpu: Gpu;
  /** @internal */
  protected readonly programs: StepPrograms;
  /** Only with `averageWeights`. @internal */
  protected readonly trained: TrainedWeights | undefined;
  /** @internal */
  protected rate: number;
  /** @internal */
  protected busy = false;
  /** Counts the steps that were begun, here or by the trainer: each overwrites what an unfinished one left in memory. @internal */
  protected begun = 0;
  /** The batch of the step that was recorded last; undefined if none was. Recorded steps may run at any time. @internal */
  protected recorded: readonly BatchPart[] | undefined;
  /** Images of the forward pass that a backward pass may follow, and `begun` at that time. */
  private forward: { readonly count: number; readonly begun: number } | undefined;
  /** Whether a gradient was recorded that no update has used yet. */
  private hasGradient = false;
  /** Whether the last gradient is that of `encodeBackward`. @internal */
  protected gradientIsOwn = false;

  /** @internal */
  protected constructor(parts: RecorderParts) {
    super('trainer');
    this.gpu = parts.gpu;
    this.unet = parts.unet;
    this.batchSize = parts.batchSize;
    this.rate = parts.learningRate;
    this.settings = parts.settings;
    this.programs = parts.programs;
    this.trained = parts.trained;
    this.plan = parts.programs.plan;
    this.boundBuffers = parts.programs.boundBuffers;
  }

  /**
   * Records one step on the caller's buffers, with its learning rate (default: `learningRate` at this moment); submits nothing. For a step
   * that is too long for one submission see `encodeStepParts`. `readLosses` has the loss once it has run. A non-finite step changes
   * nothing, and neither does any step after it until `readLosses`, or the next `step` or `fit`, has thrown the error. Throws `argument`
   * before anything is recorded.
   */
  encodeStep(
    encoder: GPUCommandEncoder,
    batch: Batch<BufferSlice, BufferSlice>,
    options: RecordOptions = {},
  ): void {
    this.check();
    checkEncoder(encoder);
    checkNames('encodeStep', options, RECORD_OPTIONS);
    const begin = this.prepareStep('encodeStep', batch, options);
    begin(encoder);
    computePass(encoder, 'training step', (pass) => {
      for (const program of this.programs.step) program.encode(pass);
    });
  }

  /**
   * The same step in up to `parts` pieces of about the same work (2 to 10,000; fewer if it has fewer dispatches). Each function records one
   * of them. Record all, each once, in their order, in one encoder or several, and submit them in that order; commands of others may run in
   * between, but no other step of this trainer. Until the last one has run, no weight has changed.
   */
  encodeStepParts(
    batch: Batch<BufferSlice, BufferSlice>,
    options: RecordOptions & { readonly parts: number },
  ): ((encoder: GPUCommandEncoder) => void)[] {
    this.check();
    checkNames('encodeStepParts', options, PARTS_OPTIONS);
    checkInteger('parts', options.parts, 2, MOST_PARTS);
    const begin = this.prepareStep('encodeStepParts', batch, options);
    const { sequence } = this.programs;
    const { begun } = this;
    const ends = sequence.cuts(options.parts);
    let next = 0;
    return ends.map((end, i) => (encoder) => {
      this.check();
      checkEncoder(encoder);
      if (i !== next || begun !== this.begun) {
        const why = i < next ? 'was recorded already' : i > next ? `comes after part ${next + 1}` : undefined;
        throw new EngineError(
          'argument',
          `Part ${i + 1} of ${ends.length} ${why ?? 'belongs to a step that another one has replaced'}. Record all parts once, in their order, before the next step.`,
        );
      }
      next++;
      if (i === 0) begin(encoder);
      computePass(encoder, 'part of a training step', (pass) =>
        sequence.encode(pass, i === 0 ? 0 : ends[i - 1], end),
      );
    });
  }

  /**
   * With `ownLoss`: records a forward pass from the images in `input` to the network's output in `output`, both
   * [count][height][width][channels] of f32, and keeps in the trainer's memory what `encodeBackward` needs.
   */
  encodeForward(encoder: GPUCommandEncoder, options: OwnForwardOptions): void {
    const programs = this.ownPrograms('encodeForward', encoder);
    checkNames('encodeForward', options, FORWARD_OPTIONS);
    const { input, output, levels, labels, count = this.batchSize } = options;
    checkInteger('count', count, 1, this.batchSize);
    const { height, width, channels } = this.unet.config;
    const outBytes = this.outputBytes(count);
    const from = checkSlice('input', input, count * height * width * channels * 4, 'COPY_SRC');
    const to = checkSlice('output', output, outBytes, 'COPY_DST');
    this.unet.checkTold({ levels, labels });
    const { noisyImages, targetImages, levels: levelsOf, classes } = this.plan.tensors;
    const told = (
      [
        ['levels', levels, levelsOf],
        ['labels', labels, classes],
      ] as const
    ).flatMap(([name, given, to]) =>
      given === undefined ? [] : [{ from: checkSlice(name, given, count * 4, 'COPY_SRC'), to }],
    );
    this.begun++;
    // What is wrong with the output's gradient is the caller's loss's matter, or follows from weights that are too large.
    this.recorded = [
      { name: 'input', to: 'noisyImages', bytes: count * height * width * channels * 4 },
      ...(levels ? [{ name: 'levels', to: 'levels' as const, bytes: count * 4 }] : []),
    ];
    this.forward = { count, begun: this.begun };
    this.trained?.encode(encoder);
    this.programs.encodeCount(encoder, count);
    this.copyIn(encoder, from, noisyImages, count * height * width * channels * 4);
    for (const { from, to } of told) this.copyIn(encoder, from, to, count * 4);
    this.encodeAll(encoder, 'forward pass', [programs.load, ...programs.forward]);
    encoder.copyBufferToBuffer(this.programs.buffer(targetImages), 0, to.buffer, to.offset, outBytes);
  }

  /**
   * With `ownLoss`: records the backward pass of the last forward pass from the caller's `outputGradient`, dL/d(output)
   * [count][height][width][channels] of f32, to the gradient of all parameters (`buffers.gradient`). With `accumulate` it is added to what
   * is there. Throws `argument` without a forward pass, or if another step was recorded or made since.
   */
  encodeBackward(encoder: GPUCommandEncoder, options: OwnBackwardOptions): void {
    const programs = this.ownPrograms('encodeBackward', encoder);
    checkNames('encodeBackward', options, BACKWARD_OPTIONS);
    checkBooleans({ accumulate: options.accumulate });
    const { forward } = this;
    if (!forward || forward.begun !== this.begun) {
      throw new EngineError(
        'argument',
        `There is no forward pass to go back through${forward ? ': another step has overwritten it' : ''}. Record encodeForward first, once for each encodeBackward.`,
      );
    }
    const bytes = this.outputBytes(forward.count);
    const from = checkSlice('outputGradient', options.outputGradient, bytes, 'COPY_SRC');
    this.forward = undefined;
    this.hasGradient = true;
    this.gradientIsOwn = true;
    this.programs.encodeCount(encoder, forward.count);
    this.copyIn(encoder, from, this.plan.tensors.targetImages, bytes);
    if (!options.accumulate) encoder.clearBuffer(programs.gradient);
    this.encodeAll(encoder, 'backward pass', programs.backward);
  }

  /**
   * With `ownLoss`: records the trainer's update, Adam, by `buffers.gradient`. Learning rate, weight decay and the norm to clip at are
   * recorded with it; by default they are the trainer's. `loss`, one f32, is what `readLosses` and `buffers.records` have of the step;
   * without it they have 0. A non-finite loss or gradient changes nothing: see `encodeStep`. Throws `argument` without a gradient.
   */
  encodeUpdate(encoder: GPUCommandEncoder, options: OwnUpdateOptions = {}): void {
    const programs = this.ownPrograms('encodeUpdate', encoder);
    checkNames('encodeUpdate', options, UPDATE_OPTIONS);
    const settings = this.updateSettings(options);
    if (!this.hasGradient) {
      throw new EngineError('argument', 'There is no gradient to update by. Record encodeBackward first.');
    }
    const loss = options.loss === undefined ? undefined : checkSlice('loss', options.loss, 4, 'COPY_SRC');
    this.hasGradient = false;
    this.programs.encodeSettings(encoder, settings);
    // finish_step divides what it is given by the number of images.
    this.programs.encodeCount(encoder, 1);
    if (loss) encoder.copyBufferToBuffer(loss.buffer, loss.offset, programs.loss, 0, 4);
    else encoder.clearBuffer(programs.loss);
    this.encodeAll(encoder, 'update', [programs.update]);
  }

  /** Records what must follow when the caller's own shader has written `buffers.parameters`: copies for the kernels. */
  encodePack(encoder: GPUCommandEncoder): void {
    this.check();
    checkEncoder(encoder);
    if (this.busy) throw busyError();
    (this.trained?.network ?? this.unet).encodePack(encoder);
  }

  /** The trainer's buffers on the GPU, for the caller's own shaders; they live as long as the trainer. */
  get buffers(): TrainerBuffers {
    this.check();
    const { moment1, moment2, losses } = this.plan.tensors;
    return {
      parameters: (this.trained?.network ?? this.unet).parameterBuffer,
      moment1: this.programs.buffer(moment1),
      moment2: this.programs.buffer(moment2),
      gradient: this.programs.ownLoss?.gradient,
      records: this.programs.buffer(losses),
    };
  }

  /** Counts a step with the trainer's own loss as begun. @internal */
  protected countStep(): void {
    this.begun++;
    this.gradientIsOwn = false;
  }

  /** What an update uses, of what the caller gave and the trainer's own. @internal */
  protected updateSettings(given: Omit<OwnUpdateOptions, 'loss'> = {}): UpdateSettings {
    const { clipNorm: clip, adam } = this.settings;
    const { learningRate = this.rate, weightDecay = adam.weightDecay, clipNorm = clip } = given;
    checkLearningRate(learningRate);
    checkNumber('weightDecay', weightDecay, 0, 1);
    if (clipNorm !== undefined) checkNumber('clipNorm', clipNorm, 1e-6, 1e6);
    return { learningRate, weightDecay, clipNorm: clipNorm ?? NO_CLIP };
  }

  /** Checks a step on the caller's buffers; returns what records the copies and numbers that it begins with. */
  private prepareStep(
    method: string,
    batch: Batch<BufferSlice, BufferSlice>,
    { learningRate }: RecordOptions,
  ): (encoder: GPUCommandEncoder) => void {
    if (this.busy) throw busyError();
    const settings = this.updateSettings({ learningRate });
    const { programs, unet } = this;
    const count = checkBatch(batch, unet, this.batchSize);
    for (const [name, given] of Object.entries(batch)) {
      if (name === 'count' || given === undefined || isSlice(given)) continue;
      throw new EngineError(
        'argument',
        `${method} was given a ${typeOf(given)} as ${name}; all of the batch must be in GPUBuffers. Give arrays to step().`,
      );
    }
    const sources = sourcesOf(batch, unet.config, count);
    this.countStep();
    this.recorded = sources.map(({ name, to, bytes }) => ({ name, to, bytes }));
    return (encoder) => {
      this.trained?.encode(encoder);
      programs.encodeSettings(encoder, settings);
      programs.encodeCount(encoder, count);
      for (const { source, to, bytes } of sources)
        this.copyIn(encoder, source as Slice, this.plan.tensors[to], bytes);
    };
  }

  private ownPrograms(method: string, encoder: GPUCommandEncoder): OwnLossPrograms {
    this.check();
    checkEncoder(encoder);
    if (this.busy) throw busyError();
    const { ownLoss } = this.programs;
    if (ownLoss) return ownLoss;
    throw new EngineError(
      'argument',
      `${method} is for trainers with a loss of your own; create this one with ownLoss: true.`,
    );
  }

  /** Bytes of so many images of the network's output. */
  private outputBytes(count: number): number {
    const { height, width } = this.unet.config;
    return count * height * width * outChannelsOf(this.unet.config) * 4;
  }

  private copyIn(encoder: GPUCommandEncoder, { buffer, offset }: Slice, to: Tensor, bytes: number): void {
    encoder.copyBufferToBuffer(buffer, offset, this.programs.buffer(to), 0, bytes);
  }

  private encodeAll(encoder: GPUCommandEncoder, label: string, programs: readonly Program[]): void {
    computePass(encoder, label, (pass) => {
      for (const program of programs) program.encode(pass);
    });
  }
}
