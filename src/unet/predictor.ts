import { checkBuffer, checkInteger, checkNames, EngineError } from '../errors';
import type { Gpu } from '../gpu/gpu';
import { Program } from '../gpu/program';
import { Staging } from '../gpu/staging';
import { chwnToNhwc } from '../kernels/chwn_to_nhwc';
import { nhwcToChwn } from '../kernels/nhwc_to_chwn';
import { op } from '../plan/op';
import { STATE, STATE_WORDS } from '../plan/step_state';
import { type Tensor, tensor } from '../plan/tensor';
import { outChannelsOf } from './config';
import { predictionPass, splitByWeights } from './forward';
import type { UNet } from './unet';
import { checkVariants, chooser, type Variants } from './variants';

export interface PredictorOptions {
  /** Images of a forward pass. Default 1. */
  readonly count?: number;
  /** Kernel variants by layer. Default: chosen for the device. */
  readonly variants?: Variants;
}

/** A forward pass that is compiled and has its memory, for a program that records its own commands. Created by `engine.createPredictor`. */
export class Predictor {
  readonly unet: UNet;
  readonly count: number;
  private readonly gpu: Gpu;
  /** What depends on the weights alone: none or one. */
  private readonly prepare: readonly Program[];
  private readonly program: Program;
  /** Of which state of the weights (`UNet.weightsState`) `prepare` has been run. */
  private prepared: number | undefined;
  private readonly own: readonly GPUBuffer[];
  private readonly staging: Staging;
  private destroyed = false;

  private constructor(
    gpu: Gpu,
    unet: UNet,
    count: number,
    [program, ...prepare]: readonly Program[],
    own: readonly GPUBuffer[],
    staging: Staging,
  ) {
    this.gpu = gpu;
    this.unet = unet;
    this.count = count;
    this.prepare = prepare;
    this.program = program;
    this.own = own;
    this.staging = staging;
  }

  /** @internal */
  static async create(gpu: Gpu, unet: UNet, options: PredictorOptions = {}): Promise<Predictor> {
    unet.check(gpu.device);
    checkNames('A predictor', options, ['count', 'variants'] satisfies (keyof PredictorOptions)[]);
    const { count = 1, variants } = options;
    checkInteger('count', count, 1, 65536);
    const { height, width, channels } = unet.config;
    const { layers } = unet.plan;
    const outChannels = outChannelsOf(unet.config);
    const batch = Math.ceil(count / 4) * 4;
    const shape = { batch, height, width };
    if (variants) checkVariants(variants, layers, batch, gpu.device.features, false);
    const choose = chooser(variants ?? (await gpu.chooseVariants(layers, batch, false)));
    const [size, resultSize] = [channels, outChannels].map((c) => batch * height * width * c);
    const images = tensor('images', size);
    const result = tensor('result', resultSize);
    const state = tensor('state', STATE_WORDS);
    const levels = tensor('noise levels', batch);
    const classes = tensor('classes', batch);
    const input = tensor('input', size);
    const output = tensor('output', resultSize);
    const pass = predictionPass(unet.plan, batch, input, output, { levels, classes }, choose);
    const { once, each, made } = splitByWeights(pass, new Set(unet.fixed.keys()));
    const ops = [
      op(nhwcToChwn, 'input', { ...shape, channels }, { images, state, output: input }),
      ...each,
      op(chwnToNhwc, 'output', { ...shape, channels: outChannels }, { input: output, images: result }),
    ];
    const tensors = [images, result, state, levels, classes, ...made];
    for (const t of tensors) gpu.checkBufferSize(`predictor ${t.label}`, t.size * 4);
    const own = await gpu.createBuffers(
      tensors.map((t) => ({ label: `predictor ${t.label}`, bytes: t.size * 4 })),
    );
    const fixed = new Map([...unet.fixed, ...tensors.map((t, i): [Tensor, GPUBuffer] => [t, own[i]])]);
    let staging: Staging | undefined;
    try {
      // Two, so that one turn of `predict` is read while the next one is at work.
      staging = await Staging.create(gpu, 'predictions', count * height * width * outChannels * 4, 2);
      const programs = await Program.compileAll([
        Program.compile(gpu, 'predict', ops, fixed),
        ...(once.length > 0 ? [Program.compile(gpu, 'kernels for predict', once, fixed)] : []),
      ]);
      const predictor = new Predictor(gpu, unet, count, programs, own, staging);
      predictor.setCount(count);
      return predictor;
    } catch (error) {
      staging?.destroy();
      for (const b of own) b.destroy();
      throw error;
    }
  }

  /**
   * Records a forward pass from the images in `input` to predictions in `output`, submits nothing. Both are [count][height][width][channels]
   * of f32; `input` has the usage COPY_SRC, `output` COPY_DST; they may be the same buffer. What the network is told beside that comes from
   * buffers with COPY_SRC: `levels`, f32, and `labels`, u32, [count] each.
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
    const [images, result, , levels, classes] = this.own;
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
    // Nobody knows what the weights will be when this is submitted.
    for (const program of [...this.prepare, this.program]) {
      const pass = encoder.beginComputePass({ label: 'predict' });
      program.encode(pass);
      pass.end();
    }
    encoder.copyBufferToBuffer(result, 0, output, 0, outBytes);
  }

  /** A forward pass of up to `count` images from the host and back to it. Two at the same time at most. @internal */
  async run(
    given: Float32Array,
    told: { levels?: Float32Array; labels?: Uint32Array } = {},
  ): Promise<Float32Array<ArrayBuffer>> {
    const { height, width, channels } = this.unet.config;
    const [images, result, , levels, classes] = this.own;
    const count = given.length / (height * width * channels);
    const bytes = count * height * width * outChannelsOf(this.unet.config) * 4;
    const { queue } = this.gpu.device;
    for (const [to, values] of [
      [images, given],
      [levels, told.levels],
      [classes, told.labels],
    ] as const) {
      if (values) queue.writeBuffer(to, 0, values.buffer, values.byteOffset, values.byteLength);
    }
    this.setCount(count);
    const sources = [{ buffer: result, bytes }];
    const { weightsState } = this.unet;
    const isPrepared = weightsState !== undefined && weightsState === this.prepared;
    this.prepared = weightsState;
    const programs = isPrepared ? [this.program] : [...this.prepare, this.program];
    try {
      const [values] = await this.gpu.runAnd(programs, (encoder, work) =>
        this.staging.read(encoder, sources, work),
      );
      return new Float32Array(values);
    } catch (error) {
      this.prepared = undefined;
      throw error;
    }
  }

  /** Bytes of GPU memory that it holds, without the network's weights. */
  get bytes(): number {
    const programs = [...this.prepare, this.program].reduce((sum, p) => sum + p.bytes, 0);
    return programs + this.own.reduce((sum, b) => sum + b.size, 0);
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    for (const program of [...this.prepare, this.program]) program.destroy();
    this.staging.destroy();
    for (const b of this.own) b.destroy();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  private setCount(count: number): void {
    const [, , state] = this.own;
    this.gpu.device.queue.writeBuffer(state, STATE.count * 4, Uint32Array.of(count));
  }

  private check(): void {
    if (this.destroyed) throw new EngineError('destroyed', 'This predictor was destroyed; create a new one.');
    this.unet.check();
  }
}
