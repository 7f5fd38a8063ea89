import type { ImageShape } from '../../src/kernels/swish_max_pool';
import { swishUpsampleAdd } from '../../src/kernels/swish_upsample_add';
import { reference, upsampleAdd } from '../../src/reference/swish_upsample_add';
import { EPSILON, imageDims, padded, type Spec } from '../spec';
import { swishAt } from './swish';

export const spec: Spec<ImageShape, 'input' | 'skip' | 'output'> = {
  kernel: swishUpsampleAdd,
  cases: {
    'one pixel': { channels: 1, height: 1, width: 1, batch: padded(1) },
    'prime sizes': { channels: 3, height: 5, width: 7, batch: padded(5) },
    'up.0': { channels: 64, height: 7, width: 7, batch: padded(4) },
    'up.1': { channels: 32, height: 14, width: 14, batch: padded(8) },
    'more than one row of workgroups': { channels: 65, height: 32, width: 32, batch: padded(4) },
  },
  dims: (shape) => ({
    output: imageDims(shape.channels, { ...shape, height: 2 * shape.height, width: 2 * shape.width }),
  }),
  inputs: ({ channels, height, width, batch }, random) => {
    const size = channels * height * width * batch;
    return { input: random.floats(size, -3, 2), skip: random.floats(4 * size, -3, 2) };
  },
  reference,
  error: (shape, { input, skip }, { output }) => {
    const ofTerms = upsampleAdd(shape, input, skip, (z) => swishAt(z).valueError);
    // One addition; WGSL leaves open in which direction it rounds.
    return { output: ofTerms.map((error, i) => error + 2 * EPSILON * Math.abs(output[i])) };
  },
  bench: (batch) => ({
    'up.0': { channels: 64, height: 7, width: 7, batch: padded(batch) },
    'up.1': { channels: 32, height: 14, width: 14, batch: padded(batch) },
  }),
};
