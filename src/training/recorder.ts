import {
  argumentError,
  checkBooleans,
  checkInteger,
  checkNames,
  checkNumber,
  type Names,
  typeName,
} from '../base/errors';
import { computePass, type Program } from '../gpu/program';
import { type BufferSlice, checkEncoder, checkSlice, isSlice, type Slice } from '../gpu/slice';
import type { Tensor } from '../plan/tensor';
import { countOutChannels } from '../unet/config';
import type { NetworkWeights } from '../unet/network';
import { type Batch, type BatchPart, checkBatch, listSources } from './batch';
import {
  type CustomBackwardOptions,
  type CustomForwardOptions,
  type CustomUpdateOptions,
  checkLearningRate,
  type RecordOptions,
  type TrainerBuffers,
  type TrainerConfig,
} from './options';
import { NO_CLIP } from './step_config';
import type { CustomLossPrograms, StepPrograms, UpdateSettings } from './step_programs';

const RECORD_OPTIONS: Names<RecordOptions> = { learningRate: true };
const FORWARD_OPTIONS: Names<CustomForwardOptions> = {
  input: true,
  output: true,
  levels: true,
  labels: true,
  count: true,
};
const BACKWARD_OPTIONS: Names<CustomBackwardOptions> = { outputGradient: true, accumulate: true };
const UPDATE_OPTIONS: Names<CustomUpdateOptions> = {
  ...RECORD_OPTIONS,
  weightDecay: true,
  clipNorm: true,
  loss: true,
};
interface RecorderParts {
  /** The trained network. */
  readonly network: NetworkWeights;
  /** Most images of a step. */
  readonly batchSize: number;
  readonly settings: TrainerConfig;
  readonly programs: StepPrograms;
  /** Throws if the trainer was destroyed. */
  readonly check: () => void;
  /** As `check`; also throws in the middle of a step or a fit. */
  readonly checkFree: () => void;
}

/**
 * Records a trainer's steps, and pieces of steps, into the caller's command encoders, and submits nothing. Its methods are documented at
 * Trainer.
 */
export class StepRecorder {
  /** The base learning rate of the next recorded step. */
  rate: number;
  /** Counts the steps that were begun, here or by the trainer: each overwrites the memory of an unfinished one. */
  begun = 0;
  /** The batch of the last recorded step; undefined if there is none. Recorded steps may run at any time. */
  recorded: readonly BatchPart[] | undefined;
  /** Whether the last gradient came from `encodeBackward`. */
  gradientIsCustom = false;
  /** Images of the forward pass that a backward pass may follow, and `begun` at that time. */
  private forward: { readonly count: number; readonly begun: number } | undefined;
  /** Whether a gradient was recorded that no update has used yet. */
  private hasGradient = false;
  private readonly parts: RecorderParts;
  private readonly programs: StepPrograms;
  private readonly network: NetworkWeights;

  constructor(parts: RecorderParts, learningRate: number) {
    this.parts = parts;
    this.programs = parts.programs;
    this.network = parts.network;
    this.rate = learningRate;
  }

  encodeStep(
    encoder: GPUCommandEncoder,
    batch: Batch<BufferSlice, BufferSlice>,
    options: RecordOptions = {},
  ): void {
    this.parts.checkFree();
    checkEncoder(encoder);
    checkNames('encodeStep', options, RECORD_OPTIONS);
    this.beginStep(encoder, batch, options);
    computePass(encoder, 'training step', (pass) => {
      for (const program of this.programs.step) program.encode(pass);
    });
  }

  encodeForward(encoder: GPUCommandEncoder, options: CustomForwardOptions): void {
    const programs = this.customPrograms('encodeForward', encoder);
    checkNames('encodeForward', options, FORWARD_OPTIONS);
    const { input, output, levels, labels, count = this.parts.batchSize } = options;
    checkInteger('count', count, 1, this.parts.batchSize);
    const { height, width, channels } = this.network.config;
    const outBytes = this.outputBytes(count);
    const from = checkSlice('input', input, count * height * width * channels * 4, 'COPY_SRC');
    const to = checkSlice('output', output, outBytes, 'COPY_DST');
    this.network.checkConditions({ levels, labels });
    const { noisyImages, targetImages, levels: levelsOf, classes } = this.programs.plan.tensors;
    const copies = (
      [
        ['levels', levels, levelsOf],
        ['labels', labels, classes],
      ] as const
    ).flatMap(([name, given, to]) =>
      given === undefined ? [] : [{ from: checkSlice(name, given, count * 4, 'COPY_SRC'), to }],
    );
    this.begin();
    // An error in the output's gradient comes from the caller's loss, or from weights that are too large.
    this.recorded = [
      { name: 'input', to: 'noisyImages', bytes: count * height * width * channels * 4 },
      ...(levels ? [{ name: 'levels', to: 'levels' as const, bytes: count * 4 }] : []),
    ];
    this.forward = { count, begun: this.begun };
    this.programs.encodeCount(encoder, count);
    this.copyIn(encoder, from, noisyImages, count * height * width * channels * 4);
    for (const { from, to } of copies) this.copyIn(encoder, from, to, count * 4);
    this.encodeAll(encoder, 'forward pass', [programs.load, ...programs.forward]);
    encoder.copyBufferToBuffer(this.programs.buffer(targetImages), 0, to.buffer, to.offset, outBytes);
  }

  encodeBackward(encoder: GPUCommandEncoder, options: CustomBackwardOptions): void {
    const programs = this.customPrograms('encodeBackward', encoder);
    checkNames('encodeBackward', options, BACKWARD_OPTIONS);
    checkBooleans({ accumulate: options.accumulate });
    const { forward } = this;
    if (!forward || forward.begun !== this.begun) {
      throw argumentError(
        `There is no forward pass to go back through${forward ? ': another step has overwritten it' : ''}. Record encodeForward first, once for each encodeBackward.`,
      );
    }
    const bytes = this.outputBytes(forward.count);
    const from = checkSlice('outputGradient', options.outputGradient, bytes, 'COPY_SRC');
    this.forward = undefined;
    this.hasGradient = true;
    this.gradientIsCustom = true;
    this.programs.encodeCount(encoder, forward.count);
    this.copyIn(encoder, from, this.programs.plan.tensors.targetImages, bytes);
    if (!options.accumulate) encoder.clearBuffer(programs.gradient);
    this.encodeAll(encoder, 'backward pass', programs.backward);
  }

  encodeUpdate(encoder: GPUCommandEncoder, options: CustomUpdateOptions = {}): void {
    const programs = this.customPrograms('encodeUpdate', encoder);
    checkNames('encodeUpdate', options, UPDATE_OPTIONS);
    const settings = this.updateSettings(options);
    if (!this.hasGradient) {
      throw argumentError('There is no gradient to update by. Record encodeBackward first.');
    }
    const loss = options.loss === undefined ? undefined : checkSlice('loss', options.loss, 4, 'COPY_SRC');
    this.hasGradient = false;
    this.programs.encodeSettings(encoder, settings);
    // finish_step divides its input by the number of images.
    this.programs.encodeCount(encoder, 1);
    if (loss) encoder.copyBufferToBuffer(loss.buffer, loss.offset, programs.loss, 0, 4);
    else encoder.clearBuffer(programs.loss);
    this.encodeAll(encoder, 'update', [programs.update]);
  }

  encodePack(encoder: GPUCommandEncoder): void {
    this.parts.checkFree();
    checkEncoder(encoder);
    this.network.encodePack(encoder);
  }

  get buffers(): TrainerBuffers {
    this.parts.check();
    const { moment1, moment2, losses } = this.programs.plan.tensors;
    return {
      parameters: this.network.parameterBuffer,
      moment1: this.programs.buffer(moment1),
      moment2: this.programs.buffer(moment2),
      gradient: this.programs.customLoss?.gradient,
      records: this.programs.buffer(losses),
    };
  }

  /** Counts a step as begun; it takes the place of one that is under way. */
  begin(): void {
    this.begun++;
    this.programs.endParts();
  }

  /** The same for a step with the trainer's own loss. */
  countStep(): void {
    this.begin();
    this.gradientIsCustom = false;
  }

  /** The values of an update: the caller's, else the trainer's. */
  updateSettings(given: Omit<CustomUpdateOptions, 'loss'> = {}): UpdateSettings {
    const { clipNorm: clip, adam } = this.parts.settings;
    const { learningRate = this.rate, weightDecay = adam.weightDecay, clipNorm = clip } = given;
    checkLearningRate(learningRate);
    checkNumber('weightDecay', weightDecay, 0, 1);
    if (clipNorm !== undefined) checkNumber('clipNorm', clipNorm, 1e-6, 1e6);
    return { learningRate, weightDecay, clipNorm: clipNorm ?? NO_CLIP };
  }

  /** Checks a step on the caller's buffers, and records the copies and numbers at its beginning. */
  private beginStep(
    encoder: GPUCommandEncoder,
    batch: Batch<BufferSlice, BufferSlice>,
    { learningRate }: RecordOptions,
  ): void {
    const settings = this.updateSettings({ learningRate });
    const { programs, network } = this;
    const count = checkBatch(batch, network, this.parts.batchSize);
    for (const [name, given] of Object.entries(batch)) {
      if (name === 'count' || given === undefined || isSlice(given)) continue;
      throw argumentError(
        `encodeStep was given a ${typeName(given)} as ${name}; all of the batch must be in GPUBuffers. Give arrays to step().`,
      );
    }
    const sources = listSources(batch, network.config, count);
    this.countStep();
    this.recorded = sources.map(({ name, to, bytes }) => ({ name, to, bytes }));
    programs.encodeSettings(encoder, settings);
    programs.encodeCount(encoder, count);
    for (const { source, to, bytes } of sources)
      this.copyIn(encoder, source as Slice, programs.plan.tensors[to], bytes);
  }

  private customPrograms(method: string, encoder: GPUCommandEncoder): CustomLossPrograms {
    this.parts.checkFree();
    checkEncoder(encoder);
    const { customLoss } = this.programs;
    if (customLoss) return customLoss;
    throw argumentError(
      `${method} is for trainers with a custom loss; create this one with customLoss: true.`,
    );
  }

  /** Bytes of `count` images of the network's output. */
  private outputBytes(count: number): number {
    const { height, width } = this.network.config;
    return count * height * width * countOutChannels(this.network.config) * 4;
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
