/** Puts the noise of training on the caller's images, into the caller's buffers. */

import { isFloats } from '../base/bytes';
import { checkInteger, checkNames, EngineError, type Names, notImages, show, typeOf } from '../base/errors';
import { createMutex } from '../base/mutex';
import { Resource } from '../base/resource';
import type { Gpu } from '../gpu/gpu';
import { computePass, createTensorBuffers, Program } from '../gpu/program';
import { allBytes, copyBytes } from '../gpu/recorded_numbers';
import { type BufferSlice, checkEncoder, checkSlice } from '../gpu/slice';
import { Staging } from '../gpu/staging';
import { type CorruptImagesShape, corrupt } from '../kernels/corrupt';
import { drawConditions } from '../kernels/draw_conditions';
import { setUpdate } from '../kernels/set_update';
import { isPictures } from '../pictures/is_pictures';
import { type Picture, picturesFor } from '../pictures/picture';
import { op } from '../plan/op';
import { STATE, STATE_WORDS } from '../plan/step_state';
import { padBatch, tensor } from '../plan/tensor';
import { checkLevels } from '../unet/conditions';
import type { Objective } from './step_config';

/** Options of `createCorrupter`. */
export interface CorrupterOptions {
  /** Images at a time. */
  readonly count: number;
  /** Height of an image, in pixels. */
  readonly height: number;
  /** Width of an image, in pixels. */
  readonly width: number;
  /** Channels of an image. */
  readonly channels: number;
  /** The kind of noise: `tutorial` (default), or `flow`, as in the recipe `digits`. */
  readonly objective?: Objective | undefined;
  /** Seed of the random numbers. Default 0. */
  readonly seed?: number | undefined;
}

const OPTIONS: Names<CorrupterOptions> = {
  count: true,
  height: true,
  width: true,
  channels: true,
  objective: true,
  seed: true,
};

/** Buffers of a corruption, each f32. */
export interface CorrupterBuffers {
  /** Read: images [count][height][width][channels] with values from 0 to 1. */
  readonly clean: BufferSlice;
  /** Written: the network's input, as large as `clean`. */
  readonly noisy: BufferSlice;
  /** Written: the network's target, as large. */
  readonly target?: BufferSlice | undefined;
  /** Written: the noise level of each image, [count]. */
  readonly levels?: BufferSlice | undefined;
  /** Read: custom noise levels, [count], from 0 to 1. Default: they are drawn. */
  readonly customLevels?: BufferSlice | undefined;
}

const BUFFERS: Names<CorrupterBuffers> = {
  clean: true,
  noisy: true,
  target: true,
  levels: true,
  customLevels: true,
};

/** The options of one corruption. */
export interface CorruptOptions {
  /** Selects levels and noise: the same step of the same seed gives the same, which `fit` also draws after `step` steps. Default 0. */
  readonly step?: number | undefined;
}

/** A corrupted batch, as `trainer.step` takes it. */
export interface Corrupted {
  /** [count][height][width][channels]: the network's input. */
  readonly noisy: Float32Array<ArrayBuffer>;
  /** As large: the network's target. */
  readonly target: Float32Array<ArrayBuffer>;
  /** [count]: the noise levels. */
  readonly levels: Float32Array<ArrayBuffer>;
}

type Tensors = ReturnType<typeof tensorsOf>;

interface Parts {
  readonly gpu: Gpu;
  readonly shape: CorruptImagesShape;
  /** The programs that set the step in the step state, draw the levels, and corrupt. */
  readonly programs: readonly [setStep: Program, draw: Program, mix: Program];
  readonly buffers: Readonly<Record<keyof Tensors, GPUBuffer>>;
  readonly staging: Staging;
}

/**
 * Puts noise on images as training does, so that you can train on images of your own. Created by `engine.createCorrupter`. An image v with
 * values from 0 to 1 and the noise level t becomes
 *
 * - `tutorial`: noisy = (1 - t) v + t e and target = v, with e uniform from 0 to 1, new for each value, and t uniform;
 * - `flow`: noisy = (1 - t) x + t e and target = e - x, with x = 2 v - 1, e Gaussian of variance 1, and t = 1 / (1 + exp(-z)), z Gaussian.
 *
 * Buffers that are read have the usage COPY_SRC, buffers that are written COPY_DST.
 */
export class Corrupter extends Resource {
  private readonly parts: Parts;
  private readonly exclusively = createMutex();

  private constructor(parts: Parts) {
    super('corrupter');
    this.parts = parts;
  }

  /** @internal */
  static async create(gpu: Gpu, options: CorrupterOptions): Promise<Corrupter> {
    const shape = shapeOf(options);
    const tensors = tensorsOf(shape);
    const all = Object.values(tensors);
    for (const t of all) gpu.checkBufferSize(`corrupter ${t.label}`, t.size * 4, 'fewer or smaller images');
    const created = await createTensorBuffers(gpu, 'corrupter ', all);
    const named = Object.entries(tensors).map(([name, t]) => [name, created.get(t)!]);
    const buffers = Object.fromEntries(named) as Parts['buffers'];
    let staging: Staging | undefined;
    try {
      await gpu.write(buffers.numbers, 0, allBytes());
      await gpu.write(buffers.state, STATE.count * 4, Uint32Array.of(shape.count));
      staging = await Staging.create(gpu, 'corrupter', 4 * (2 * corrupt.sizes(shape).noisy + shape.count));
      const compile = (each: ReturnType<typeof opsOf>[number]) =>
        Program.compile(gpu, 'corrupt', [each], created);
      const [setStep, draw, mix] = opsOf(shape, tensors);
      const programs = await Program.compileAll([compile(setStep), compile(draw), compile(mix)]);
      return new Corrupter({
        gpu,
        shape,
        programs: programs as unknown as Parts['programs'],
        buffers,
        staging,
      });
    } catch (error) {
      staging?.destroy();
      for (const buffer of created.values()) buffer.destroy();
      throw error;
    }
  }

  /** Records the corruption of `clean` into the other buffers; submits nothing. */
  encode(encoder: GPUCommandEncoder, given: CorrupterBuffers, options: CorruptOptions = {}): void {
    this.check();
    checkEncoder(encoder);
    if (typeOf(given) !== 'Object') {
      throw new EngineError(
        'argument',
        `encode was given ${typeOf(given)}; it takes buffers by name: ${Object.keys(BUFFERS).join(', ')}.`,
      );
    }
    checkNames('encode', given, BUFFERS);
    const step = checkStep(options);
    const { shape, buffers } = this.parts;
    const [images, levels] = [corrupt.sizes(shape).images * 4, shape.count * 4];
    const clean = checkSlice('clean', given.clean, images, 'COPY_SRC');
    const custom = given.customLevels && checkSlice('customLevels', given.customLevels, levels, 'COPY_SRC');
    checkSlice('noisy', given.noisy, images, 'COPY_DST');
    const written = [
      { name: 'noisy', from: buffers.noisy, bytes: images },
      { name: 'target', from: buffers.truth, bytes: images },
      { name: 'levels', from: buffers.levels, bytes: levels },
    ] as const;
    const copies = written.flatMap(({ name, from, bytes }) =>
      given[name] ? [{ from, bytes, to: checkSlice(name, given[name], bytes, 'COPY_DST') }] : [],
    );
    encoder.copyBufferToBuffer(clean.buffer, clean.offset, buffers.images, 0, images);
    if (custom) encoder.copyBufferToBuffer(custom.buffer, custom.offset, buffers.levels, 0, levels);
    this.record(encoder, step, !custom);
    for (const { from, bytes, to } of copies)
      encoder.copyBufferToBuffer(from, 0, to.buffer, to.offset, bytes);
  }

  /**
   * Corrupts images of the host, [count][height][width][channels] from 0 to 1, or pictures, one for each image. Concurrent calls run one
   * after the other.
   */
  async corrupt(
    clean: Float32Array | Picture | readonly Picture[],
    options: CorruptOptions & {
      /** Custom noise levels, [count], from 0 to 1. Default: they are drawn. */
      readonly levels?: Float32Array | undefined;
    } = {},
  ): Promise<Corrupted> {
    this.check();
    checkNames('A corruption', options, { step: true, levels: true } satisfies Names<typeof options>);
    const { levels, ...rest } = options;
    const step = checkStep(rest);
    const { gpu, shape, buffers, staging } = this.parts;
    if (levels !== undefined) checkLevels(levels, shape.count);
    const images = this.imagesOf(clean);
    const bytes = images.length * 4;
    const work = this.exclusively(async () => {
      this.check();
      gpu.writeSoon(buffers.images, 0, images.buffer, images.byteOffset, bytes);
      if (levels) gpu.writeSoon(buffers.levels, 0, levels.buffer, levels.byteOffset, levels.byteLength);
      const encoder = gpu.device.createCommandEncoder({ label: 'corrupt' });
      this.record(encoder, step, !levels);
      const read = await staging.read(encoder, [
        { buffer: buffers.noisy, bytes },
        { buffer: buffers.truth, bytes },
        { buffer: buffers.levels, bytes: shape.count * 4 },
      ]);
      const [noisy, target, used] = read.map((values) => new Float32Array(values));
      return { noisy, target, levels: used };
    });
    return this.unlessDestroyed(work);
  }

  /** Bytes of GPU memory that it holds. */
  get bytes(): number {
    if (this.destroyed) return 0;
    const { programs, buffers } = this.parts;
    return [...programs.map((p) => p.bytes), ...Object.values(buffers).map((b) => b.size)].reduce(
      (a, b) => a + b,
    );
  }

  protected release(): void {
    const { programs, buffers, staging } = this.parts;
    for (const each of [...programs, ...Object.values(buffers), staging]) each.destroy();
  }

  private record(encoder: GPUCommandEncoder, step: number, draws: boolean): void {
    const { buffers, programs } = this.parts;
    const [setStep, draw, mix] = programs;
    copyBytes(encoder, buffers.numbers, buffers.bytes, Uint32Array.of(step));
    computePass(encoder, 'corrupt', (pass) => {
      for (const program of [setStep, ...(draws ? [draw] : []), mix]) program.encode(pass);
    });
  }

  private imagesOf(clean: Float32Array | Picture | readonly Picture[]): Float32Array {
    const { shape } = this.parts;
    if (isFloats(clean)) {
      const size = corrupt.sizes(shape).images;
      if (clean.length === size) return clean;
      const { count, height, width, channels } = shape;
      throw new EngineError(
        'argument',
        `clean has ${clean.length} values; ${count} images of ${height}x${width}x${channels} are ${size}.`,
      );
    }
    if (!isPictures(clean)) throw notImages('clean', clean, ', or pictures');
    return picturesFor('clean', clean, shape, { count: shape.count, range: [0, 1] });
  }
}

function shapeOf(options: CorrupterOptions): CorruptImagesShape {
  checkNames('A corrupter', options, OPTIONS);
  const { count, height, width, channels, objective = 'tutorial', seed = 0 } = options;
  checkInteger('count', count, 1, 65536);
  for (const name of ['height', 'width', 'channels'] as const) checkInteger(name, options[name], 1, 4096);
  checkInteger('seed', seed, 0, 0xffffffff);
  if (objective !== 'tutorial' && objective !== 'flow') {
    throw new EngineError('argument', `objective is ${show(objective)}; it must be tutorial or flow.`);
  }
  return { count, height, width, channels, seed, flow: objective === 'flow' };
}

function checkStep(options: CorruptOptions): number {
  checkNames('A corruption', options, { step: true } satisfies Names<CorruptOptions>);
  const { step = 0 } = options;
  checkInteger('step', step, 0, 0xffffffff);
  return step;
}

function tensorsOf(shape: CorruptImagesShape) {
  const { images } = corrupt.sizes(shape);
  const levels = padBatch(shape.count);
  return {
    numbers: tensor('numbers', 256),
    bytes: tensor('bytes of the step', 4),
    state: tensor('step state', STATE_WORDS),
    images: tensor('images', images),
    levels: tensor('levels', levels),
    noisy: tensor('noisy', images),
    truth: tensor('target', images),
    // The classes that are drawn for conditioned networks; here there are none.
    order: tensor('no order', 1),
    classes: tensor('no classes', levels),
  };
}

function opsOf(shape: CorruptImagesShape, tensors: Tensors) {
  const { bytes, state, images, levels, noisy, truth, order, classes } = tensors;
  const { flow, seed, count } = shape;
  const none = { imageCount: 1, classes: 0, drop: 0, labelled: false };
  const draw = { batch: padBatch(count), ...none, logitNormal: flow, seed };
  const mixed = { images, state, levels, noisy, truth };
  return [
    op(setUpdate, 'step', { step: true }, { bytes, state }),
    op(drawConditions, 'levels', draw, { order, labels: order, state, levels, classes }),
    op(corrupt, 'images', shape, mixed),
  ] as const;
}
