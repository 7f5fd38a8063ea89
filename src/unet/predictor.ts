import type { Gpu } from '../device';
import { checkBuffer, checkInteger, checkNames, EngineError } from '../errors';
import { op, Program, type Tensor, tensor } from '../kernel';
import { chwnToNhwc } from '../kernels/chwn_to_nhwc';
import { nhwcToChwn } from '../kernels/nhwc_to_chwn';
import { Staging } from '../staging';
import { STATE, STATE_WORDS } from '../training/state';
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
    const { layers, weights } = unet.plan;
    const batch = Math.ceil(count / 4) * 4;
    const shape = { batch, height, width, channels };
    if (variants) checkVariants(variants, layers, batch, gpu.device.features, false);
    const choose = chooser(variants ?? (await gpu.chooseVariants(layers, batch, false)));
    const size = batch * height * width * channels;
    const images = tensor('images', size);
    const result = tensor('result', size);
    const state = tensor('state', STATE_WORDS);
    const input = tensor('input', size);
    const output = tensor('output', size);
    const pass = predictionPass(layers, weights, batch, input, output, choose);
    const { once, each, made } = splitByWeights(pass, new Set(unet.fixed.keys()));
    const ops = [
      op(nhwcToChwn, 'input', shape, { images, state, output: input }),
      ...each,
      op(chwnToNhwc, 'output', shape, { input: output, images: result }),
    ];
    const tensors = [images, result, state, ...made];
    for (const t of tensors) gpu.checkBufferSize(`predictor ${t.label}`, t.size * 4);
    const own = await gpu.createBuffers(
      tensors.map((t) => ({ label: `predictor ${t.label}`, bytes: t.size * 4 })),
    );
    const fixed = new Map([...unet.fixed, ...tensors.map((t, i): [Tensor, GPUBuffer] => [t, own[i]])]);
    let staging: Staging | undefined;
    try {
      // Two, so that one turn of `predict` is read while the next one is at work.
      staging = await Staging.create(gpu, 'predictions', count * height * width * channels * 4, 2);
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
   * of f32; `input` has the usage COPY_SRC, `output` COPY_DST; they may be the same buffer.
   */
  encode(encoder: GPUCommandEncoder, input: GPUBuffer, output: GPUBuffer): void {
    this.check();
    const { height, width, channels } = this.unet.config;
    const bytes = this.count * height * width * channels * 4;
    checkBuffer('input', input, bytes, 'COPY_SRC');
    checkBuffer('output', output, bytes, 'COPY_DST');
    const [images, result] = this.own;
    encoder.copyBufferToBuffer(input, 0, images, 0, bytes);
    // Nobody knows what the weights will be when this is submitted.
    for (const program of [...this.prepare, this.program]) {
      const pass = encoder.beginComputePass({ label: 'predict' });
      program.encode(pass);
      pass.end();
    }
    encoder.copyBufferToBuffer(result, 0, output, 0, bytes);
  }

  /** A forward pass of up to `count` images from the host and back to it. Two at the same time at most. @internal */
  async run(given: Float32Array): Promise<Float32Array<ArrayBuffer>> {
    const { height, width, channels } = this.unet.config;
    const [images, result] = this.own;
    this.gpu.device.queue.writeBuffer(images, 0, given.buffer, given.byteOffset, given.byteLength);
    this.setCount(given.length / (height * width * channels));
    const sources = [{ buffer: result, bytes: given.byteLength }];
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
