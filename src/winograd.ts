/**
 * Winograd convolution as plans of several dispatches: kernel and images are transformed to frequencies, multiplied there as one
 * small matrix per frequency, and transformed back. (Lavin and Gray, "Fast algorithms for convolutional neural networks", CVPR 2016.)
 *
 * The batch is done in chunks of images, so that the transformed images take little memory and stay in the cache.
 */

import productGpu from '../shaders/conv2d/winograd/conv2d.winograd_gpu_product.wgsl';
import product from '../shaders/conv2d/winograd/conv2d.winograd_product.wgsl';
import productSubgroups from '../shaders/conv2d/winograd/conv2d.winograd_subgroups_product.wgsl';
import f4x5Input from '../shaders/conv2d/winograd/conv2d.winograd4_input.wgsl';
import f4x5Kernel from '../shaders/conv2d/winograd/conv2d.winograd4_kernel.wgsl';
import f6x3InputGpu from '../shaders/conv2d/winograd/conv2d.winograd6_3x3_gpu_input.wgsl';
import f6x3KernelGpu from '../shaders/conv2d/winograd/conv2d.winograd6_3x3_gpu_kernel.wgsl';
import f6x3Input from '../shaders/conv2d/winograd/conv2d.winograd6_3x3_input.wgsl';
import f6x3Kernel from '../shaders/conv2d/winograd/conv2d.winograd6_3x3_kernel.wgsl';
import f7x3InputGpu from '../shaders/conv2d/winograd/conv2d.winograd7_3x3_gpu_input.wgsl';
import f7x3KernelGpu from '../shaders/conv2d/winograd/conv2d.winograd7_3x3_gpu_kernel.wgsl';
import f7x3Input from '../shaders/conv2d/winograd/conv2d.winograd7_3x3_input.wgsl';
import f7x3Kernel from '../shaders/conv2d/winograd/conv2d.winograd7_3x3_kernel.wgsl';
import f7x5InputGpu from '../shaders/conv2d/winograd/conv2d.winograd7_gpu_input.wgsl';
import f7x5KernelGpu from '../shaders/conv2d/winograd/conv2d.winograd7_gpu_kernel.wgsl';
import f7x5Input from '../shaders/conv2d/winograd/conv2d.winograd7_input.wgsl';
import f7x5Kernel from '../shaders/conv2d/winograd/conv2d.winograd7_kernel.wgsl';
import f8x5InputGpu from '../shaders/conv2d/winograd/conv2d.winograd8_gpu_input.wgsl';
import f8x5KernelGpu from '../shaders/conv2d/winograd/conv2d.winograd8_gpu_kernel.wgsl';
import f8x5Input from '../shaders/conv2d/winograd/conv2d.winograd8_input.wgsl';
import f8x5Kernel from '../shaders/conv2d/winograd/conv2d.winograd8_kernel.wgsl';
import type { ConvShape } from './conv_shape';
import { type Call, call, type Variant } from './plan/op';
import { type Tensor, view } from './plan/tensor';

/**
 * F(tile x tile, kernel x kernel): how many outputs a tile has on each side, of a kernel with how many taps on each side. Products are
 * the same for all forms, transforms are not. `side` inputs, or frequencies, on each side of a tile: tile + kernel - 1.
 */
export interface WinogradForm {
  readonly tile: number;
  readonly kernel: number;
  readonly side: number;
  /** side squared: products for tile squared outputs, for which taps would take kernel squared each. */
  readonly frequencies: number;
  /** The frequency where the transform of the output gradient adds up the tile: that of the points (1, 1). */
  readonly sumFrequency: number;
  /**
   * How it is done. `plain` and `subgroups`: an invocation of a transform has a window to itself, which are too many numbers for many GPUs.
   * `gpu`: a line of it, and the rest in workgroup memory.
   */
  readonly technique: 'plain' | 'subgroups' | 'gpu';
  readonly inputTransform: typeof f7x5Input;
  readonly kernelTransform: typeof f7x5Kernel;
}

const form = (
  [tile, kernel]: readonly [tile: number, kernel: number],
  sumFrequency: number,
  inputTransform: typeof f7x5Input,
  kernelTransform: typeof f7x5Kernel,
): WinogradForm => {
  const side = tile + kernel - 1;
  const frequencies = side ** 2;
  return {
    tile,
    kernel,
    side,
    frequencies,
    sumFrequency,
    technique: 'plain',
    inputTransform,
    kernelTransform,
  };
};

/** The same with products that share what they load within a subgroup. */
export const withSubgroups = (plain: WinogradForm): WinogradForm => ({ ...plain, technique: 'subgroups' });

/** The same with transforms for GPUs. */
const forGpu = (
  plain: WinogradForm,
  inputTransform: typeof f7x5Input,
  kernelTransform: typeof f7x5Kernel,
): WinogradForm => ({ ...plain, technique: 'gpu', inputTransform, kernelTransform });

/** 6.25 times fewer products than taps, and an error of about 6 times that of adding up taps. */
export const F4X5 = form([4, 5], 9, f4x5Input, f4x5Kernel);
/** 10 times fewer, less memory to move, and tiles that fit images of 7, 14, 28 pixels; an error of about 30 times. */
export const F7X5 = form([7, 5], 60, f7x5Input, f7x5Kernel);
/** 11 times fewer, and tiles that fit images of 8, 16, 32 pixels; an error of about 40 times. */
export const F8X5 = form([8, 5], 65, f8x5Input, f8x5Kernel);
/** 5.1 times fewer; an error of about 7 times. */
export const F6X3 = form([6, 3], 27, f6x3Input, f6x3Kernel);
/** 5.4 times fewer, and tiles that fit images of 7, 14, 28 pixels; an error of about 13 times. */
export const F7X3 = form([7, 3], 30, f7x3Input, f7x3Kernel);

export const F7X5_GPU = forGpu(F7X5, f7x5InputGpu, f7x5KernelGpu);
export const F8X5_GPU = forGpu(F8X5, f8x5InputGpu, f8x5KernelGpu);
export const F6X3_GPU = forGpu(F6X3, f6x3InputGpu, f6x3KernelGpu);
export const F7X3_GPU = forGpu(F7X3, f7x3InputGpu, f7x3KernelGpu);

/** Images that an invocation of a transform to frequencies does at once, and of one back. */
export const TOGETHER = 2;
const togetherBack = ({ technique }: WinogradForm) => (technique === 'gpu' ? 2 : 1);

/** What a device must have for a form, and what kind of adapter it is for. */
export const audienceOf = ({
  technique,
}: WinogradForm): Pick<Variant<ConvShape, never>, 'features' | 'for'> => ({
  features: technique === 'subgroups' ? ['subgroups'] : [],
  for: technique === 'gpu' ? 'gpu' : 'software',
});

const FORMS = [F4X5, F7X5, F8X5, F6X3, F7X3];

const tilesOf = ({ tile }: WinogradForm, { height, width }: ConvShape) =>
  Math.ceil(height / tile) * Math.ceil(width / tile);

/** Products of one image and one pair of channels. */
const productsOf = (form: WinogradForm, shape: ConvShape) => form.frequencies * tilesOf(form, shape);

/**
 * Whether a form with smaller tiles, which is more accurate, suits a layer better: because this one's reach so far beyond the image
 * that they take as many products, or because there are so few of them that the products load more weights than they make use of.
 */
export const betterSmaller = (form: WinogradForm, shape: ConvShape) =>
  FORMS.some(
    (other) =>
      other.kernel === form.kernel &&
      other.tile < form.tile &&
      productsOf(other, shape) <= productsOf(form, shape),
  ) ||
  (form.tile > F4X5.tile && tilesOf(form, shape) * shape.batch < 16);

/** Bytes that the transformed images of one chunk may take. */
const MOST_SCRATCH = 2 ** 24;
/** Images of a chunk where more would fit: larger ones are no faster on CPU adapters, smaller ones take more dispatches. */
const MOST_CHUNK = 256;

export interface Tiling {
  readonly tilesX: number;
  readonly tiles: number;
  /** Images a chunk, a multiple of 4. */
  readonly chunk: number;
  /** Where each chunk starts, and how many images it has. */
  readonly chunks: readonly { readonly first: number; readonly count: number }[];
}

export function tiling(form: WinogradForm, shape: ConvShape): Tiling {
  const { batch, inChannels, outChannels } = shape;
  const tilesX = Math.ceil(shape.width / form.tile);
  const tiles = tilesOf(form, shape);
  const bytes = form.frequencies * tiles * Math.max(inChannels, outChannels) * 4;
  const chunk = Math.min(batch, MOST_CHUNK, Math.max(4, Math.floor(MOST_SCRATCH / bytes / 4) * 4));
  const chunks = Array.from({ length: Math.ceil(batch / chunk) }, (_, i) => ({
    first: i * chunk,
    count: Math.min(chunk, batch - i * chunk),
  }));
  return { tilesX, tiles, chunk, chunks };
}

/** Why a layer cannot be done this way; `reduced` are the channels that are summed over. */
export function refusesWinograd(
  form: WinogradForm,
  shape: ConvShape,
  reduced: number,
  made: number,
): string | undefined {
  const { kernelSize, height, width } = shape;
  if (height < 4 || width < 4) return 'the Winograd form is for images of at least 4x4 pixels';
  if (kernelSize !== form.kernel) return `the Winograd form is for ${form.kernel}x${form.kernel} kernels`;
  if (reduced % 2 !== 0) return 'the Winograd form sums over an even number of channels';
  const least = form.frequencies * tilesOf(form, shape) * Math.max(reduced, made) * 4 * 4;
  return least > 2 ** 26 ? 'the Winograd form would need too much memory for images of this size' : undefined;
}

/** Elements of a chunk's transformed images. */
export const frequencySize = ({ frequencies }: WinogradForm, { tiles, chunk }: Tiling, channels: number) =>
  frequencies * channels * tiles * chunk;

/** From one chunk's transformed images to the next where those of all chunks are kept: bindings start at multiples of 64 elements. */
const keptStride = (form: WinogradForm, tiles: Tiling, channels: number) =>
  Math.ceil(frequencySize(form, tiles, channels) / 64) * 64;

/** The transformed input of the whole batch, which convolution and weight gradient both need. */
export const keepsImages = (form: WinogradForm) => ({
  what: `input as frequencies of F(${form.tile}x${form.tile}, ${form.kernel}x${form.kernel})`,
  size: (shape: ConvShape) => {
    const tiles = tiling(form, shape);
    return tiles.chunks.length * keptStride(form, tiles, shape.inChannels);
  },
});

/** Where the transformed images of chunk `i` lie: in `kept`, if they are kept, else where those of all chunks do. */
export function chunkImages(
  form: WinogradForm,
  tiles: Tiling,
  channels: number,
  i: number,
  images: Tensor,
  kept?: Tensor,
): Tensor {
  if (!kept) return images;
  const size = frequencySize(form, tiles, channels);
  return view(kept, kept.label, i * keptStride(form, tiles, channels), size);
}

/**
 * Params of the transforms of images [first, first + count) of a tensor [channels][height][width][batch], of which an invocation does
 * `together` at once.
 */
export function transformParams(
  together: number,
  { height, width, batch }: ConvShape,
  { tilesX, tiles, chunk }: Tiling,
  channels: number,
  at: { first: number; count: number },
) {
  return {
    width,
    height,
    tiles,
    tiles_x: tilesX,
    channels,
    batch: batch / together,
    first_image: at.first / together,
    chunk: at.count / together,
    pitch: (tiles * chunk) / together,
  };
}

/**
 * Items of a transform of `count` images, `together` at once: a workgroup does one tile for 32 times as many, or several tiles of fewer. On GPUs
 * it is 8 times, with as many invocations for each as a window has lines.
 */
export function transformItems(
  { technique, side }: WinogradForm,
  together: number,
  { tiles }: Tiling,
  count: number,
  channels: number,
) {
  const images = count / together;
  const [lanes, lines] = technique === 'gpu' ? [8, side] : [32, 1];
  const groups = Math.ceil(tiles / Math.max(1, Math.floor(lanes / images)));
  return [images, lines * groups, channels] as const;
}

/**
 * Pairs of channels, in what an invocation does at once, and items of a transform of kernels, or back: an invocation has one pair, or, on GPUs,
 * a line of two. (Not a flat grid, which would be folded where there are many.)
 */
export function pairLaunch({ technique, side }: WinogradForm, pairs: number) {
  const [lanes, lines] = technique === 'gpu' ? [pairs / 2, side] : [pairs, 1];
  return { pairs: lanes, items: [lanes, lines, 1] as const };
}

/**
 * A convolution up to its products in frequency space: one `finish` call per chunk brings them back. `from` are the channels
 * summed over, `to` those made, `toPadded` those as the packed kernel has them. `kept`: see `keepsImages`.
 */
export function convolutionCalls(
  form: WinogradForm,
  shape: ConvShape,
  channels: { from: number; to: number; toPadded: number },
  tensors: { input: Tensor; kernel: Tensor },
  scratch: Readonly<Record<string, Tensor>>,
  finish: (params: ReturnType<typeof transformParams>, items: readonly [number, number, number]) => Call,
  kept?: Tensor,
): Call[] {
  const { from, toPadded } = channels;
  const { frequencies } = form;
  const { kernels, products } = scratch;
  const tiles = tiling(form, shape);
  const { pairs, items } = pairLaunch(form, from * toPadded);
  const calls = [call(form.kernelTransform, { pairs }, { kernel: tensors.kernel, freqs: kernels }, items)];
  for (const [i, at] of tiles.chunks.entries()) {
    const images = chunkImages(form, tiles, from, i, scratch.images, kept);
    calls.push(
      call(
        form.inputTransform,
        transformParams(TOGETHER, shape, tiles, from, at),
        { input: tensors.input, freqs: images },
        transformItems(form, TOGETHER, tiles, at.count, from),
      ),
    );
    const wide = form.technique === 'gpu' ? 2 : 4; // elements of a column
    const columns = (tiles.tiles * at.count) / wide;
    const params = { columns, pitch: (tiles.tiles * tiles.chunk) / wide, cin: from, cout4: toPadded / 4 };
    const operands = { inputs: images, weights: kernels, products };
    if (form.technique === 'subgroups') {
      const items = subgroupItems(form, columns, toPadded);
      calls.push(call(productSubgroups, { ...params, frequencies }, operands, items));
    } else {
      const shader = form.technique === 'gpu' ? productGpu : product;
      // A workgroup makes 16 channels of 64 columns.
      const items = [
        shader.workgroupSize[0] * Math.ceil(toPadded / 16),
        Math.ceil(columns / 64),
        frequencies,
      ] as const;
      calls.push(call(shader, params, operands, items));
    }
    const items = transformItems(form, togetherBack(form), tiles, at.count, channels.to);
    calls.push(finish(transformParams(togetherBack(form), shape, tiles, toPadded, at), items));
  }
  return calls;
}

/** A workgroup makes 32 channels, and two columns a lane; where one is enough, its two quads have a frequency each. */
function subgroupItems({ frequencies }: WinogradForm, columns: number, toPadded: number) {
  const [lanes] = productSubgroups.workgroupSize;
  const groups = columns <= lanes ? Math.ceil(frequencies / 2) : frequencies;
  return [lanes * Math.ceil(toPadded / 32), Math.ceil(columns / (2 * lanes)), groups] as const;
}

/** Whether half of the 32 channels that a lane of a convolution's product with subgroups makes, or more, are not there. */
export const idleProduct = ({ technique }: WinogradForm, toPadded: number) =>
  technique === 'subgroups' && toPadded <= 16;

export const convolutionScratch = (form: WinogradForm, shape: ConvShape, from: number, toPadded: number) => ({
  kernels: form.frequencies * from * toPadded,
  images: frequencySize(form, tiling(form, shape), from),
  products: frequencySize(form, tiling(form, shape), toPadded),
});
