import { chwnToNhwc } from '../../src/kernels/chwn_to_nhwc';
import type { CallerImageShape } from '../../src/kernels/nhwc_to_chwn';
import { reference } from '../../src/reference/chwn_to_nhwc';
import { exact, image, type Spec } from './lib/spec';

export const spec: Spec<CallerImageShape, 'input' | 'images'> = {
  kernel: chwnToNhwc,
  cases: {
    'one pixel': { ...image(1, 1, 1, 1), count: 1 },
    'three vec4s of images': { ...image(2, 1, 2, 12), count: 11 },
    'prime sizes': { ...image(3, 5, 7, 13), count: 13 },
    'fewer images than the batch': { ...image(2, 3, 4, 13), count: 6 },
    'the whole batch': image(1, 28, 28, 8),
    'more than one row of workgroups': image(3, 152, 149, 4),
  },
  inputs: (shape, random) => ({ input: random.floats(chwnToNhwc.sizes(shape).input) }),
  reference,
  error: exact,
  bench: (batch) => ({ output: { ...image(1, 28, 28, batch), count: batch } }),
};
