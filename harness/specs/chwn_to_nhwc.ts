import { chwnToNhwc } from '../../src/kernels/chwn_to_nhwc';
import type { CallerImageShape } from '../../src/kernels/nhwc_to_chwn';
import { reference } from '../../src/reference/chwn_to_nhwc';
import { exact, padded, type Spec } from './lib/spec';

export const spec: Spec<CallerImageShape, 'input' | 'images'> = {
  kernel: chwnToNhwc,
  cases: {
    'one pixel': { channels: 1, height: 1, width: 1, batch: padded(1), count: 1 },
    'three vec4s of images': { channels: 2, height: 1, width: 2, batch: 12, count: 11 },
    'prime sizes': { channels: 3, height: 5, width: 7, batch: padded(13), count: 13 },
    'fewer images than the batch': { channels: 2, height: 3, width: 4, batch: padded(13), count: 6 },
    'the whole batch': { channels: 1, height: 28, width: 28, batch: padded(8) },
    'more than one row of workgroups': { channels: 3, height: 152, width: 149, batch: padded(4) },
  },
  inputs: ({ channels, height, width, batch }, random) => ({
    input: random.floats(channels * height * width * batch),
  }),
  reference,
  error: exact,
  bench: (batch) => ({ output: { channels: 1, height: 28, width: 28, batch: padded(batch), count: batch } }),
};
