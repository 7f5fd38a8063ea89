import { permutation } from '../../src/base/random';
import { type CorruptShape, corrupt } from '../../src/kernels/corrupt';
import { STATE, STATE_WORDS } from '../../src/plan/step_state';
import { reference } from '../../src/reference/corrupt';
import { EPSILON, padded, type Spec } from './lib/spec';

const seed = 123;

export const spec: Spec<CorruptShape, 'images' | 'order' | 'state' | 'clean' | 'noisy'> = {
  kernel: corrupt,
  cases: {
    'one pixel': { channels: 1, height: 1, width: 1, batch: padded(1), imageCount: 1, seed, binarize: false },
    'prime sizes': {
      channels: 3,
      height: 5,
      width: 7,
      batch: padded(13),
      imageCount: 31,
      seed: 7,
      binarize: false,
    },
    'greys on either side of the middle': {
      channels: 1,
      height: 2,
      width: 2,
      batch: padded(1),
      imageCount: 1,
      seed,
      binarize: true,
    },
    'black and white': {
      channels: 1,
      height: 28,
      width: 28,
      batch: padded(8),
      imageCount: 50,
      seed,
      binarize: true,
    },
    'the largest seed': {
      channels: 1,
      height: 28,
      width: 28,
      batch: padded(8),
      imageCount: 50,
      seed: 0xffffffff,
      binarize: false,
    },
    'more than one row of workgroups': {
      channels: 3,
      height: 152,
      width: 149,
      batch: padded(4),
      imageCount: 5,
      seed,
      binarize: true,
    },
  },
  inputs: ({ channels, height, width, batch, imageCount, seed }, random) => {
    const bytes = random.integers(Math.ceil((channels * height * width * imageCount) / 4) * 4, 256);
    bytes.set([127, 128, 0, 255]);
    const images = new Uint32Array(Uint8Array.from(bytes).buffer);
    const state = new Uint32Array(STATE_WORDS);
    state[STATE.step] = imageCount === 1 ? 0 : 1370;
    // The last slots are padding, and the batch ends where the epoch does.
    state[STATE.count] = Math.min(imageCount, Math.max(1, batch - 3));
    state[STATE.batchStart] = imageCount - state[STATE.count];
    state[STATE.epochSize] = imageCount;
    return { images, order: permutation(imageCount, seed, 5), state };
  },
  reference,
  // In ulp of 2 EPSILON: half for the constant 1/255 and one for its product; then a product and an addition, of numbers that are not
  // negative. The random numbers and 1 - amount are exact.
  error: ({ binarize }, _, { clean, noisy }) => ({
    clean: Float64Array.from(clean, (v) => (binarize ? 0 : 1.5 * 2 * EPSILON * v)),
    noisy: Float64Array.from(noisy, (v) => 3.5 * 2 * EPSILON * v),
  }),
  bench: (batch) => ({
    input: {
      channels: 1,
      height: 28,
      width: 28,
      batch: padded(batch),
      imageCount: 10_000,
      seed,
      binarize: true,
    },
  }),
};
