import { type PaintShape, paint } from '../../src/kernels/paint';
import { reference } from '../../src/reference/paint';
import { exact, type Spec } from './lib/spec';

const grey = { height: 3, width: 5, channels: 1, range: [0, 1], bgra: false } as const;

export const spec: Spec<PaintShape, 'images' | 'picture'> = {
  kernel: paint,
  cases: {
    'one pixel': { ...grey, count: 1, height: 1, width: 1, columns: 1 },
    'a row that is not full': { ...grey, count: 7, columns: 3 },
    'fewer images than columns': { ...grey, count: 2, columns: 4 },
    'dark ink on white': { ...grey, count: 4, columns: 2, range: [1, 0] },
    'from -1 to 1': { ...grey, count: 3, columns: 3, range: [-1, 1] },
    'colours, blue first': { ...grey, count: 5, columns: 2, channels: 3, bgra: true },
    'colours, red first': { ...grey, count: 5, columns: 2, channels: 3 },
    'colours with alpha': { ...grey, count: 3, columns: 2, channels: 4, bgra: true },
    'rows of exactly 256 bytes': { ...grey, count: 2, columns: 2, width: 32 },
    'more than one row of workgroups': { ...grey, count: 260, columns: 13, height: 16, width: 16 },
  },
  inputs: (shape, random) => {
    const [from, to] = shape.range;
    // Near a whole byte, so that it is clear which, and some beyond the range.
    const share = () => (Math.floor(275 * random.next()) - 10 + 0.8 * (random.next() - 0.5)) / 255;
    const images = Float32Array.from(
      { length: paint.sizes(shape).images },
      () => from + (to - from) * share(),
    );
    return { images };
  },
  reference,
  error: exact,
  bench: (batch) => ({
    samples: { count: batch, height: 28, width: 28, channels: 1, columns: 8, range: [1, 0], bgra: true },
  }),
};
