import { type CorruptShape, corrupt } from '../../src/kernels/corrupt';
import { STATE, STATE_WORDS } from '../../src/plan/step_state';
import { permutation, STREAM, threefry, uniform } from '../../src/random';
import { EPSILON, padded, type Spec } from '../spec';

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
    const images = new Uint32Array(Uint8Array.from(bytes).buffer);
    const state = new Uint32Array(STATE_WORDS);
    state[STATE.step] = imageCount === 1 ? 0 : 1370;
    // The last slots are padding, and the batch ends where the epoch does.
    state[STATE.count] = Math.min(imageCount, Math.max(1, batch - 3));
    state[STATE.batchStart] = imageCount - state[STATE.count];
    state[STATE.epochSize] = imageCount;
    return { images, order: permutation(imageCount, seed, 5), state };
  },
  reference: ({ channels, height, width, batch, seed, binarize }, { images, order, state }) => {
    const elements = channels * height * width;
    const bytes = new Uint8Array((images as Uint32Array).buffer, images.byteOffset);
    const clean = new Float64Array(elements * batch);
    const noisy = new Float64Array(elements * batch);
    const step = state[STATE.step];
    for (let n = 0; n < state[STATE.count]; n++) {
      const from = order[state[STATE.batchStart] + n] * elements;
      const amount = uniform(threefry(seed, STREAM.amount, step, n)[0]);
      let e = 0;
      for (let c = 0; c < channels; c++)
        for (let y = 0; y < height; y++)
          for (let x = 0; x < width; x++, e++) {
            const byte = bytes[from + (y * width + x) * channels + c];
            const value = binarize ? Number(byte > 127) : byte / 255;
            const words = threefry(seed, STREAM.noise, step, Math.floor(n / 2) * elements + e);
            clean[e * batch + n] = value;
            noisy[e * batch + n] = value * (1 - amount) + uniform(words[n % 2]) * amount;
          }
    }
    // In ulp of 2 EPSILON: half for the constant 1/255 and one for its product; then a product and an addition, of numbers that
    // are not negative. The random numbers and 1 - amount are exact.
    const cleanError = clean.map((v) => (binarize ? 0 : 1.5 * 2 * EPSILON * v));
    return {
      clean: { values: clean, error: cleanError },
      noisy: { values: noisy, error: noisy.map((v) => 3.5 * 2 * EPSILON * v) },
    };
  },
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
