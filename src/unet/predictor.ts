import { checkBuffer, checkInteger, checkNames, type Names } from '../errors';
import type { Gpu } from '../gpu/gpu';
import { computePass, createTensorBuffers, Program } from '../gpu/program';
import { Staging } from '../gpu/staging';
import { chwnToNhwc } from '../kernels/chwn_to_nhwc';
import { nhwcToChwn } from '../kernels/nhwc_to_chwn';
import { createMutex } from '../mutex';
import { type Op, op } from '../plan/op';
import { STATE, STATE_WORDS } from '../plan/step_state';
import { padBatch, type Tensor, tensor } from '../plan/tensor';
import { Resource } from '../resource';
import { defaultChooser, withVariants } from '../tuning/chooser';
import { outChannelsOf } from './config';
import { type Choose, predictionPass, splitByWeights } from './forward';
import type { NetworkWeights } from './network';
import { chooser as chooseBy, type Variants } from './variants';

export interface PredictorOptions {
  /** Images per forward pass. Default 1. */
  readonly count?: number;
  /** Kernel variants by layer. Default: the engine chooses for the device. */
  readonly variants?: Variants;
}

/** The tensors for inputs and outputs. */
interface PredictorTensors {
  readonly images: Tensor;
  readonly result: Tensor;
  readonly state: Tensor;
  readonly levels: Tensor;
  readonly classes: Tensor;
}

interface PredictorPlan {
  readonly tensors: PredictorTensors;
  /** Tensors derived from the weights alone, valid while the weights do not change. */
  readonly made: readonly Tensor[];
  readonly prepare: readonly Op[];
  readonly ops: readonly Op[];
}

interface PredictorParts {
  readonly gpu: Gpu;
  readonly unet: NetworkWeights;
  readonly count: number;
  readonly program: Program;
  /** The program that depends on the weights alone: none or one. */
  readonly prepare: readonly Program[];
  readonly buffers: Readonly<Record<keyof PredictorTensors, GPUBuffer>>;
  readonly own: readonly GPUBuffer[];
  readonly staging: Staging;
}

/** A compiled forward pass with its memory, for callers that record their own commands. Created by `engine.createPredictor`. */
export class Predictor extends Resource {
  readonly unet: NetworkWeights;
  readonly count: number;
  private readonly parts: PredictorParts;
  /** The version of the weights (`UNet.weightsVersion`) that `prepare` last ran for. */
  private prepared: number | undefined;
  /** A run may take several submissions, and no other may write its inputs or tensors between them. */
  private readonly submitting = createMutex();

  private constructor(parts: PredictorParts) {
    super('predictor');
    this.unet = parts.unet;
    this.count = parts.count;
    this.parts = parts;
  }

  /** @internal */
  static async create(
    gpu: Gpu,
    unet: NetworkWeights,
    options: PredictorOptions = {},
    chooser = defaultChooser(gpu),
  ): Promise<Predictor> {
    unet.check(gpu.device);
    checkNames('A predictor', options, { count: true, variants: true } satisfies Names<PredictorOptions>);
    const { count = 1, variants } = options;
    checkInteger('count', count, 1, 65536);
    const batch = padBatch(count);
    const { layers } = unet.plan;
    const choice = { given: variants, gpu, chooser, layers, batch, training: false };
    return withVariants(choice, (chosen) => Predictor.make(gpu, unet, count, chosen));
  }

  private static async make(
    gpu: Gpu,
    unet: NetworkWeights,
    count: number,
    variants: Variants,
  ): Promise<Predictor> {
    const batch = padBatch(count);
    const plan = planPrediction(unet, batch, chooseBy(variants));
    const { images, result, state, levels, classes } = plan.tensors;
    const tensors = [images, result, state, levels, classes, ...plan.made];
    for (const t of tensors) gpu.checkBufferSize(`predictor ${t.label}`, t.size * 4);
    const created = await createTensorBuffers(gpu, 'predictor ', tensors);
    const own = [...created.values()];
    const boundBuffers = new Map([...unet.boundBuffers, ...created]);
    const buffer = (t: Tensor) => created.get(t)!;
    const buffers = {
      images: buffer(images),
      result: buffer(result),
      state: buffer(state),
      levels: buffer(levels),
      classes: buffer(classes),
    };
    let staging: Staging | undefined;
    try {
      await gpu.write(buffers.state, STATE.count * 4, Uint32Array.of(count));
      // Two, so that one turn of `predict` is read back while the next one runs.
      staging = await Staging.create(gpu, 'predictions', (result.size / batch) * count * 4, 2);
      const [program, ...prepare] = await Program.compileAll([
        Program.compile(gpu, 'predict', plan.ops, boundBuffers),
        ...(plan.prepare.length > 0
          ? [Program.compile(gpu, 'kernels for predict', plan.prepare, boundBuffers)]
          : []),
      ]);
      return new Predictor({ gpu, unet, count, program, prepare, buffers, own, staging });
    } catch (error) {
      staging?.destroy();
      for (const b of own) b.destroy();
      throw error;
    }
  }

  /**
   * Records a forward pass from the images in `input` to predictions in `output`; submits nothing. Both are
   * [count][height][width][channels] of f32; `input` has the usage COPY_SRC, `output` COPY_DST; they may be the same buffer. A conditioned
   * network reads its conditions from buffers with COPY_SRC: `levels`, f32, and `labels`, u32, [count] each.
   */
  encode(
    encoder: GPUCommandEncoder,
    input: GPUBuffer,
    output: GPUBuffer,
    told: { levels?: GPUBuffer; labels?: GPUBuffer } = {},
  ): void {
    this.check();
    const { height, width, channels } = this.unet.config;
    const pixels = this.count * height * width * 4;
    const [inBytes, outBytes] = [pixels * channels, pixels * outChannelsOf(this.unet.config)];
    checkBuffer('input', input, inBytes, 'COPY_SRC');
    checkBuffer('output', output, outBytes, 'COPY_DST');
    this.unet.checkTold(told);
    const { prepare, program, buffers } = this.parts;
    const { images, result, levels, classes } = buffers;
    encoder.copyBufferToBuffer(input, 0, images, 0, inBytes);
    for (const [name, to] of [
      ['levels', levels],
      ['labels', classes],
    ] as const) {
      const from = told[name];
      if (!from) continue;
      checkBuffer(name, from, this.count * 4, 'COPY_SRC');
      encoder.copyBufferToBuffer(from, 0, to, 0, this.count * 4);
    }
    // Always prepare: the weights may change before the caller submits this.
    for (const each of [...prepare, program]) computePass(encoder, 'predict', (pass) => each.encode(pass));
    encoder.copyBufferToBuffer(result, 0, output, 0, outBytes);
  }

  /** Runs a forward pass of up to `count` images from the host and back. At most two runs at the same time. @internal */
  async run(
    given: Float32Array,
    told: { levels?: Float32Array; labels?: Uint32Array } = {},
  ): Promise<Float32Array<ArrayBuffer>> {
    const { height, width, channels } = this.unet.config;
    const { gpu, buffers, staging } = this.parts;
    const { images, result, levels, classes } = buffers;
    const count = given.length / (height * width * channels);
    const bytes = count * height * width * outChannelsOf(this.unet.config) * 4;
    const { reading } = await this.submitting(() => {
      for (const [to, values] of [
        [images, given],
        [levels, told.levels],
        [classes, told.labels],
      ] as const) {
        if (values) gpu.writeSoon(to, 0, values.buffer, values.byteOffset, values.byteLength);
      }
      this.setCount(count);
      return this.submit((encoder, work) => staging.read(encoder, [{ buffer: result, bytes }], work));
    });
    const [values] = await reading;
    return new Float32Array(values);
  }

  /** Submits a forward pass; what is read after it comes when the GPU has executed it, later than the result of this. */
  private async submit<T>(
    read: (encoder: GPUCommandEncoder, work: number) => Promise<T>,
  ): Promise<{ readonly reading: Promise<T> }> {
    const { gpu, prepare, program } = this.parts;
    const { weightsVersion } = this.unet;
    const isPrepared = weightsVersion !== undefined && weightsVersion === this.prepared;
    this.prepared = weightsVersion;
    const programs = isPrepared ? [program] : [...prepare, program];
    try {
      return await gpu.runAnd(programs, async (encoder, work) => {
        const reading = read(encoder, work);
        reading.catch(() => {
          this.prepared = undefined;
        });
        return { reading };
      });
    } catch (error) {
      this.prepared = undefined;
      throw error;
    }
  }

  /** Bytes of GPU memory that the predictor holds, without the network's weights. */
  get bytes(): number {
    const { prepare, program, own } = this.parts;
    const programs = [...prepare, program].reduce((sum, p) => sum + p.bytes, 0);
    return programs + own.reduce((sum, b) => sum + b.size, 0);
  }

  /** @internal */
  override check(): void {
    super.check();
    this.unet.check();
  }

  protected release(): void {
    const { prepare, program, own, staging } = this.parts;
    for (const each of [...prepare, program]) each.destroy();
    staging.destroy();
    for (const b of own) b.destroy();
  }

  private setCount(count: number): void {
    const { gpu, buffers } = this.parts;
    gpu.writeSoon(buffers.state, STATE.count * 4, Uint32Array.of(count));
  }
}

/** A pass of `batch` images from the caller's layout and back to it. Pure. */
function planPrediction(
  { config, plan, boundBuffers }: Pick<NetworkWeights, 'config' | 'plan' | 'boundBuffers'>,
  batch: number,
  choose: Choose,
): PredictorPlan {
  const { height, width, channels } = config;
  const outChannels = outChannelsOf(config);
  const shape = { batch, height, width };
  const [size, resultSize] = [channels, outChannels].map((c) => batch * height * width * c);
  const tensors = {
    images: tensor('images', size),
    result: tensor('result', resultSize),
    state: tensor('state', STATE_WORDS),
    levels: tensor('noise levels', batch),
    classes: tensor('classes', batch),
  };
  const { images, result, state, levels, classes } = tensors;
  const input = tensor('input', size);
  const output = tensor('output', resultSize);
  const pass = predictionPass(plan, batch, input, output, { levels, classes }, choose);
  const { once, each, made } = splitByWeights(pass, new Set(boundBuffers.keys()));
  const ops = [
    op(nhwcToChwn, 'input', { ...shape, channels }, { images, state, output: input }),
    ...each,
    op(chwnToNhwc, 'output', { ...shape, channels: outChannels }, { input: output, images: result }),
  ];
  return { tensors, made, prepare: once, ops };
}
