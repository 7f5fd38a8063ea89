import { checkBooleans, checkInteger, checkNames, type Names } from '../base/errors';
import { loaded } from '../base/load';
import { createMutex } from '../base/mutex';
import { Resource } from '../base/resource';
import type { Gpu } from '../gpu/gpu';
import type { Load } from '../gpu/pacer';
import { computePass, createTensorBuffers, Program } from '../gpu/program';
import { type BufferSlice, checkEncoder, checkSlice } from '../gpu/slice';
import { Staging } from '../gpu/staging';
import { pack, Upload } from '../gpu/upload';
import { chwnToNhwc } from '../kernels/chwn_to_nhwc';
import { nhwcToChwn } from '../kernels/nhwc_to_chwn';
import { type Op, op } from '../plan/op';
import { STATE, STATE_WORDS } from '../plan/step_state';
import { padBatch, type Tensor, tensor } from '../plan/tensor';
import { defaultChooser, measuresFor, withVariants } from './chooser';
import { countOutChannels } from './config';
import { type Choose, type LayerTensors, layerTensors, predictionPass, splitByWeights } from './forward';
import type { LayerMaps } from './layer_maps';
import type { NetworkWeights } from './network';
import { type Chosen, chooser as chooseBy, type Variants } from './variants';

/** Options of a predictor. */
export interface PredictorOptions {
  /** Images per forward pass, 1 to 65536. Default 1. */
  readonly count?: number | undefined;
  /** Kernel variants by layer. Default: the engine chooses for the device. */
  readonly variants?: Variants | undefined;
  /** Whether to measure which variants are fastest, if `engine.tune` is true. Default: for more than 16 images. */
  readonly tune?: boolean | undefined;
  /** False gives every activation its own buffer, so that `predictor.maps` can read them after a pass. Default true. */
  readonly reuseMemory?: boolean | undefined;
}

const OPTIONS: Names<PredictorOptions> = { count: true, variants: true, tune: true, reuseMemory: true };

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
  readonly transformed: readonly Tensor[];
  readonly prepare: readonly Op[];
  readonly ops: readonly Op[];
  readonly maps: readonly LayerTensors[];
}

interface PredictorParts extends Chosen {
  readonly gpu: Gpu;
  readonly network: NetworkWeights;
  readonly count: number;
  readonly ops: readonly Op[];
  readonly program: Program;
  /** The program that depends on the weights alone: none or one. */
  readonly prepare: readonly Program[];
  readonly maps: LayerMaps;
  readonly buffers: Readonly<Record<keyof PredictorTensors, GPUBuffer>>;
  readonly allBuffers: readonly GPUBuffer[];
  readonly staging: Staging;
}

/** A compiled forward pass with its memory, for callers that record their own commands. Created by `engine.createPredictor`. */
export class Predictor extends Resource {
  /** Images per forward pass. */
  readonly count: number;
  /** The maps of each layer for the images of the last pass; readable with `reuseMemory: false`. */
  readonly maps: LayerMaps;
  /** The kernel variants in use. @internal */
  readonly variants: Variants;
  /** Whether the caller fixed them. @internal */
  readonly isFixed: boolean;
  /** The ops that it runs. @internal */
  readonly ops: readonly Op[];
  private readonly parts: PredictorParts;
  /** The version of the weights (`UNet.weightsVersion`) that `prepare` last ran for. */
  private prepared: number | undefined;
  private readonly upload: Upload;
  /** A run may take several submissions, and no other may write its inputs or tensors between them. */
  private readonly submitting = createMutex();

  private constructor(parts: PredictorParts) {
    super('predictor');
    this.count = parts.count;
    this.variants = parts.variants;
    this.isFixed = parts.isFixed;
    this.ops = parts.ops;
    this.maps = parts.maps;
    this.maps.owner = { check: () => this.check(), failed: (error) => this.failed(error) };
    this.parts = parts;
    this.upload = new Upload(parts.gpu, 'predictor inputs');
  }

  /** @internal */
  static async create(
    gpu: Gpu,
    network: NetworkWeights,
    options: PredictorOptions = {},
    chooser = defaultChooser(gpu),
  ): Promise<Predictor> {
    checkNames('A predictor', options, OPTIONS);
    const { count = 1, variants, tune, reuseMemory = true } = options;
    checkBooleans({ tune, reuseMemory });
    checkInteger('count', count, 1, 65536);
    const batch = padBatch(count);
    const { layers } = network.plan;
    const opsOf = (images: number, chosen: Variants) =>
      planPrediction(network, padBatch(images), chooseBy(chosen)).ops;
    const sized = { option: 'count', images: count, opsOf } as const;
    const place = { layers, batch, training: false, given: variants, measures: measuresFor(count, tune) };
    return withVariants({ ...place, gpu, chooser, sized }, (variants, isFixed) =>
      Predictor.make(gpu, network, { count, reuseMemory }, { variants, isFixed }),
    );
  }

  private static async make(
    gpu: Gpu,
    network: NetworkWeights,
    { count, reuseMemory }: { readonly count: number; readonly reuseMemory: boolean },
    { variants, isFixed }: Chosen,
  ): Promise<Predictor> {
    const batch = padBatch(count);
    const plan = planPrediction(network, batch, chooseBy(variants));
    const tensors = [...Object.values<Tensor>({ ...plan.tensors }), ...plan.transformed];
    for (const t of tensors) gpu.checkBufferSize(`predictor ${t.label}`, t.size * 4);
    const created = await createTensorBuffers(gpu, 'predictor ', tensors);
    const allBuffers = [...created.values()];
    const boundBuffers = new Map([...network.boundBuffers, ...created]);
    const named = Object.entries(plan.tensors).map(([name, t]) => [name, created.get(t)!]);
    const buffers: PredictorParts['buffers'] = Object.fromEntries(named);
    let staging: Staging | undefined;
    let programs: readonly Program[] = [];
    try {
      await gpu.write(buffers.state, STATE.count * 4, Uint32Array.of(count));
      // Two, so that one turn of `predict` is read back while the next one runs.
      staging = await Staging.create(gpu, 'predictions', (plan.tensors.result.size / batch) * count * 4, 2);
      programs = await Program.compileAll([
        Program.compile(gpu, 'predict', plan.ops, boundBuffers, { reuse: reuseMemory }),
        ...(plan.prepare.length > 0
          ? [Program.compile(gpu, 'kernels for predict', plan.prepare, boundBuffers)]
          : []),
      ]);
      const [program, ...prepare] = programs;
      const of = { what: 'predictor', gpu, layers: plan.maps, batch, count, program, reuseMemory };
      const { LayerMaps } = await loaded(import('./layer_maps'));
      const maps = await LayerMaps.create(of);
      const { ops } = plan;
      return new Predictor({
        gpu,
        network,
        count,
        variants,
        isFixed,
        ops,
        program,
        prepare,
        maps,
        buffers,
        allBuffers,
        staging,
      });
    } catch (error) {
      staging?.destroy();
      for (const each of programs) each.destroy();
      for (const b of allBuffers) b.destroy();
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
    input: BufferSlice,
    output: BufferSlice,
    conditions: { levels?: BufferSlice | undefined; labels?: BufferSlice | undefined } = {},
  ): void {
    this.check();
    checkEncoder(encoder);
    const { height, width, channels } = this.parts.network.config;
    const pixels = this.count * height * width * 4;
    const inBytes = pixels * channels;
    const outBytes = pixels * countOutChannels(this.parts.network.config);
    const from = checkSlice('input', input, inBytes, 'COPY_SRC');
    const to = checkSlice('output', output, outBytes, 'COPY_DST');
    checkNames('encode', conditions, { levels: true, labels: true } satisfies Names<typeof conditions>);
    this.parts.network.checkConditions(conditions);
    const { prepare, program, buffers } = this.parts;
    const { images, result, levels, classes } = buffers;
    const copies = (
      [
        ['levels', levels],
        ['labels', classes],
      ] as const
    ).flatMap(([name, to]) => {
      const given = conditions[name];
      return given === undefined ? [] : [{ ...checkSlice(name, given, this.count * 4, 'COPY_SRC'), to }];
    });
    encoder.copyBufferToBuffer(from.buffer, from.offset, images, 0, inBytes);
    for (const { buffer, offset, to } of copies)
      encoder.copyBufferToBuffer(buffer, offset, to, 0, this.count * 4);
    // Always prepare: the weights may change before the caller submits this.
    for (const each of [...prepare, program]) computePass(encoder, 'predict', (pass) => each.encode(pass));
    encoder.copyBufferToBuffer(result, 0, to.buffer, to.offset, outBytes);
  }

  /** Runs a forward pass of up to `count` images from the host and back. At most two runs at the same time. @internal */
  async run(
    given: Float32Array,
    conditions: { levels?: Float32Array; labels?: Uint32Array } = {},
  ): Promise<Float32Array<ArrayBuffer>> {
    const { height, width, channels } = this.parts.network.config;
    const { gpu, buffers, staging } = this.parts;
    const { images, result, state, levels, classes } = buffers;
    const count = given.length / (height * width * channels);
    const bytes = count * height * width * countOutChannels(this.parts.network.config) * 4;
    const { reading } = await this.submitting(async () => {
      this.check();
      const brought = (
        [
          [images, given],
          [levels, conditions.levels],
          [classes, conditions.labels],
        ] as const
      ).flatMap(([to, values]) => (values ? [{ to, values }] : []));
      await this.upload.write(pack([Uint32Array.of(count), ...brought.map(({ values }) => values)]));
      this.check();
      const first = gpu.device.createCommandEncoder({ label: 'predict' });
      this.upload.bring(first, 0, state, STATE.count * 4);
      brought.forEach(({ to }, i) => {
        this.upload.bring(first, i + 1, to);
      });
      return this.submit(first, (encoder, load) => staging.read(encoder, [{ buffer: result, bytes }], load));
    });
    const [values] = await reading;
    return new Float32Array(values);
  }

  /** Submits `first`, and a forward pass. `reading` resolves when the GPU has executed it, later than the returned promise. */
  private async submit<T>(
    first: GPUCommandEncoder,
    read: (encoder: GPUCommandEncoder, load: Load) => Promise<T>,
  ): Promise<{ readonly reading: Promise<T> }> {
    const { gpu, prepare, program } = this.parts;
    const { weightsVersion } = this.parts.network;
    const isPrepared = weightsVersion !== undefined && weightsVersion === this.prepared;
    this.prepared = weightsVersion;
    const programs = isPrepared ? [program] : [...prepare, program];
    let reading: Promise<T> | undefined;
    try {
      const readLast = async (encoder: GPUCommandEncoder, load: Load) => {
        const begun = read(encoder, load);
        reading = begun;
        begun.catch(() => {
          this.prepared = undefined;
        });
        return { reading: begun };
      };
      return await gpu.runAnd(programs, readLast, { encoder: first });
    } catch (error) {
      this.prepared = undefined;
      // An earlier submission was refused; nothing is under way when the caller gets the error.
      await Promise.allSettled([reading]);
      throw error;
    }
  }

  /** Bytes of GPU memory that the predictor holds, without the network's weights. */
  get bytes(): number {
    if (this.destroyed) return 0;
    const { prepare, program, allBuffers } = this.parts;
    const programs = [...prepare, program].reduce(
      (sum, p) => sum + p.bytes,
      this.maps.bytes + this.upload.bytes,
    );
    return programs + allBuffers.reduce((sum, b) => sum + b.size, 0);
  }

  /** @internal */
  override check(): void {
    super.check();
    this.parts.network.check();
  }

  protected release(): void {
    const { prepare, program, allBuffers, staging } = this.parts;
    for (const each of [...prepare, program]) each.destroy();
    this.maps.destroy();
    staging.destroy();
    this.upload.destroy();
    for (const b of allBuffers) b.destroy();
  }
}

/** A pass of `batch` images from the caller's layout and back to it. Pure. */
function planPrediction(
  { config, plan, boundBuffers }: Pick<NetworkWeights, 'config' | 'plan' | 'boundBuffers'>,
  batch: number,
  choose: Choose,
): PredictorPlan {
  const { height, width, channels } = config;
  const outChannels = countOutChannels(config);
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
  const { once, each, transformed } = splitByWeights(pass.ops, new Set(boundBuffers.keys()));
  const ops = [
    op(nhwcToChwn, 'input', { ...shape, channels }, { images, state, output: input }),
    ...each,
    op(chwnToNhwc, 'output', { ...shape, channels: outChannels }, { input: output, images: result }),
  ];
  return { tensors, transformed, prepare: once, ops, maps: layerTensors(pass) };
}
