import type { ImageShape } from '../../src/kernels/swish_max_pool';
import { upsample } from '../../src/kernels/upsample';
import { reference } from '../../src/reference/upsample';
import { exact, imageDims, padded, type Spec } from './lib/spec';

export const spec: Spec<ImageShape, 'input' | 'output'> = {
  kernel: upsample,
  cases: {
    'one pixel': { channels: 1, height: 1, width: 1, batch: padded(1) },
    'three vec4s of images': { channels: 1, height: 1, width: 2, batch: 12 },
    'prime sizes': { channels: 3, height: 5, width: 7, batch: padded(5) },
    'more than one row of workgroups': { channels: 65, height: 32, width: 32, batch: padded(4) },
  },
  dims: (shape) => ({
    output: imageDims(shape.channels, { ...shape, height: 2 * shape.height, width: 2 * shape.width }),
  }),
  inputs: ({ channels, height, width, batch }, random) => ({
    input: random.floats(channels * height * width * batch),
  }),
  reference,
  error: exact,
  bench: (batch) => ({ 'up.1': { channels: 32, height: 14, width: 14, batch: padded(batch) } }),
};
