import shader from '../../shaders/image_grid.wgsl';
import { call, type Kernel } from '../kernel';
import type { ImageShape } from './swish_max_pool';

/** One channel is grey, three are red, green and blue. */
export interface GridShape extends ImageShape {
  /** Images of the batch to draw. */
  readonly count: number;
  readonly columns: number;
  readonly rows: number;
  /** Width and height of a drawn pixel. */
  readonly scale: number;
  /** White pixels between images. */
  readonly gap: number;
  /** Dark ink on white paper. */
  readonly invert: boolean;
}

/** Size of the picture in pixels. */
export function gridSize({ height, width, columns, rows, scale, gap }: Omit<GridShape, 'channels'>) {
  return {
    width: columns * (width * scale + gap) - gap,
    height: rows * (height * scale + gap) - gap,
  };
}

/** `picture` is one word a pixel, its bytes in memory red, green, blue, alpha. */
export const imageGrid: Kernel<GridShape, 'images' | 'picture'> = {
  name: 'image_grid',
  sizes: (shape) => {
    const size = gridSize(shape);
    return {
      images: shape.channels * shape.height * shape.width * shape.batch,
      picture: size.width * size.height,
    };
  },
  cost: (shape) => {
    const { width, height } = gridSize(shape);
    const elements = shape.channels * shape.height * shape.width * shape.count;
    return { flops: 3 * shape.channels * width * height, bytes: 4 * (elements + width * height) };
  },
  variants: {
    plain: {
      refuses: ({ channels }) =>
        channels === 1 || channels === 3 ? undefined : 'only 1 or 3 channels have a colour',
      calls: (shape, tensors) => {
        const { channels, height, width, batch, count, columns, scale, gap, invert } = shape;
        const picture = gridSize(shape);
        const size = picture.width * picture.height;
        const params = {
          size,
          picture_width: picture.width,
          channels,
          height,
          width,
          batch,
          count,
          columns,
          scale,
          gap,
          invert: invert ? 1 : 0,
        };
        return [call(shader, params, tensors, size)];
      },
    },
  },
};
