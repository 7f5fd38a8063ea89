/**
 * Winograd convolution F(4x4, 5x5) as plans of several dispatches: kernel and images are transformed to 64 frequencies, multiplied
 * there as 64 small matrices, and transformed back. 6.25 times fewer multiplications than 25 taps an output, less what tiles waste
 * at the border. (Lavin and Gray, "Fast algorithms for convolutional neural networks", CVPR 2016; points 0, +-1, +-2, +-1/2.)
 *
 * The batch is done in chunks of images, so that the transformed images take little memory and stay in the cache.
 */
import inputTransform from '../shaders/conv2d.winograd_input.wgsl';
import kernelTransform from '../shaders/conv2d.winograd_kernel.wgsl';
import product from '../shaders/conv2d.winograd_product.wgsl';
import productSubgroups from '../shaders/conv2d.winograd_subgroups_product.wgsl';
import { type Call, call, type Tensor } from './kernel';
import type { ConvShape } from './kernels/conv2d';

const FREQUENCIES = 64;
const TILE = 4;
/** Bytes that the transformed images of one chunk may take. */
const MOST_SCRATCH = 2 ** 24;
/** Images of a chunk where more would fit: larger ones are no faster on CPU adapters, smaller ones take more dispatches. */
const MOST_CHUNK = 128;

export interface Tiling {
  readonly tilesX: number;
  readonly tiles: number;
  /** Images a chunk, a multiple of 4. */
  readonly chunk: number;
  /** Where each chunk starts, and how many images it has. */
  readonly chunks: readonly { readonly first: number; readonly count: number }[];
}

export function tiling({ height, width, batch, inChannels, outChannels }: ConvShape): Tiling {
  const tilesX = Math.ceil(width / TILE);
  const tiles = tilesX * Math.ceil(height / TILE);
  const bytes = FREQUENCIES * tiles * Math.max(inChannels, outChannels) * 4;
  const chunk = Math.min(batch, MOST_CHUNK, Math.max(4, Math.floor(MOST_SCRATCH / bytes / 4) * 4));
  const chunks = Array.from({ length: Math.ceil(batch / chunk) }, (_, i) => ({
    first: i * chunk,
    count: Math.min(chunk, batch - i * chunk),
  }));
  return { tilesX, tiles, chunk, chunks };
}

/** Why a layer cannot be done this way; `reduced` are the channels that are summed over. */
export function refusesWinograd(
  { kernelSize, height, width }: ConvShape,
  reduced: number,
  made: number,
): string | undefined {
  if (height < TILE || width < TILE) return 'the image is smaller than a tile of the Winograd form';
  if (kernelSize !== 5) return 'the Winograd form is for 5x5 kernels';
  if (reduced % 2 !== 0) return 'the Winograd form sums over an even number of channels';
  const least =
    FREQUENCIES * Math.ceil(height / TILE) * Math.ceil(width / TILE) * Math.max(reduced, made) * 4 * 4;
  return least > 2 ** 26 ? 'the Winograd form would need too much memory for images of this size' : undefined;
}

/** Elements of a chunk's transformed images. */
export const frequencySize = ({ tiles, chunk }: Tiling, channels: number) =>
  FREQUENCIES * channels * tiles * chunk;

/** The images [first, first + count) of a tensor [channels][height][width][batch] to frequencies. */
export function transformParams(
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
    batch,
    first_image: at.first,
    chunk: at.count,
    pitch: tiles * chunk,
  };
}

/** Items of a transform of `count` images: a workgroup of 32 lanes does one tile of 32 images, or several tiles of fewer. */
export function transformItems({ tiles }: Tiling, count: number, channels: number) {
  return [count, Math.ceil(tiles / Math.max(1, Math.floor(32 / count))), channels] as const;
}

/**
 * A convolution up to its products in frequency space: one `finish` call per chunk brings them back. `from` are the channels
 * summed over, `to` those made, `toPadded` those as the packed kernel has them.
 */
export function convolutionCalls(
  shape: ConvShape,
  channels: { from: number; to: number; toPadded: number },
  tensors: { input: Tensor; kernel: Tensor },
  scratch: Readonly<Record<string, Tensor>>,
  subgroups: boolean,
  finish: (params: ReturnType<typeof transformParams>, items: readonly [number, number, number]) => Call,
): Call[] {
  const { from, toPadded } = channels;
  const { kernels, images, products } = scratch;
  const tiles = tiling(shape);
  const pairs = from * toPadded;
  const calls = [call(kernelTransform, { pairs }, { kernel: tensors.kernel, freqs: kernels }, pairs)];
  for (const at of tiles.chunks) {
    calls.push(
      call(
        inputTransform,
        transformParams(shape, tiles, from, at),
        { input: tensors.input, freqs: images },
        transformItems(tiles, at.count, from),
      ),
    );
    const columns = (tiles.tiles * at.count) / 4;
    const params = { columns, pitch: (tiles.tiles * tiles.chunk) / 4, cin: from, cout4: toPadded / 4 };
    const operands = { inputs: images, weights: kernels, products };
    calls.push(
      subgroups
        ? call(productSubgroups, params, operands, subgroupItems(columns, toPadded))
        : call(product, params, operands, [
            32 * Math.ceil(toPadded / 16), // a workgroup of 32 lanes makes 16 channels
            Math.ceil(columns / 64),
            FREQUENCIES,
          ]),
    );
    calls.push(
      finish(transformParams(shape, tiles, toPadded, at), transformItems(tiles, at.count, channels.to)),
    );
  }
  return calls;
}

/** A workgroup makes 32 channels, and two columns a lane; where one is enough, its two quads have a frequency each. */
function subgroupItems(columns: number, toPadded: number) {
  const [lanes] = productSubgroups.workgroupSize;
  const frequencies = columns <= lanes ? FREQUENCIES / 2 : FREQUENCIES;
  return [lanes * Math.ceil(toPadded / 32), Math.ceil(columns / (2 * lanes)), frequencies] as const;
}

/** Whether half of the 32 channels that a lane of a convolution's product with subgroups makes, or more, are not there. */
export const idleProduct = (toPadded: number) => toPadded <= 16;

export const convolutionScratch = (shape: ConvShape, from: number, toPadded: number) => ({
  kernels: FREQUENCIES * from * toPadded,
  images: frequencySize(tiling(shape), from),
  products: frequencySize(tiling(shape), toPadded),
});
