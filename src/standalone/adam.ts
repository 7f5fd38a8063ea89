/** Adam by itself, for the caller's parameters. */
import { argumentError, checkInteger, checkNames, checkNumber, type Names, typeName } from '../base/errors';
import { Resource } from '../base/resource';
import type { Gpu } from '../gpu/gpu';
import { computePass, createTensorBuffers, Program } from '../gpu/program';
import { allBytes, copyBytes } from '../gpu/recorded_numbers';
import { type BufferSlice, checkEncoder, checkSlice } from '../gpu/slice';
import { adam } from '../kernels/adam';
import { finishStep } from '../kernels/finish_step';
import { gradientNorm, normBlocks } from '../kernels/gradient_norm';
import { setUpdate } from '../kernels/set_update';
import { op } from '../plan/op';
import { STATE, STATE_WORDS } from '../plan/step_state';
import { padBatch, tensor } from '../plan/tensor';
import { type AdamConfig, checkAdam, NO_CLIP } from '../training/step_config';

/** Options of `createAdam`. */
export interface AdamOptions {
  /** 0 to 0.999999, like beta2. Default 0.9. */
  readonly beta1?: number | undefined;
  /** Default 0.999. */
  readonly beta2?: number | undefined;
  /** 1e-12 to 1. Default 1e-7. */
  readonly epsilon?: number | undefined;
}

/** The values of one update, which are recorded with it. */
export interface AdamUpdate {
  /** 0 to 1e6. Default 1e-3. */
  readonly learningRate?: number | undefined;
  /** Weight decay, 0 to 1: each parameter loses this share of the learning rate times itself (AdamW). Default 0. */
  readonly weightDecay?: number | undefined;
  /** A gradient with a larger norm is scaled down to this norm. Default: no clipping. */
  readonly clipNorm?: number | undefined;
}

const NAME = 'adam';
const BUFFERS = ['parameters', 'gradient'] as const;
/** After more non-finite updates in a row than this, no update is made any more. */
const MOST_SKIPPED = 0xfffffffe;

/**
 * Adam (Kingma and Ba, 2015) by itself. Created by `engine.createAdam`. It holds the moments of `size` parameters, which lie in the caller's
 * buffers in any order, f32. An update whose gradient is not finite changes nothing.
 */
export class Adam extends Resource {
  /** Number of parameters. */
  readonly size: number;
  private readonly program: Program;
  private readonly buffers: Readonly<Record<keyof ReturnType<typeof tensorsOf>, GPUBuffer>>;

  private constructor(size: number, program: Program, buffers: Adam['buffers']) {
    super(NAME);
    this.size = size;
    this.program = program;
    this.buffers = buffers;
  }

  /** @internal */
  static async create(gpu: Gpu, size: number, options: AdamOptions): Promise<Adam> {
    checkInteger('size', size, 1);
    checkNames('createAdam', options, {
      beta1: true,
      beta2: true,
      epsilon: true,
    } satisfies Names<AdamOptions>);
    const config = checkAdam(options);
    const tensors = tensorsOf(size);
    const all = Object.values(tensors);
    for (const t of all) gpu.checkBufferSize(`${NAME}: ${t.label}`, t.size * 4, 'fewer parameters');
    const created = await createTensorBuffers(gpu, `${NAME}: `, all);
    const named = Object.entries(tensors).map(([name, t]) => [name, created.get(t)!]);
    const buffers = Object.fromEntries(named) as Adam['buffers'];
    try {
      await gpu.write(buffers.numbers, 0, allBytes());
      // As if each update were a batch of one image, in epochs of one.
      for (const name of ['count', 'epochSize'] as const)
        await gpu.write(buffers.state, STATE[name] * 4, Uint32Array.of(1));
      const ops = opsOf(size, config, tensors);
      return new Adam(size, await Program.compile(gpu, NAME, ops, created), buffers);
    } catch (error) {
      for (const buffer of created.values()) buffer.destroy();
      throw error;
    }
  }

  /**
   * Records an update of `parameters` by `gradient`, `size` floats each; submits nothing. `parameters` has the usages COPY_SRC and COPY_DST,
   * `gradient` COPY_SRC.
   */
  encode(
    encoder: GPUCommandEncoder,
    given: { readonly [name in (typeof BUFFERS)[number]]: BufferSlice },
    update: AdamUpdate = {},
  ): void {
    this.check();
    checkEncoder(encoder);
    if (typeName(given) !== 'Object') {
      throw argumentError(
        `encode was given ${typeName(given)}; it takes buffers by name: ${BUFFERS.join(', ')}.`,
      );
    }
    checkNames('encode', given, { parameters: true, gradient: true } satisfies Names<typeof given>);
    const legal = { learningRate: true, weightDecay: true, clipNorm: true } satisfies Names<AdamUpdate>;
    checkNames('An update', update, legal);
    const { learningRate = 1e-3, weightDecay = 0, clipNorm } = update;
    checkNumber('learningRate', learningRate, 0, 1e6);
    checkNumber('weightDecay', weightDecay, 0, 1);
    if (clipNorm !== undefined) checkNumber('clipNorm', clipNorm, 1e-12, NO_CLIP);
    const bytes = this.size * 4;
    const parameters = checkSlice('parameters', given.parameters, bytes, 'COPY_SRC', 'COPY_DST');
    const gradient = checkSlice('gradient', given.gradient, bytes, 'COPY_SRC');

    const { buffers } = this;
    const settings = Float32Array.of(learningRate, clipNorm ?? NO_CLIP, weightDecay);
    copyBytes(encoder, buffers.numbers, buffers.bytes, settings);
    encoder.copyBufferToBuffer(parameters.buffer, parameters.offset, buffers.parameter, 0, bytes);
    encoder.copyBufferToBuffer(gradient.buffer, gradient.offset, buffers.gradient, 0, bytes);
    computePass(encoder, NAME, (pass) => this.program.encode(pass));
    encoder.copyBufferToBuffer(buffers.parameter, 0, parameters.buffer, parameters.offset, bytes);
  }

  /** Bytes of GPU memory that it holds. */
  get bytes(): number {
    if (this.destroyed) return 0;
    return Object.values(this.buffers).reduce((sum, { size }) => sum + size, this.program.bytes);
  }

  protected release(): void {
    for (const each of [this.program, ...Object.values(this.buffers)]) each.destroy();
  }
}

/** Parameters that belong to no convolution, as a layer of biases only. */
const layerOf = (size: number) => ({ inChannels: 0, outChannels: size, kernelSize: 1 });

function tensorsOf(size: number) {
  const floats = padBatch(size); // whole vec4s
  return {
    numbers: tensor('numbers', 256),
    bytes: tensor('bytes of settings', 12),
    state: tensor('state', STATE_WORDS),
    loss: tensor('no loss', 1),
    squares: tensor('squares of gradients', normBlocks(layerOf(size))),
    records: tensor('record', 8),
    parameter: tensor('parameters', floats),
    gradient: tensor('gradient', floats),
    moment1: tensor('moment 1', floats),
    moment2: tensor('moment 2', floats),
  };
}

function opsOf(
  size: number,
  { beta1, beta2, epsilon }: Omit<AdamConfig, 'weightDecay'>,
  tensors: ReturnType<typeof tensorsOf>,
) {
  const { bytes, state, loss, squares, records, gradient, parameter, moment1, moment2 } = tensors;
  const place = { offset: 0, packedOffset: 0, gradientOffset: 0, slices: 1, slicesOffset: 0 };
  const layers = [{ ...layerOf(size), ...place }];
  const blocks = normBlocks(layers[0]);
  const finish = {
    elements: 1,
    batch: 4,
    batchSize: 1,
    ring: 1,
    mostSkipped: MOST_SKIPPED,
    gradientPartials: blocks,
    convolutionPartials: blocks,
    beta1,
    beta2,
  };
  const packed = tensor('nothing', 0);
  return [
    op(setUpdate, NAME, {}, { bytes, state }),
    op(gradientNorm, NAME, { layers }, { slices: gradient, partials: squares }),
    op(finishStep, NAME, finish, { squares: loss, gradient_squares: squares, state, records }),
    op(
      adam,
      NAME,
      { layers, beta1, beta2, epsilon, unpacked: true },
      { gradient, state, parameter, moment1, moment2, packed },
    ),
  ];
}
