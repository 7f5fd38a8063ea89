import type { Gpu } from '../device';
import { checkBuffer, checkInteger, checkNames, EngineError, notImages } from '../errors';
import { type Op, op, Program, type Tensor, tensor } from '../kernel';
import { chwnToNhwc } from '../kernels/chwn_to_nhwc';
import { denoiseStep } from '../kernels/denoise_step';
import { nhwcToChwn } from '../kernels/nhwc_to_chwn';
import { uniformNoise } from '../kernels/uniform_noise';
import { Staging } from '../staging';
import { STATE, STATE_WORDS } from '../training/state';
import { predictionPass, splitByWeights } from '../unet/forward';
import type { UNet } from '../unet/unet';
import { checkVariants, chooser, type Variants } from '../unet/variants';

/** Most steps of one run. */
export const MAX_SAMPLING_STEPS = 1000;

export interface SamplerOptions {
  /** Images that are sampled together. Default 64. */
  readonly count?: number;
  /** Kernel variants by layer. Default: chosen for the device. */
  readonly variants?: Variants;
}

export interface SampleOptions {
  /** 1 to 1000. */
  readonly steps: number;
  /** Fixes the noise that the images start from. Default 0. */
  readonly seed?: number;
  /** Start from these images instead: [count][height][width][channels]. */
  readonly noise?: Float32Array;
  readonly signal?: AbortSignal;
  /** Called with the number of steps done, which may be several more each time. */
  readonly onStep?: (done: number) => void;
}

/** One sampling step; all images are [count][height][width][channels]. */
export interface SampleEvent {
  /** 0 to steps - 1. */
  readonly step: number;
  /** x before the step. */
  readonly input: Float32Array<ArrayBuffer>;
  /** What the network makes of it. */
  readonly prediction: Float32Array<ArrayBuffer>;
  /** x after the step: clip(input * (1 - m) + prediction * m, 0, 1) with m = 1 / (steps - step). */
  readonly x: Float32Array<ArrayBuffer>;
}

/** Turns noise into images with a UNet, a little further at each step. Created by `engine.createSampler`. */
export class Sampler {
  readonly unet: UNet;
  readonly count: number;
  /** @internal */
  readonly parts: SamplerParts;
  private readonly gpu: Gpu;
  private busy = false;
  private destroyed = false;

  private constructor(gpu: Gpu, unet: UNet, count: number, parts: SamplerParts) {
    this.gpu = gpu;
    this.unet = unet;
    this.count = count;
    this.parts = parts;
  }

  /** @internal */
  static async create(gpu: Gpu, unet: UNet, options: SamplerOptions = {}): Promise<Sampler> {
    unet.check(gpu.device);
    checkNames('A sampler', options, ['count', 'variants'] satisfies (keyof SamplerOptions)[]);
    const { count = 64, variants } = options;
    checkInteger('count', count, 1, 65536);
    return new Sampler(gpu, unet, count, await createParts(gpu, unet, count, variants));
  }

  /** Runs `steps` steps and yields the images before, predicted and after each. */
  async *run(options: SampleOptions): AsyncGenerator<SampleEvent, void, undefined> {
    const { x, prediction } = this.parts.outputs;
    await this.start(options);
    try {
      let [input] = await this.read(x);
      for (let step = 0; step < options.steps; step++) {
        await this.advance(options, step, 1);
        const [after, predicted] = await this.read(x, prediction);
        yield { step, input, prediction: predicted, x: after };
        input = after;
      }
    } catch (error) {
      if (error !== options.signal?.reason) this.check();
      throw error;
    } finally {
      this.busy = false;
    }
  }

  /** Runs all steps and returns only the result, [count][height][width][channels]. */
  async sample(options: SampleOptions): Promise<Float32Array<ArrayBuffer>> {
    await this.start(options);
    try {
      for (let done = 0; done < options.steps; ) done += await this.advance(options, done);
      const [images] = await this.read(this.parts.outputs.x);
      return images;
    } catch (error) {
      if (error !== options.signal?.reason) this.check();
      throw error;
    } finally {
      this.busy = false;
    }
  }

  /**
   * Records `steps` steps from the images in `buffer`, submits nothing. `buffer` ([count][height][width][channels] of f32,
   * usages COPY_SRC and COPY_DST) holds the result when the encoder has run.
   */
  encodeRun(encoder: GPUCommandEncoder, buffer: GPUBuffer, steps: number): void {
    this.check();
    if (this.busy) throw busyError();
    checkInteger('steps', steps, 1, MAX_SAMPLING_STEPS);
    const bytes = this.count * this.imageSize * 4;
    checkBuffer('The buffer of encodeRun', buffer, bytes, 'COPY_SRC', 'COPY_DST');
    const { load, outputs } = this.parts;
    const images = this.parts.buffer(outputs.x.images);
    encoder.copyBufferToBuffer(buffer, 0, images, 0, bytes);
    encodePass(encoder, load);
    this.encodeSteps(encoder, steps, steps);
    encodePass(encoder, outputs.x.toImages);
    encoder.copyBufferToBuffer(images, 0, buffer, 0, bytes);
  }

  /** Bytes of GPU memory that this sampler holds, without the UNet's weights. */
  get bytes(): number {
    const { programs, own } = this.parts;
    return programs.reduce((sum, p) => sum + p.bytes, 0) + own.reduce((sum, b) => sum + b.size, 0);
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    for (const program of this.parts.programs) program.destroy();
    for (const b of this.parts.own) b.destroy();
    this.parts.staging.destroy();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  // ---------------------------------------------------------------- inside

  private get imageSize(): number {
    const { height, width, channels } = this.unet.config;
    return height * width * channels;
  }

  private check(): void {
    if (this.destroyed) throw new EngineError('destroyed', 'This sampler was destroyed; create a new one.');
    this.unet.check();
  }

  /** Puts the starting noise into x. */
  private async start(options: SampleOptions): Promise<void> {
    this.check();
    checkNames('Sampling', options, [
      'steps',
      'seed',
      'noise',
      'signal',
      'onStep',
    ] satisfies (keyof SampleOptions)[]);
    const { steps, seed = 0, noise, signal } = options;
    checkInteger('steps', steps, 1, MAX_SAMPLING_STEPS);
    checkInteger('seed', seed, 0, 0xffffffff);
    const size = this.count * this.imageSize;
    if (noise && !(noise instanceof Float32Array)) throw notImages('noise', noise);
    if (noise && noise.length !== size) {
      throw new EngineError(
        'argument',
        `noise has ${noise.length} values; ${this.count} images of ${this.imageSize} values are ${size}.`,
      );
    }
    if (this.busy) throw busyError();
    signal?.throwIfAborted();
    this.busy = true;
    const { gpu, parts } = this;
    try {
      if (noise) {
        gpu.device.queue.writeBuffer(
          parts.buffer(parts.outputs.x.images),
          0,
          noise.buffer,
          noise.byteOffset,
          noise.byteLength,
        );
        await gpu.run([parts.load], { signal });
      } else {
        const shape = { ...parts.shape, count: this.count, seed };
        const program = await Program.compile(
          gpu,
          'noise',
          [op(uniformNoise, 'noise', shape, { output: parts.x })],
          parts.fixed,
        );
        await gpu.run([program]).finally(() => program.destroy());
      }
    } catch (error) {
      this.busy = false;
      if (error !== signal?.reason) this.check();
      throw error;
    }
  }

  /** What has been made so far, in the caller's order. */
  private async read(...outputs: Output[]): Promise<Float32Array<ArrayBuffer>[]> {
    const bytes = this.count * this.imageSize * 4;
    const encoder = this.gpu.device.createCommandEncoder({ label: 'sampling: images' });
    for (const { toImages } of outputs) encodePass(encoder, toImages);
    const sources = outputs.map(({ images }) => ({ buffer: this.parts.buffer(images), bytes }));
    return (await this.parts.staging.read(encoder, sources)).map((values) => new Float32Array(values));
  }

  /**
   * Goes on after `done` steps: by as many of the others, at most `most`, as the pacer lets into one submission, or by one in
   * several submissions. Resolves to their number.
   */
  private async advance(
    { steps, signal, onStep }: SampleOptions,
    done: number,
    most = steps - done,
  ): Promise<number> {
    signal?.throwIfAborted();
    this.check();
    const { gpu } = this;
    const { prepare, step } = this.parts;
    const fits = Math.floor(gpu.pacer.budget / step.totalWork);
    const n = Math.min(Math.max(fits, 1), most);
    const encoder = gpu.device.createCommandEncoder({ label: 'sampling' });
    if (fits >= 1) {
      this.encodeSteps(encoder, steps - done, n);
      await gpu.submit(encoder, step.totalWork * n);
    } else {
      this.encodeMix(encoder, steps - done);
      await gpu.run([...prepare, step], { encoder, signal });
    }
    onStep?.(done + n);
    return n;
  }

  private encodeSteps(encoder: GPUCommandEncoder, stepsLeft: number, n: number): void {
    for (const program of this.parts.prepare) encodePass(encoder, program);
    for (let i = 0; i < n; i++) {
      this.encodeMix(encoder, stepsLeft - i);
      encodePass(encoder, this.parts.step);
    }
  }

  private encodeMix(encoder: GPUCommandEncoder, stepsLeft: number): void {
    encoder.copyBufferToBuffer(
      this.parts.reciprocals,
      (stepsLeft - 1) * 4,
      this.parts.buffer(this.parts.mix),
      0,
      4,
    );
  }
}

const busyError = () =>
  new EngineError(
    'busy',
    'This sampler is in the middle of a run. Await it; of `run`, finish the loop or call return() of the iterator. An abort alone ends a run only when its next event is asked for.',
  );

function encodePass(encoder: GPUCommandEncoder, program: Program): void {
  const pass = encoder.beginComputePass({ label: 'sampling' });
  program.encode(pass);
  pass.end();
}

/** Something that a step makes, in the caller's order once its program has run. */
interface Output {
  readonly images: Tensor;
  readonly toImages: Program;
}

interface SamplerParts {
  readonly shape: {
    readonly batch: number;
    readonly height: number;
    readonly width: number;
    readonly channels: number;
  };
  readonly x: Tensor;
  readonly mix: Tensor;
  readonly outputs: { readonly x: Output; readonly prediction: Output };
  readonly fixed: ReadonlyMap<Tensor, GPUBuffer>;
  /** 1/1 … 1/1000: a recorded step takes its mixing weight from here by a copy. */
  readonly reciprocals: GPUBuffer;
  readonly own: readonly GPUBuffer[];
  /** For both outputs. */
  readonly staging: Staging;
  /** What `encodeRun` of one step does. */
  readonly ops: readonly Op[];
  /** The images of x -> x. */
  readonly load: Program;
  /** What the steps of a submission share: none or one. Not those of a whole run, in the middle of which the weights may change. */
  readonly prepare: readonly Program[];
  /** x -> prediction -> x. */
  readonly step: Program;
  readonly programs: readonly Program[];
  buffer(t: Tensor): GPUBuffer;
}

async function createParts(gpu: Gpu, unet: UNet, count: number, given?: Variants): Promise<SamplerParts> {
  const { height, width, channels } = unet.config;
  const batch = Math.ceil(count / 4) * 4;
  const shape = { batch, height, width, channels };
  if (given) checkVariants(given, unet.plan.layers, batch, gpu.device.features, false);
  const variants = given ?? (await gpu.chooseVariants(unet.plan.layers, batch, false));
  const size = batch * height * width * channels;
  const x = tensor('x', size);
  const prediction = tensor('prediction', size);
  const xImages = tensor('x images', size);
  const predictionImages = tensor('prediction images', size);
  const mix = tensor('mix', 1);
  const state = tensor('state', STATE_WORDS);
  const { layers, weights } = unet.plan;
  const load = [op(nhwcToChwn, 'x', shape, { images: xImages, state, output: x })];
  const pass = predictionPass(layers, weights, batch, x, prediction, chooser(variants));
  const { once, each, made } = splitByWeights(pass, new Set(unet.fixed.keys()));
  const mixing = op(denoiseStep, 'x', { elements: size }, { prediction, x, mix });
  const xToImages = [op(chwnToNhwc, 'x', shape, { input: x, images: xImages })];
  const predictionToImages = [
    op(chwnToNhwc, 'prediction', shape, { input: prediction, images: predictionImages }),
  ];
  const tensors = [x, prediction, xImages, predictionImages, mix, state, ...made];
  for (const t of tensors) gpu.checkBufferSize(`sampler ${t.label}`, t.size * 4);
  const own = await gpu.createBuffers([
    ...tensors.map((t) => ({ label: `sampler ${t.label}`, bytes: t.size * 4 })),
    { label: 'sampler reciprocals', bytes: MAX_SAMPLING_STEPS * 4 },
  ]);
  const reciprocals = own[tensors.length];
  let staging: Staging | undefined;
  try {
    const fixed = new Map([...unet.fixed, ...tensors.map((t, i): [Tensor, GPUBuffer] => [t, own[i]])]);
    const buffer = (t: Tensor) => fixed.get(t)!;
    const { queue } = gpu.device;
    const weightsOfSteps = Float32Array.from({ length: MAX_SAMPLING_STEPS }, (_, i) => 1 / (i + 1));
    queue.writeBuffer(reciprocals, 0, weightsOfSteps);
    queue.writeBuffer(buffer(state), STATE.count * 4, Uint32Array.of(count));
    staging = await Staging.create(gpu, 'sampler images', 2 * count * height * width * channels * 4);
    const programs = await Program.compileAll([
      Program.compile(gpu, 'load noise', load, fixed),
      Program.compile(gpu, 'sampling step', [...each, mixing], fixed),
      Program.compile(gpu, 'x to images', xToImages, fixed),
      Program.compile(gpu, 'prediction to images', predictionToImages, fixed),
      ...(once.length > 0 ? [Program.compile(gpu, 'kernels for sampling', once, fixed)] : []),
    ]);
    return {
      shape,
      x,
      mix,
      outputs: {
        x: { images: xImages, toImages: programs[2] },
        prediction: { images: predictionImages, toImages: programs[3] },
      },
      fixed,
      reciprocals,
      own,
      staging,
      ops: [...load, ...pass, mixing, ...xToImages],
      load: programs[0],
      prepare: programs.slice(4),
      step: programs[1],
      programs,
      buffer,
    };
  } catch (error) {
    staging?.destroy();
    for (const b of own) b.destroy();
    throw error;
  }
}
