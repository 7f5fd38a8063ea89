import { maxPool } from '../../src/kernels/max_pool';
import type { ImageShape } from '../../src/kernels/swish_max_pool';
import { reference } from '../../src/reference/max_pool';
import { exact, image, imageDims, type Spec } from './lib/spec';

export const spec: Spec<ImageShape, 'input' | 'output'> = {
  kernel: maxPool,
  cases: {
    'one window': image(1, 2, 2, 1),
    'one row of windows': image(1, 2, 14, 3),
    'three vec4s of images': image(1, 2, 4, 12),
    'prime sizes': image(3, 10, 14, 5),
    'more than one row of workgroups': image(65, 64, 64, 4),
  },
  dims: (shape) => ({
    output: imageDims(shape.channels, { ...shape, height: shape.height / 2, width: shape.width / 2 }),
  }),
  inputs: (shape, random) => ({ input: random.floats(maxPool.sizes(shape).input) }),
  reference,
  error: exact,
  bench: (batch) => ({ 'down.0': image(32, 28, 28, batch) }),
};
