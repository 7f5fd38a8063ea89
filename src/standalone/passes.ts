/** Kernels by themselves: programs that read and write the caller's buffers, in the caller's encoder. */
import { argumentError, checkInteger, checkNames, type Names, typeName } from '../base/errors';
import { Resource } from '../base/resource';
import type { Gpu } from '../gpu/gpu';
import { computePass, createTensorBuffers, Program } from '../gpu/program';
import { type BufferSlice, checkSlice, toSlice } from '../gpu/slice';
import { chwnToNhwc } from '../kernels/chwn_to_nhwc';
import { nhwcToChwn } from '../kernels/nhwc_to_chwn';
import { type Op, op } from '../plan/op';
import { STATE, STATE_WORDS } from '../plan/step_state';
import { padBatch, type Tensor, tensor } from '../plan/tensor';

/**
 * The order of images in the caller's buffers. `NHWC`: [batch][height][width][channels]. `CHWN`: [channels][height][width][batch] with a
 * batch that is a multiple of 4, the kernels' order, which saves two conversions.
 */
export type ImageLayout = 'NHWC' | 'CHWN';

/** The shape of the input images. */
export interface ImagesShape {
  /** Number of images. */
  readonly batch: number;
  /** Height of an image, in pixels. */
  readonly height: number;
  /** Width of an image, in pixels. */
  readonly width: number;
  /** Channels of an image. */
  readonly channels: number;
}

/** Options of `createPooling` and `createUpsampling`. */
export interface LayoutOptions {
  /** Default `NHWC`. */
  readonly layout?: ImageLayout | undefined;
}

/** A tensor that the caller's values are copied to or from: `size` floats. */
interface Port {
  readonly tensor: Tensor;
  readonly at: number;
  readonly size: number;
}

/** A program, and its inputs and outputs by the caller's names. */
export interface PassPlan {
  readonly ops: readonly Op[];
  readonly reads: Readonly<Record<string, Port>>;
  readonly writes: Readonly<Record<string, Port>>;
  /** Tensors that must be 0 when the program begins. */
  readonly clears?: readonly Tensor[];
}

export const port = (tensor: Tensor, size = tensor.size, at = 0): Port => ({ tensor, at, size });

interface ImageSize {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Brings images from the caller's layout to the kernels' and back. */
export class LayoutConversion {
  /** The kernels' batch, a multiple of 4. */
  readonly batch: number;
  /** Has the number of images, for the kernels that convert. */
  readonly state = tensor('state', STATE_WORDS);
  private readonly count: number;
  private readonly layout: ImageLayout;

  constructor(count: number, layout: ImageLayout) {
    this.count = count;
    this.layout = layout;
    this.batch = padBatch(count);
  }

  /** The caller's buffer for such images. */
  tensor(label: string, { height, width, channels }: ImageSize): Tensor {
    return tensor(label, this.count * height * width * channels);
  }

  /** The tensor of `given`'s images for a kernel, and the ops that fill it. */
  read(given: Tensor, size: ImageSize): { ops: Op[]; images: Tensor } {
    if (this.layout === 'CHWN') return { ops: [], images: given };
    const images = this.inside(given.label, size);
    const shape = { ...size, batch: this.batch, count: this.count };
    const tensors = { images: given, state: this.state, output: images };
    return { ops: [op(nhwcToChwn, given.label, shape, tensors)], images };
  }

  /** The tensor to which a kernel writes images for `given`, and the ops that bring them there. */
  write(given: Tensor, size: ImageSize): { ops: Op[]; images: Tensor } {
    if (this.layout === 'CHWN') return { ops: [], images: given };
    const images = this.inside(given.label, size);
    const shape = { ...size, batch: this.batch, count: this.count };
    return { ops: [op(chwnToNhwc, given.label, shape, { input: images, images: given })], images };
  }

  private inside = (label: string, { height, width, channels }: ImageSize) =>
    tensor(`${label}, in the kernels' order`, this.batch * height * width * channels);
}

export function checkLayout(layout: ImageLayout, batch: number): void {
  if (layout !== 'NHWC' && layout !== 'CHWN') {
    throw argumentError(`layout is ${JSON.stringify(layout)}; it must be NHWC or CHWN.`);
  }
  if (layout === 'CHWN' && batch % 4 !== 0) {
    throw argumentError(`batch is ${batch}; in the layout CHWN it must be a multiple of 4.`);
  }
}

/** Checks a shape. `what` begins the message about an unknown name, for instance `A pooling`. */
export function checkImagesShape(what: string, shape: ImagesShape): void {
  const legal = { batch: true, height: true, width: true, channels: true } satisfies Names<ImagesShape>;
  checkNames(what, shape, legal);
  checkInteger('batch', shape.batch, 1, 65536);
  for (const name of ['height', 'width', 'channels'] as const) checkInteger(name, shape[name], 1, 4096);
}

export function checkEven({ height, width }: ImagesShape): void {
  if (height % 2 === 0 && width % 2 === 0) return;
  throw argumentError(`The images are ${height}x${width}; pooling needs an even height and width.`);
}

/** Buffers of the caller's, by name. */
type Given = Readonly<Record<string, BufferSlice | undefined>>;

type Plans<Name extends string> = Readonly<Partial<Record<Name, PassPlan>>>;

interface PassParts<Name extends string> {
  readonly label: string;
  readonly plans: Plans<Name>;
  readonly programs: readonly Program[];
  readonly buffers: ReadonlyMap<Tensor, GPUBuffer>;
}

/** The programs of a kernel by itself, with their memory. */
export class Passes<Name extends string> extends Resource {
  private readonly parts: PassParts<Name>;

  private constructor(parts: PassParts<Name>) {
    super(parts.label);
    this.parts = parts;
  }

  static async create<Name extends string>(
    gpu: Gpu,
    label: string,
    plans: Plans<Name>,
    { state, count }: { readonly state?: Tensor; readonly count: number },
  ): Promise<Passes<Name>> {
    const all = Object.values(plans as Record<string, PassPlan>);
    const ports = all.flatMap(({ reads, writes }) => [...Object.values(reads), ...Object.values(writes)]);
    const bound = new Set([...ports.map((p) => p.tensor), ...all.flatMap(({ clears = [] }) => clears)]);
    if (state) bound.add(state);
    for (const t of bound) gpu.checkBufferSize(`${label}: ${t.label}`, t.size * 4);
    const buffers = await createTensorBuffers(gpu, `${label}: `, [...bound]);
    try {
      if (state) await gpu.write(buffers.get(state)!, STATE.count * 4, Uint32Array.of(count));
      const programs = await Program.compileAll(
        all.map(({ ops }) => Program.compile(gpu, label, ops, buffers)),
      );
      return new Passes({ label, plans, programs, buffers });
    } catch (error) {
      for (const buffer of buffers.values()) buffer.destroy();
      throw error;
    }
  }

  /** Records the passes one after the other, and submits nothing. `what` names the call in errors. */
  encode(
    what: string,
    encoder: GPUCommandEncoder,
    given: Given,
    names: readonly Name[],
    legal: readonly string[],
  ) {
    this.check();
    const { plans, programs, buffers, label } = this.parts;
    this.checkGiven(what, encoder, given, names, legal);
    const place = Object.keys(plans);
    for (const name of names) {
      const { reads, writes, clears = [] } = plans[name]!;
      for (const t of clears) encoder.clearBuffer(buffers.get(t)!);
      for (const [key, { tensor: to, at, size }] of Object.entries(reads)) {
        const { buffer, offset } = toSlice(given[key]!);
        encoder.copyBufferToBuffer(buffer, offset, buffers.get(to)!, at * 4, size * 4);
      }
      computePass(encoder, label, (pass) => programs[place.indexOf(name)].encode(pass));
      for (const [key, { tensor: from, at, size }] of Object.entries(writes)) {
        if (!given[key]) continue;
        const { buffer, offset } = toSlice(given[key]);
        encoder.copyBufferToBuffer(buffers.get(from)!, at * 4, buffer, offset, size * 4);
      }
    }
  }

  private checkGiven(
    what: string,
    encoder: GPUCommandEncoder,
    given: Given,
    names: readonly Name[],
    legal: readonly string[],
  ): void {
    if (typeof encoder?.copyBufferToBuffer !== 'function' || typeName(given) !== 'Object') {
      throw argumentError(
        `${what} was given ${typeName(encoder)} and ${typeName(given)}; it takes a GPUCommandEncoder and buffers by name: ${legal.join(', ')}.`,
      );
    }
    checkNames(what, given, Object.fromEntries(legal.map((name) => [name, true as const])));
    for (const name of names) {
      const { reads, writes } = this.parts.plans[name]!;
      for (const [key, { size }] of Object.entries(reads)) checkSlice(key, given[key], size * 4, 'COPY_SRC');
      const outputs = Object.entries(writes);
      // A program that has several is run for some of them.
      const wanted = outputs.filter(([key]) => given[key]);
      for (const [key, { size }] of wanted.length > 0 ? wanted : outputs)
        checkSlice(key, given[key], size * 4, 'COPY_DST');
    }
  }

  has(name: Name): boolean {
    return name in this.parts.plans;
  }

  /** Bytes of GPU memory. */
  get bytes(): number {
    if (this.destroyed) return 0;
    const { programs, buffers } = this.parts;
    return (
      [...buffers.values()].reduce((sum, { size }) => sum + size, 0) +
      programs.reduce((s, p) => s + p.bytes, 0)
    );
  }

  protected release(): void {
    const { programs, buffers } = this.parts;
    for (const each of [...programs, ...buffers.values()]) each.destroy();
  }
}

/** Buffers of a forward pass from images to images. */
const FORWARD = ['input', 'output'] as const;

/** A kernel by itself from images to images, with a gradient of its input. Buffers are of f32, images in the order of `layout`. */
export abstract class ImagesKernel extends Resource {
  /** The shape of the input images. */
  readonly shape: ImagesShape;
  private readonly passes: Passes<'forward' | 'backward'>;

  /** @internal */
  constructor(name: string, shape: ImagesShape, passes: Passes<'forward' | 'backward'>) {
    super(name);
    this.shape = { ...shape };
    this.passes = passes;
  }

  /** Records the output of `input`; submits nothing. */
  encodeForward(
    encoder: GPUCommandEncoder,
    buffers: { readonly [name in (typeof FORWARD)[number]]: BufferSlice },
  ): void {
    this.check();
    this.passes.encode('encodeForward', encoder, buffers, ['forward'], FORWARD);
  }

  /** Bytes of GPU memory that it holds. */
  get bytes(): number {
    return this.passes.bytes;
  }

  /** @internal */
  protected encodeGradient(encoder: GPUCommandEncoder, buffers: Given, legal: readonly string[]): void {
    this.check();
    this.passes.encode('encodeBackward', encoder, buffers, ['backward'], legal);
  }

  protected release(): void {
    this.passes.destroy();
  }
}
