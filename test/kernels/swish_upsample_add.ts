import type { ImageShape } from '../../src/kernels/swish_max_pool';
import { swishUpsampleAdd } from '../../src/kernels/swish_upsample_add';
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
  reference: ({ channels, height, width, batch }, { input, skip }) => {
    const values = new Float64Array(skip.length);
    const error = new Float64Array(skip.length);
    let i = 0;
    for (let c = 0; c < channels; c++)
      for (let y = 0; y < 2 * height; y++)
        for (let x = 0; x < 2 * width; x++) {
          const from = ((c * height + (y >> 1)) * width + (x >> 1)) * batch;
          for (let n = 0; n < batch; n++, i++) {
            const [a, b] = [swishAt(input[from + n]), swishAt(skip[i])];
            values[i] = a.value + b.value;
            // One addition; WGSL leaves open in which direction it rounds.
            error[i] = a.valueError + b.valueError + 2 * EPSILON * Math.abs(values[i]);
          }
        }
    return { output: { values, error } };
  },
  bench: (batch) => ({
    'up.0': { channels: 64, height: 7, width: 7, batch: padded(batch) },
    'up.1': { channels: 32, height: 14, width: 14, batch: padded(batch) },
  }),
};
