/** Pictures at twice the side, by the pretrained network `enlarger`. */
import { isFloats } from '../base/arrays';
import { argumentError, checkNames, checkSeed, notImages } from '../base/errors';
import { normal, STREAM, threefry } from '../base/random';
import type { UNetConfig } from '../unet/config';
import type { UNet } from '../unet/unet';

/** The noise level that the enlarger knows, and no other. */
export const LEVEL = 0.12;
/** Bicubic weights (a = -0.75) a quarter of a line beyond the second of four lines. */
const TAPS = [-27, 225, 67, -9].map((weight) => weight / 256);

/**
 * Enlarges pictures to twice the side, with sharp outlines. `unet` has the parameters of `loadPretrained('enlarger')` and the size of the
 * result: for pictures of h x w `createUNet({ ...model.config, height: 2 * h, width: 2 * w })`.
 *
 * @param images [n][h][w][3], 0 to 1
 * @param options.seed fixes the noise that is added and removed, 0 to 2^32 - 1. Default 0.
 * @returns [n][2h][2w][3], 0 to 1
 * @throws EngineError `argument` for another network or other images, and what `predict` throws
 */
export async function enlarge(
  unet: UNet,
  images: Float32Array,
  options: { readonly seed?: number | undefined } = {},
): Promise<Float32Array<ArrayBuffer>> {
  checkNames('enlarge', options, { seed: true });
  const { seed = 0 } = options;
  checkSeed(seed);
  if (!isFloats(images)) throw notImages('images', images);
  const { height, width, channels, conditioning } = unet.config;
  if (channels !== 3 || !conditioning?.noiseLevel || conditioning.classes) {
    throw argumentError('enlarge needs the network of loadPretrained("enlarger").');
  }
  const count = (4 * images.length) / (height * width * 3);
  if (!Number.isInteger(count) || count < 1) {
    throw argumentError(
      `enlarge was given ${images.length} values; with a network of ${height}x${width} images are ${height / 2}x${width / 2}x3.`,
    );
  }
  const noisy = noisyLarge(images, unet.config, seed);
  const output = await unet.predict(noisy, { levels: new Float32Array(count).fill(LEVEL) });
  return output.map((value, i) => unit((noisy[i] - LEVEL * value + 1) / 2));
}

/** The enlarger's input, -1 to 1: pictures enlarged, with noise. `first`: the first one's number among those with this seed. */
export function noisyLarge(
  images: Float32Array,
  { height, width }: Pick<UNetConfig, 'height' | 'width'>,
  seed: number,
  first = 0,
): Float32Array<ArrayBuffer> {
  const size = 3 * height * width;
  const large = doubled(doubled(images, width / 2, 3), height / 2, 3 * width);
  return large.map((value, i) => {
    // A draw gives two numbers, for two neighbours.
    const draw = threefry(seed, STREAM.enlarge, first + Math.floor(i / size), (i % size) >> 1);
    return (1 - LEVEL) * (2 * unit(value) - 1) + LEVEL * normal(draw)[i % 2];
  });
}

/** [any][n][inner] to [any][2n][inner], as PyTorch's bicubic `interpolate` without `align_corners`: lines at the border repeat. */
function doubled(values: Float32Array, n: number, inner: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(2 * values.length);
  for (let i = 0; i < out.length; i++) {
    const line = Math.floor(i / inner);
    const first = Math.floor(line / (2 * n)) * n;
    const nearest = (line % (2 * n)) >> 1;
    for (const [tap, weight] of TAPS.entries()) {
      const from = nearest + (line % 2 ? tap - 1 : 1 - tap);
      out[i] += weight * values[(first + Math.min(Math.max(from, 0), n - 1)) * inner + (i % inner)];
    }
  }
  return out;
}

const unit = (value: number) => Math.min(Math.max(value, 0), 1);
