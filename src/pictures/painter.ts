/** Paints images on the GPU into the caller's texture. */
import {
  argumentError,
  checkInteger,
  checkNames,
  EngineError,
  type Names,
  show,
  wrongArgument,
  wrongType,
} from '../base/errors';
import { Resource } from '../base/resource';
import type { Gpu } from '../gpu/gpu';
import { computePass, createTensorBuffers, Program } from '../gpu/program';
import { type BufferSlice, checkEncoder, checkSlice } from '../gpu/slice';
import { type PaintShape, paint, pictureSize } from '../kernels/paint';
import { op } from '../plan/op';
import { tensor } from '../plan/tensor';

/** Formats of four bytes, among them a canvas's preferred ones. */
const FORMATS = ['rgba8unorm', 'bgra8unorm', 'rgba8unorm-srgb', 'bgra8unorm-srgb'] as const;
const isFormat = (format: string): format is (typeof FORMATS)[number] =>
  (FORMATS as readonly string[]).includes(format);

/** Options of a painter: the images' shape, and the picture's layout. */
export interface PainterOptions {
  /** Height of an image, in pixels. */
  readonly height: number;
  /** Width of an image, in pixels. */
  readonly width: number;
  /** 1 (grey), 3 (red, green, blue) or 4 (and alpha). */
  readonly channels: number;
  /** Images in the picture. Default 1. */
  readonly count?: number | undefined;
  /** Images in a row. Default: a number that makes the picture about a square. */
  readonly columns?: number | undefined;
  /** The values that become black and white; [1, 0] is dark ink on white. Default [0, 1]. */
  readonly range?: readonly [black: number, white: number] | undefined;
  /** The texture's format: `rgba8unorm` (the default), `bgra8unorm`, each also `-srgb`; a canvas prefers `navigator.gpu.getPreferredCanvasFormat()`. */
  readonly format?: string | undefined;
}

const OPTIONS: Names<PainterOptions> = {
  height: true,
  width: true,
  channels: true,
  count: true,
  columns: true,
  range: true,
  format: true,
};

/** Paints images that lie on the GPU into textures, without a copy on the host. Created by `engine.createPainter`. */
export class Painter extends Resource {
  /** The width of the picture and its texture, in texels. */
  readonly width: number;
  /** The height of the picture and its texture, in texels. */
  readonly height: number;
  private readonly shape: PaintShape;
  private readonly format: GPUTextureFormat;
  private readonly gpu: Gpu;
  private readonly program: Program;
  private readonly images: GPUBuffer;
  private readonly picture: GPUBuffer;

  private constructor(
    gpu: Gpu,
    shape: PaintShape,
    format: GPUTextureFormat,
    program: Program,
    [images, picture]: GPUBuffer[],
  ) {
    super('painter');
    this.gpu = gpu;
    this.shape = shape;
    this.format = format;
    this.program = program;
    this.images = images;
    this.picture = picture;
    const { width, height } = pictureSize(shape);
    this.width = width;
    this.height = height;
  }

  /** @internal */
  static async create(gpu: Gpu, options: PainterOptions): Promise<Painter> {
    const { shape, format } = checkOptions(options, gpu.device.limits.maxTextureDimension2D);
    const sizes = paint.sizes(shape);
    const tensors = { images: tensor('images', sizes.images), picture: tensor('picture', sizes.picture) };
    const all = Object.values(tensors);
    for (const t of all) gpu.checkBufferSize(`painter ${t.label}`, t.size * 4, 'fewer or smaller images');
    const buffers = await createTensorBuffers(gpu, 'painter ', all);
    try {
      const program = await Program.compile(gpu, 'paint', [op(paint, 'picture', shape, tensors)], buffers);
      return new Painter(gpu, shape, format, program, [...buffers.values()]);
    } catch (error) {
      for (const b of buffers.values()) b.destroy();
      throw error;
    }
  }

  /**
   * Records the painting of `images`, [count][height][width][channels] of f32 in a buffer with COPY_SRC, into `texture`, which has the
   * painter's size and format, and COPY_DST. For a canvas it is `context.getCurrentTexture()`, configured with
   * `usage: GPUTextureUsage.COPY_DST | GPUTextureUsage.RENDER_ATTACHMENT`. Throws `argument` before anything is recorded.
   */
  encode(encoder: GPUCommandEncoder, images: BufferSlice, texture: GPUTexture): void {
    this.check();
    checkEncoder(encoder);
    const bytes = this.images.size;
    const from = checkSlice('images', images, bytes, 'COPY_SRC');
    this.checkTexture(texture);
    const { width, height, picture: buffer } = this;
    encoder.copyBufferToBuffer(from.buffer, from.offset, this.images, 0, bytes);
    computePass(encoder, 'paint', (pass) => this.program.encode(pass));
    const bytesPerRow = 4 * pictureSize(this.shape).pitch;
    encoder.copyBufferToTexture({ buffer, bytesPerRow }, { texture }, [width, height]);
  }

  /** Records and submits the painting. Resolves when the device has accepted it; rejects with `argument` if it refuses a buffer or the texture. */
  async paint(images: BufferSlice, texture: GPUTexture): Promise<void> {
    const encoder = this.gpu.device.createCommandEncoder({ label: 'paint' });
    this.encode(encoder, images, texture);
    await this.gpu.submitCopies(encoder, 'what is painted');
  }

  /** Bytes of GPU memory that the painter holds. */
  get bytes(): number {
    return this.destroyed ? 0 : this.program.bytes + this.images.size + this.picture.size;
  }

  protected release(): void {
    this.program.destroy();
    for (const buffer of [this.images, this.picture]) buffer.destroy();
  }

  private checkTexture(texture: GPUTexture): void {
    const { width, height, format } = this;
    const needed = `a texture of ${width} x ${height}, ${format}, with COPY_DST`;
    if (typeof texture?.createView !== 'function') {
      throw wrongType('The texture', texture, 'a GPUTexture: of a canvas, context.getCurrentTexture()');
    }
    const isSame = texture.width === width && texture.height === height && texture.format === format;
    if (isSame && texture.usage & GPUTextureUsage.COPY_DST && texture.sampleCount === 1) return;
    const usage = texture.usage & GPUTextureUsage.COPY_DST ? 'with' : 'without';
    const samples = texture.sampleCount === 1 ? '' : `, ${texture.sampleCount} samples`;
    throw argumentError(
      `The texture is ${texture.width} x ${texture.height}, ${texture.format}, ${usage} COPY_DST${samples}; this painter needs ${needed}.`,
    );
  }
}

/** Checks the options and fills in the defaults. `most`: the largest side of a texture. */
function checkOptions(options: PainterOptions, most: number) {
  checkNames('A painter', options, OPTIONS);
  const { height, width, channels, count = 1, range = [0, 1], format = 'rgba8unorm' } = options;
  checkInteger('height', height, 1, most);
  checkInteger('width', width, 1, most);
  checkInteger('count', count, 1, 65536);
  const { columns = Math.max(1, Math.min(count, Math.round(Math.sqrt((count * height) / width)))) } = options;
  checkInteger('columns', columns, 1, 65536);
  if (![1, 3, 4].includes(channels)) {
    throw argumentError(
      `channels is ${show(channels)}; a picture is made of 1 (grey), 3 (red, green, blue) or 4 (and alpha).`,
    );
  }
  if (!isFormat(format)) {
    throw wrongArgument('format', format, `one of ${FORMATS.join(', ')}`);
  }
  const isRange = Array.isArray(range) && range.length === 2 && range.every(Number.isFinite);
  if (!isRange || range[0] === range[1]) {
    throw wrongArgument('range', range, 'the two numbers that become black and white');
  }
  const bgra = format.startsWith('bgra');
  const shape: PaintShape = { count, height, width, channels, columns, range: [range[0], range[1]], bgra };
  const picture = pictureSize(shape);
  if (Math.max(picture.width, picture.height) > most) {
    throw new EngineError(
      'limit',
      `The picture is ${picture.width} x ${picture.height}; this device allows textures of ${most}. Paint fewer images, or in other columns.`,
    );
  }
  return { shape, format };
}
