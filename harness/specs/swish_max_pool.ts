import type { ResidualShape } from '../../src/kernels/swish';
import { type ImageShape, swishMaxPool } from '../../src/kernels/swish_max_pool';
import { largestOfWindows, reference } from '../../src/reference/swish_max_pool';
import { image, type Spec } from './lib/spec';
import { spec as maxPool } from './max_pool';
import { activationErrors } from './swish';

export const spec: Spec<ImageShape & ResidualShape, 'input' | 'output'> = {
  kernel: swishMaxPool,
  cases: {
    ...maxPool.cases,
    'down.0': image(32, 28, 28, 8),
    'down.1': image(64, 14, 14, 4),
    'a residual': { ...image(3, 10, 14, 5), residual: true },
  },
  dims: maxPool.dims,
  inputs: (shape, random) => {
    const { input: size } = swishMaxPool.sizes(shape);
    const input = random.floats(size, -3, 2); // swish has its minimum at -1.28
    return { input, ...(shape.residual ? { residual: random.floats(size) } : {}) };
  },
  reference,
  // The maximum itself is exact.
  error: (shape, { input, residual }) => ({
    output: largestOfWindows(shape, activationErrors(input, residual)),
  }),
  bench: (batch) => ({
    'down.0': image(32, 28, 28, batch),
    'down.1': image(64, 14, 14, batch),
  }),
};
