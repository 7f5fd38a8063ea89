import shaders from 'virtual:kernel/paint';
import { call, type Kernel } from '../plan/op';

export interface PaintShape {
  /** Images, [count][height][width][channels]; 1, 3 or 4 channels. */
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Images in a row. */
  readonly columns: number;
  /** The values that become 0 and 255; the first may be the larger one. */
  readonly range: readonly [number, number];
  /** Whether a texel's first byte is blue. */
  readonly bgra: boolean;
}

/** Words of 256 bytes: a copy to a texture requires rows of multiples of them. */
const ROW_WORDS = 64;

/** Sides of the picture, in texels, and words from row to row in memory. */
export function pictureSize({ count, height, width, columns }: PaintShape) {
  const wide = columns * width;
  return {
    width: wide,
    height: Math.ceil(count / columns) * height,
    pitch: Math.ceil(wide / ROW_WORDS) * ROW_WORDS,
  };
}

/** Makes a picture of many images. */
export const paint: Kernel<PaintShape, 'images' | 'picture'> = {
  name: 'paint',
  sizes: (shape) => {
    const { count, height, width, channels } = shape;
    const { height: rows, pitch } = pictureSize(shape);
    return { images: count * height * width * channels, picture: rows * pitch };
  },
  cost: (shape) => {
    const { images, picture } = paint.sizes(shape);
    return { flops: 4 * images, bytes: 4 * (images + picture) };
  },
  variants: {
    plain: {
      calls: (shape, tensors) => {
        const { count, height, width, channels, columns, bgra } = shape;
        const [from, to] = shape.range;
        const { pitch } = pictureSize(shape);
        const words = paint.sizes(shape).picture;
        const scale = 1 / (to - from);
        const sides = { words, pitch, width, height, channels, columns, count };
        const params = { ...sides, scale, offset: -from * scale, bgra: Number(bgra) };
        return [call(shaders.plain, params, tensors, words)];
      },
    },
  },
};
