import type { ImageShape } from '../../src/kernels/swish_max_pool';
import { upsample } from '../../src/kernels/upsample';
import { reference } from '../../src/reference/upsample';
import { exact, image, imageDims, type Spec } from './lib/spec';

export const spec: Spec<ImageShape, 'input' | 'output'> = {
  kernel: upsample,
  cases: {
    'one pixel': image(1, 1, 1, 1),
    'three vec4s of images': image(1, 1, 2, 12),
    'prime sizes': image(3, 5, 7, 5),
    'more than one row of workgroups': image(65, 32, 32, 4),
  },
  dims: (shape) => ({
    output: imageDims(shape.channels, { ...shape, height: 2 * shape.height, width: 2 * shape.width }),
  }),
  inputs: (shape, random) => ({ input: random.floats(upsample.sizes(shape).input) }),
  reference,
  error: exact,
  bench: (batch) => ({ 'up.1': image(32, 14, 14, batch) }),
};
