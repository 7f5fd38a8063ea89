/** Maps in bfloat16, as conv2d_grad_pool_bfloat16 leaves them (see shaders/lib/window_store_bfloat16.wgsl). */
import type { ImageShape } from '../src/kernels/swish_max_pool';

/** Rounding to 8 bits of precision errs by at most this times the result. */
export const BFLOAT16_EPSILON = 2 ** -8;

/** For each element of [channels][height][width][batch], its place among the halves of the words, lower half first. */
function places({ channels, height, width, batch }: ImageShape): Uint32Array {
  const at = new Uint32Array(channels * height * width * batch);
  let i = 0;
  for (let row = 0; row < channels * height; row++)
    for (let x = 0; x < width; x++)
      for (let n = 0; n < batch; n++) {
        const window = ((row >> 1) * (width / 2) + (x >> 1)) * batch + n;
        at[i++] = 2 * (2 * window + (row & 1)) + (x & 1);
      }
  return at;
}

export function unpackBfloat16(image: ImageShape, words: Uint32Array): Float32Array {
  const halves = new Uint16Array(words.buffer, words.byteOffset, 2 * words.length);
  const bits = Uint32Array.from(places(image), (at) => halves[at] << 16);
  return new Float32Array(bits.buffer);
}

/** By cutting off, so that what is packed is not the nearest: for inputs only. */
export function packBfloat16(image: ImageShape, values: Float32Array): Uint32Array {
  const halves = new Uint16Array(values.length);
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  places(image).forEach((at, i) => {
    halves[at] = bits[i] >>> 16;
  });
  return new Uint32Array(halves.buffer);
}
