/**
 * Winograd convolution as plans of several dispatches: kernel and images are transformed to frequencies, multiplied there as one
 * small matrix per frequency, and transformed back. (Lavin and Gray, "Fast algorithms for convolutional neural networks", CVPR 2016.)
 *
 * Kernels process the batch in chunks of images, so that the transformed images take little memory and stay in the cache.
 */

import shaders from 'virtual:kernel/conv2d';
import { type Biases, type ConvShape, NO_BIASES, padChannels } from '../plan/conv_shape';
import { type Call, call, type Variant } from '../plan/op';
import { type Tensor, view } from '../plan/tensor';
import { type Form, winogradForms } from './forms';

/**
 * F(tile x tile, kernel x kernel): outputs per side of a tile, and taps per side of the kernel. All forms share the products, not the
 * transforms. `side` counts the inputs, or frequencies, per side of a tile: tile + kernel - 1.
 */
interface Sides {
  readonly tile: number;
  readonly kernel: number;
  /** The largest share of a smaller tile's products with which the form is faster. */
  readonly worth: number;
  readonly side: number;
  /** side squared: the number of products for tile squared outputs. A direct convolution takes kernel squared products for each output. */
  readonly frequencies: number;
  /** The frequency of the points (1, 1), where the transform of the output gradient adds up the tile. */
  readonly sumFrequency: number;
}

/**
 * The technique of transforms and products, and the beginning of the transforms' shaders' names. `plain` and `subgroups`: an invocation of a
 * transform holds a whole window, too many registers for many GPUs. `gpu`: an invocation holds one line of it, and workgroup memory the rest.
 */
type Technique =
  | { readonly technique: 'plain' | 'subgroups'; readonly name: Form['name'] }
  | { readonly technique: 'gpu'; readonly name: `${Form['name']}_gpu` };

export type WinogradForm = Sides & Technique;

/** A kernel's variants: `variant` makes one of a form. */
export function winogradVariants<V>(variant: (form: WinogradForm) => V): Record<string, V> {
  const variants: Record<string, V> = {};
  for (const form of winogradForms) {
    const { name, tile, kernel, pointOneIndex, worth } = form;
    const side = tile + kernel - 1;
    const sumFrequency = pointOneIndex * (side + 1);
    const sides = { tile, kernel, worth, side, frequencies: side ** 2, sumFrequency };
    variants[name] = variant({ ...sides, technique: 'plain', name });
    variants[`${name}_gpu`] = variant({ ...sides, technique: 'gpu', name: `${name}_gpu` });
    variants[`${name}_subgroups`] = variant({ ...sides, technique: 'subgroups', name });
  }
  return variants;
}

/** Images that an invocation transforms at once: to frequencies (TOGETHER), and back. */
export const TOGETHER = 2;
const togetherBack = ({ technique }: WinogradForm) => (technique === 'gpu' ? 2 : 1);

/** The device features and the kind of adapter that a form requires, and its tile. */
export const formRequirements = ({
  technique,
  tile,
}: WinogradForm): Pick<Variant<ConvShape, never>, 'features' | 'for' | 'tile'> => ({
  features: technique === 'subgroups' ? ['subgroups'] : [],
  for: technique === 'gpu' ? 'gpu' : 'software',
  tile,
});

const tilesOf = ({ tile }: Pick<Sides, 'tile'>, { height, width }: ConvShape) =>
  Math.ceil(height / tile) * Math.ceil(width / tile);

/** Products for one image and one pair of channels. */
const productsOf = (form: Pick<Sides, 'tile' | 'kernel'>, shape: ConvShape) =>
  (form.tile + form.kernel - 1) ** 2 * tilesOf(form, shape);

/**
 * With fewer tiles in a batch the products load more weights than they use: `tile` is faster on GPUs, `direct` on processors with 3x3 kernels.
 * With 5x5 kernels other forms only err less, which counts where a third of the tiles lies beyond the image, and for tiles of 8.
 */
function leastTiles(form: WinogradForm, shape: ConvShape): number {
  const { technique, tile, kernel } = form;
  if (technique === 'gpu') return 8;
  if (kernel === 3 || 3 * shape.height * shape.width < 2 * tilesOf(form, shape) * tile ** 2) return 16;
  return tile === 8 ? 8 : 0;
}

/**
 * Whether a form with smaller tiles, which is more accurate, suits a layer better: this form's tiles save too few
 * products, as where they extend beyond the image, or they are too few.
 */
export const betterSmaller = (form: WinogradForm, shape: ConvShape) =>
  winogradForms.some(
    (other) =>
      other.kernel === form.kernel &&
      other.tile < form.tile &&
      form.worth * productsOf(other, shape) <= productsOf(form, shape),
  ) || tilesOf(form, shape) * shape.batch < leastTiles(form, shape);

/** Most bytes of the transformed images of one chunk. */
const MOST_SCRATCH = 2 ** 24;
/** Most images per chunk: larger chunks are no faster on CPU adapters, smaller ones take more dispatches. */
const MOST_CHUNK = 256;

interface Tiling {
  readonly tilesX: number;
  readonly tiles: number;
  /** Images per chunk, a multiple of 4. */
  readonly chunk: number;
  /** The first image of each chunk, and its number of images. */
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

/** The reason why a form cannot compute a layer; undefined if it can. `reduced` channels are summed over, `made` are the output. */
export function refusesWinograd(
  form: WinogradForm,
  shape: ConvShape,
  reduced: number,
  outputs: number,
): string | undefined {
  const { kernelSize, height, width } = shape;
  if (height < 4 || width < 4) return 'the Winograd form is for images of at least 4x4 pixels';
  if (kernelSize !== form.kernel) return `the Winograd form is for ${form.kernel}x${form.kernel} kernels`;
  if (reduced % 2 !== 0) return 'the Winograd form sums over an even number of channels';
  const least = form.frequencies * tilesOf(form, shape) * Math.max(reduced, outputs) * 4 * 4;
  return least > 2 ** 26 ? 'the Winograd form needs too much memory for images of this size' : undefined;
}

/** Elements of a chunk's transformed images. */
export const frequencySize = ({ frequencies }: WinogradForm, { tiles, chunk }: Tiling, channels: number) =>
  frequencies * channels * tiles * chunk;

/** Stride between the transformed images of chunks, if all chunks are cached: bindings start at multiples of 64 elements. */
const cacheStride = (form: WinogradForm, tiles: Tiling, channels: number) =>
  Math.ceil(frequencySize(form, tiles, channels) / 64) * 64;

/** Caches the transformed input of the whole batch, which convolution and weight gradient both need. */
export const cachesImages = (form: WinogradForm) => ({
  what: `input as frequencies of F(${form.tile}x${form.tile}, ${form.kernel}x${form.kernel})`,
  size: (shape: ConvShape) => {
    const tiles = tiling(form, shape);
    return tiles.chunks.length * cacheStride(form, tiles, shape.inChannels);
  },
});

/** The tensor of the transformed images of chunk `i`: its part of `cached`, or else `images`, which all chunks reuse. */
export function chunkImages(
  form: WinogradForm,
  tiles: Tiling,
  channels: number,
  i: number,
  images: Tensor,
  cached?: Tensor,
): Tensor {
  if (!cached) return images;
  const size = frequencySize(form, tiles, channels);
  return view(cached, cached.label, i * cacheStride(form, tiles, channels), size);
}

/**
 * Params of the transforms of images [first, first + count) of a tensor [channels][height][width][batch]; an invocation transforms
 * `together` images.
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
    ...NO_BIASES,
  };
}

/**
 * Items of a transform of `count` images. A workgroup transforms one tile of 32 x `together` images, or several tiles of fewer images. On
 * GPUs it is 8 x `together` images, with one invocation for each line of a window.
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
 * Launch of a transform of kernels to frequencies or back: `pairs` counts pairs of channels in units of an invocation, which has one pair
 * or, on GPUs, one line of two pairs. (Not a flat grid, which would be folded if there are many.)
 */
export function pairLaunch({ technique, side }: WinogradForm, pairs: number) {
  const [lanes, lines] = technique === 'gpu' ? [pairs / 2, side] : [pairs, 1];
  return { pairs: lanes, items: [lanes, lines, 1] as const };
}

/** Transforms the images of a chunk to frequencies. */
export const inputTransform = (
  form: WinogradForm,
  shape: ConvShape,
  tiles: Tiling,
  channels: number,
  at: { first: number; count: number },
  tensors: { input: Tensor; freqs: Tensor },
): Call =>
  call(
    shaders[`${form.name}_input` as const],
    transformParams(TOGETHER, shape, tiles, channels, at),
    tensors,
    transformItems(form, TOGETHER, tiles, at.count, channels),
  );

/** A convolution's variant without its calls. */
export const winogradConvolution = (form: WinogradForm) => ({
  ...formRequirements(form),
  wastesLanes: (shape: ConvShape) =>
    betterSmaller(form, shape) || wastesProduct(form, padChannels(shape.outChannels)),
  refuses: (shape: ConvShape) =>
    refusesWinograd(form, shape, shape.inChannels, padChannels(shape.outChannels)),
  scratch: (shape: ConvShape) => {
    const from = shape.inChannels;
    const to = padChannels(shape.outChannels);
    const tiles = tiling(form, shape);
    return {
      kernels: form.frequencies * from * to,
      images: frequencySize(form, tiles, from),
      products: frequencySize(form, tiles, to),
    };
  },
});

/** A convolution, chunk by chunk. `cached`: see `cachesImages`. */
export function winogradCalls(
  form: WinogradForm,
  shape: ConvShape,
  tensors: Readonly<Record<'input' | 'kernel' | 'output', Tensor>>,
  biases: Biases,
  scratch: Readonly<Record<string, Tensor>>,
  cached?: Tensor,
): Call[] {
  const { inChannels: from, outChannels: to } = shape;
  const toPadded = padChannels(to);
  const { frequencies, technique } = form;
  const { kernels, products } = scratch;
  const tiles = tiling(form, shape);
  const { pairs, items } = pairLaunch(form, from * toPadded);
  const transform = shaders[`${form.name}_kernel` as const];
  const calls = [call(transform, { pairs }, { kernel: tensors.kernel, freqs: kernels }, items)];
  for (const [i, at] of tiles.chunks.entries()) {
    const images = chunkImages(form, tiles, from, i, scratch.images, cached);
    calls.push(inputTransform(form, shape, tiles, from, at, { input: tensors.input, freqs: images }));
    const each = technique === 'gpu' ? 2 : 4; // elements of a column
    const columns = (tiles.tiles * at.count) / each;
    const params = { columns, pitch: (tiles.tiles * tiles.chunk) / each, cin: from, cout4: toPadded / 4 };
    const operands = { inputs: images, weights: kernels, products };
    const flops = 2 * frequencies * tiles.tiles * at.count * from * toPadded;
    if (technique === 'subgroups') {
      const items = subgroupItems(form, columns, toPadded);
      calls.push(
        call(shaders.winograd_subgroups_product, { ...params, frequencies }, operands, items, flops),
      );
    } else {
      const shader = shaders[technique === 'gpu' ? 'winograd_gpu_product' : 'winograd_product'];
      // A workgroup computes 16 channels of 64 columns.
      const items = [
        shader.workgroupSize[0] * Math.ceil(toPadded / 16),
        Math.ceil(columns / 64),
        frequencies,
      ] as const;
      calls.push(call(shader, params, operands, items, flops));
    }
    const back = { ...transformParams(togetherBack(form), shape, tiles, toPadded, at), ...biases.params };
    const last = { freqs: products, output: tensors.output, ...biases.tensors };
    const items = transformItems(form, togetherBack(form), tiles, at.count, to);
    calls.push(call(shaders[`${form.name}_output` as const], back, last, items));
  }
  return calls;
}

/** A workgroup computes 32 channels, two columns per lane; if one is enough, its two quads take a frequency each. */
function subgroupItems({ frequencies }: WinogradForm, columns: number, toPadded: number) {
  const [lanes] = shaders.winograd_subgroups_product.workgroupSize;
  const groups = columns <= lanes ? Math.ceil(frequencies / 2) : frequencies;
  return [lanes * Math.ceil(toPadded / 32), Math.ceil(columns / (2 * lanes)), groups] as const;
}

/** Whether at least half of the 32 channels that a lane of the subgroup product computes are padding. */
const wastesProduct = ({ technique }: WinogradForm, toPadded: number) =>
  technique === 'subgroups' && toPadded <= 16;
