import type { ResidualShape } from '../../src/kernels/swish';
import { type ImageShape, swishMaxPool } from '../../src/kernels/swish_max_pool';
import { largestOfWindows, reference } from '../../src/reference/swish_max_pool';
import { imageDims, padded, type Spec } from './lib/spec';
import { activationErrors } from './swish';

export const spec: Spec<ImageShape & ResidualShape, 'input' | 'output'> = {
  kernel: swishMaxPool,
  cases: {
    'one window': { channels: 1, height: 2, width: 2, batch: padded(1) },
    'one row of windows': { channels: 1, height: 2, width: 14, batch: padded(3) },
    'three vec4s of images': { channels: 1, height: 2, width: 4, batch: 12 },
    'prime sizes': { channels: 3, height: 10, width: 14, batch: padded(5) },
    'down.0': { channels: 32, height: 28, width: 28, batch: padded(8) },
    'down.1': { channels: 64, height: 14, width: 14, batch: padded(4) },
    'more than one row of workgroups': { channels: 65, height: 64, width: 64, batch: padded(4) },
    'a residual': { channels: 3, height: 10, width: 14, batch: padded(5), residual: true },
  },
  dims: (shape) => ({
    output: imageDims(shape.channels, { ...shape, height: shape.height / 2, width: shape.width / 2 }),
  }),
  inputs: ({ channels, height, width, batch, residual }, random) => {
    const size = channels * height * width * batch;
    const input = random.floats(size, -3, 2); // swish has its minimum at -1.28
    return { input, ...(residual ? { residual: random.floats(size) } : {}) };
  },
  reference,
  // The maximum itself is exact.
  error: (shape, { input, residual }) => ({
    output: largestOfWindows(shape, activationErrors(input, residual)),
  }),
  bench: (batch) => ({
    'down.0': { channels: 32, height: 28, width: 28, batch: padded(batch) },
    'down.1': { channels: 64, height: 14, width: 14, batch: padded(batch) },
  }),
};
