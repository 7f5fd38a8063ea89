/** Numbers in recorded commands, which can copy words, but hold none of their own. */

/**
 * Records `values` into `to`, a word for each of their bytes, the lowest first: copies out of `numbers`, which begins with the words 0 to
 * 255. A shader puts them together again.
 */
export function copyBytes(
  encoder: GPUCommandEncoder,
  numbers: GPUBuffer,
  to: GPUBuffer,
  values: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>,
): void {
  new Uint8Array(values.buffer).forEach((value, i) => {
    encoder.copyBufferToBuffer(numbers, value * 4, to, i * 4, 4);
  });
}

/** The contents of `numbers`. */
export const allBytes = () => Uint32Array.from({ length: 256 }, (_, i) => i);
