import { type ConvertedShape, chwnToNhwc } from '../../src/kernels/chwn_to_nhwc';
import { reference } from '../../src/reference/chwn_to_nhwc';
import { EPSILON, image, type Spec } from './lib/spec';

export const spec: Spec<ConvertedShape, 'input' | 'images'> = {
  kernel: chwnToNhwc,
  cases: {
    'one pixel': { ...image(1, 1, 1, 1), count: 1 },
    'three vec4s of images': { ...image(2, 1, 2, 12), count: 11 },
    'prime sizes': { ...image(3, 5, 7, 13), count: 13 },
    'pictures, fewer than the batch': { ...image(2, 3, 4, 13), count: 6, pictures: true },
    'the whole batch': image(1, 28, 28, 8),
    'more than one row of workgroups': image(3, 152, 149, 4),
  },
  inputs: (shape, random) => ({ input: random.floats(chwnToNhwc.sizes(shape).input, -1.5, 1.5) }), // often beyond the clamp
  reference,
  // Pictures err as unit_range does.
  error: ({ pictures }, _, { images }) =>
    pictures ? { images: Float64Array.from(images, (v) => 2 * EPSILON * v) } : {},
  bench: (batch) => ({ output: { ...image(1, 28, 28, batch), count: batch } }),
};
