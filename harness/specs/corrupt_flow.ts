import { permutation } from '../../src/base/random';
import type { CorruptShape } from '../../src/kernels/corrupt';
import { corruptFlow } from '../../src/kernels/corrupt_flow';
import { STATE, STATE_WORDS } from '../../src/plan/step_state';
import { eachPixel, noiseWords } from '../../src/reference/corrupt';
import { reference, signedPixel } from '../../src/reference/corrupt_flow';
import { normalsAt } from './gaussian_noise';
import { EPSILON, padded, type Spec } from './lib/spec';

const seed = 123;

export const spec: Spec<CorruptShape, 'images' | 'order' | 'state' | 'levels' | 'noisy' | 'velocity'> = {
  kernel: corruptFlow,
  cases: {
    'one pixel': { channels: 1, height: 1, width: 1, batch: padded(1), imageCount: 1, seed, binarize: false },
    'prime sizes': {
      channels: 3,
      height: 5,
      width: 7,
      batch: padded(12),
      imageCount: 31,
      seed: 7,
      binarize: false,
    },
    'black and white': {
      channels: 3,
      height: 5,
      width: 7,
      batch: padded(12),
      imageCount: 20,
      seed: 99,
      binarize: true,
    },
    'a usual batch': {
      channels: 1,
      height: 28,
      width: 28,
      batch: padded(64),
      imageCount: 100,
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
      binarize: false,
    },
  },
  inputs: ({ channels, height, width, batch, imageCount, seed }, random) => {
    const bytes = random.integers(Math.ceil((channels * height * width * imageCount) / 4) * 4, 256);
    bytes.set([255, 0, 127, 128].slice(0, bytes.length));
    const images = new Uint32Array(Uint8Array.from(bytes).buffer);
    const state = new Uint32Array(STATE_WORDS);
    state[STATE.step] = imageCount === 1 ? 0 : 1370;
    // The last slots are padding, and the batch ends where the epoch does.
    state[STATE.count] = Math.min(imageCount, Math.max(1, batch - 3));
    state[STATE.batchStart] = imageCount - state[STATE.count];
    state[STATE.epochSize] = imageCount;
    const levels = random.floats(batch, 0, 1);
    if (batch > 4) levels.set([0, 1]);
    // A padded slot may hold anything.
    levels.fill(Number.NaN, state[STATE.count]);
    return { images, order: permutation(imageCount, seed, 5), state, levels };
  },
  reference,
  error: (shape, inputs, values) => {
    const { state, levels } = inputs;
    const ulp = 2 * EPSILON;
    const noisy = new Float64Array(values.noisy.length);
    const velocity = new Float64Array(values.velocity.length);
    eachPixel(shape, inputs, (n, e, byte) => {
      const at = e * shape.batch + n;
      const t = levels[n];
      const value = signedPixel(shape, byte);
      // The constant 1/255 and its product with a whole number.
      const ofValue = shape.binarize ? 0 : 1.5 * ulp * Math.abs(value);
      const draw = normalsAt(noiseWords(shape, state, n, e));
      const [noise, ofNoise] = [draw.values[n % 2], draw.errors[n % 2]];
      // 1 - t and its product, a product, and the addition.
      const rounding = 2 * Math.abs((1 - t) * value) + Math.abs(t * noise) + Math.abs(values.noisy[at]);
      noisy[at] = (1 - t) * ofValue + t * ofNoise + ulp * rounding;
      velocity[at] = ofValue + ofNoise + ulp * Math.abs(values.velocity[at]);
    });
    return { noisy, velocity };
  },
  bench: (batch) => ({
    input: {
      channels: 1,
      height: 28,
      width: 28,
      batch: padded(batch),
      imageCount: 10_000,
      seed,
      binarize: false,
    },
  }),
};
