import { type GridShape, gridSize, imageGrid } from '../../src/kernels/image_grid';
import { padded, type Spec } from '../spec';

const grey = { channels: 1, scale: 1, gap: 0, invert: false };

export const spec: Spec<GridShape, 'images' | 'picture'> = {
  kernel: imageGrid,
  cases: {
    'one pixel': { ...grey, height: 1, width: 1, batch: padded(1), count: 1, columns: 1, rows: 1 },
    'prime sizes': {
      channels: 3,
      height: 5,
      width: 7,
      batch: padded(11),
      count: 11,
      columns: 5,
      rows: 3,
      scale: 3,
      gap: 2,
      invert: false,
    },
    'dark ink on white': {
      channels: 1,
      height: 28,
      width: 28,
      batch: padded(8),
      count: 8,
      columns: 8,
      rows: 1,
      scale: 4,
      gap: 1,
      invert: true,
    },
    'more images than cells': {
      ...grey,
      height: 3,
      width: 2,
      batch: padded(13),
      count: 13,
      columns: 2,
      rows: 2,
    },
    'more than one row of workgroups': {
      channels: 3,
      height: 32,
      width: 40,
      batch: padded(6),
      count: 6,
      columns: 3,
      rows: 2,
      scale: 3,
      gap: 5,
      invert: true,
    },
  },
  inputs: ({ channels, height, width, batch }, random) => ({
    // Multiples of 1/1024, some beyond [0, 1]: all that follows is exact, so no rounding to a byte is ever in doubt.
    images: Float32Array.from(
      random.integers(channels * height * width * batch, 1280),
      (k) => (k - 128) / 1024,
    ),
  }),
  reference: (shape, { images }) => {
    const { channels, height, width, batch, count, columns, rows, scale, gap, invert } = shape;
    const size = gridSize(shape);
    const picture = new Uint32Array(size.width * size.height).fill(0xffffffff);
    const bytes = new Uint8Array(picture.buffer);
    for (let n = 0; n < Math.min(count, columns * rows); n++) {
      const left = (n % columns) * (width * scale + gap);
      const top = Math.floor(n / columns) * (height * scale + gap);
      for (let y = 0; y < height * scale; y++)
        for (let x = 0; x < width * scale; x++)
          for (let rgb = 0; rgb < 3; rgb++) {
            const c = channels === 3 ? rgb : 0;
            const row = c * height + Math.floor(y / scale);
            const v = images[(row * width + Math.floor(x / scale)) * batch + n];
            const ink = Math.min(Math.max(v, 0), 1);
            const byte = Math.floor(255 * (invert ? 1 - ink : ink) + 0.5);
            bytes[((top + y) * size.width + left + x) * 4 + rgb] = byte;
          }
    }
    return { picture: { values: picture } };
  },
  bench: () => ({
    samples: {
      channels: 1,
      height: 28,
      width: 28,
      batch: 64,
      count: 64,
      columns: 8,
      rows: 8,
      scale: 4,
      gap: 0,
      invert: true,
    },
  }),
};
