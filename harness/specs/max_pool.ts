import { maxPool } from '../../src/kernels/max_pool';
import type { ImageShape } from '../../src/kernels/swish_max_pool';
import { reference } from '../../src/reference/max_pool';
import { exact, imageDims, padded, type Spec } from './lib/spec';

export const spec: Spec<ImageShape, 'input' | 'output'> = {
  kernel: maxPool,
  cases: {
    'one window': { channels: 1, height: 2, width: 2, batch: padded(1) },
    'one row of windows': { channels: 1, height: 2, width: 14, batch: padded(3) },
    'three vec4s of images': { channels: 1, height: 2, width: 4, batch: 12 },
    'prime sizes': { channels: 3, height: 10, width: 14, batch: padded(5) },
    'more than one row of workgroups': { channels: 65, height: 64, width: 64, batch: padded(4) },
  },
  dims: (shape) => ({
    output: imageDims(shape.channels, { ...shape, height: shape.height / 2, width: shape.width / 2 }),
  }),
  inputs: ({ channels, height, width, batch }, random) => ({
    input: random.floats(channels * height * width * batch),
  }),
  reference,
  error: exact,
  bench: (batch) => ({ 'down.0': { channels: 32, height: 28, width: 28, batch: padded(batch) } }),
};
