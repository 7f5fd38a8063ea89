import { type NoiseShape, uniformNoise } from '../../src/kernels/uniform_noise';
import { reference } from '../../src/reference/uniform_noise';
import { exact, padded, type Spec } from './lib/spec';

const seed = 123;

export const spec: Spec<NoiseShape, 'output'> = {
  kernel: uniformNoise,
  cases: {
    'one pixel': { channels: 1, height: 1, width: 1, batch: padded(1), count: 1, seed: 0 },
    'prime sizes': { channels: 3, height: 5, width: 7, batch: padded(13), count: 13, seed: 7 },
    'the whole batch': { channels: 1, height: 28, width: 28, batch: padded(8), count: 8, seed },
    'the largest seed': { channels: 1, height: 28, width: 28, batch: padded(5), count: 5, seed: 0xffffffff },
    'more than one row of workgroups': {
      channels: 3,
      height: 152,
      width: 149,
      batch: padded(3),
      count: 3,
      seed,
    },
  },
  inputs: () => ({}),
  reference,
  error: exact, // 24 bits are exact in f32
  bench: (batch) => ({
    input: { channels: 1, height: 28, width: 28, batch: padded(batch), count: batch, seed },
  }),
};
