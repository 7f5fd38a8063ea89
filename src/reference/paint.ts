import type { PaintShape } from '../kernels/paint';
import type { Arrays } from '../plan/reference';
import { atMost, IMAGES, type SmallCase } from '../plan/small_case';

/** The images in rows, as words of four bytes; each row of texels is followed by zeros up to whole 256 bytes. */
export function reference(shape: PaintShape, { images }: Arrays) {
  const { count, height, width, channels, columns, bgra } = shape;
  const [from, to] = shape.range;
  const pitch = Math.ceil((columns * width) / 64) * 64;
  const picture = new Uint32Array(Math.ceil(count / columns) * height * pitch);
  const bytes = new Uint8Array(picture.buffer);
  const byteOf = (v: number) => Math.floor(255 * Math.min(Math.max((v - from) / (to - from), 0), 1) + 0.5);
  for (let n = 0; n < count; n++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const at = ((n * height + y) * width + x) * channels;
        const [red, green, blue, alpha] = [0, 1, 2, 3].map((c) =>
          byteOf(images[at + (channels > 1 ? c : 0)]),
        );
        const row = Math.floor(n / columns) * height + y;
        const texel = row * pitch + (n % columns) * width + x;
        bytes.set([bgra ? blue : red, green, bgra ? red : blue, channels === 4 ? alpha : 255], 4 * texel);
      }
  return { picture };
}

export const small: SmallCase<PaintShape> = {
  shape: atMost<PaintShape>({ channels: 8, height: 10, width: 10, count: IMAGES, columns: 'as it is' }),
};
