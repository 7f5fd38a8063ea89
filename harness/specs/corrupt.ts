import { permutation, uniform } from '../../src/base/random';
import { type CorruptShape, corrupt } from '../../src/kernels/corrupt';
import { STATE, STATE_WORDS } from '../../src/plan/step_state';
import { eachPixel, noiseLevels, reference } from '../../src/reference/corrupt';
import { type Arrays, EPSILON, image, padded, type Spec, type TestRandom } from './lib/spec';
import { normalsAt } from './noise';

const pixel = {
  channels: 1,
  height: 1,
  width: 1,
  batch: padded(1),
  imageCount: 1,
  seed: 123,
  binarize: false,
};
const digits = { ...image(1, 28, 28, 8), imageCount: 50, seed: 123 };
const colours = { channels: 3, height: 5, width: 7 };
const large = { ...image(3, 152, 149, 4), imageCount: 5, seed: 123 };
const usual = { ...digits, batch: padded(64), imageCount: 100 };
const benched = { channels: 1, height: 28, width: 28, imageCount: 10_000, seed: 123 };

/** A state within an epoch: the last slots are padding, and the batch ends where the epoch does. */
export function stateAt({ batch, imageCount }: Pick<CorruptShape, 'batch' | 'imageCount'>, step: number) {
  const state = new Uint32Array(STATE_WORDS);
  state[STATE.step] = step;
  state[STATE.count] = Math.min(imageCount, Math.max(1, batch - 3));
  state[STATE.batchStart] = imageCount - state[STATE.count];
  state[STATE.epochSize] = imageCount;
  return state;
}

function inputsOf(shape: CorruptShape, random: TestRandom): Arrays {
  const { channels, height, width, batch, imageCount, seed, flow } = shape;
  const bytes = random.integers(Math.ceil((channels * height * width * imageCount) / 4) * 4, 256);
  bytes.set(flow ? [255, 0, 127, 128] : [127, 128, 0, 255]);
  const images = new Uint32Array(Uint8Array.from(bytes).buffer);
  const state = stateAt(shape, imageCount === 1 ? 0 : 1370);
  const drawn = { images, order: permutation(imageCount, seed, 5), state };
  if (!flow) return drawn;
  const levels = random.floats(batch, 0, 1);
  if (batch > 4) levels.set([0, 1]);
  // A padded slot may hold anything.
  levels.fill(Number.NaN, state[STATE.count]);
  return { ...drawn, levels };
}

export const spec: Spec<CorruptShape, 'images' | 'order' | 'state' | 'noisy' | 'truth'> = {
  kernel: corrupt,
  cases: {
    'one pixel': { ...pixel, flow: false },
    'one pixel of a flow': { ...pixel, flow: true },
    'prime sizes': {
      ...colours,
      batch: padded(13),
      imageCount: 31,
      seed: 7,
      binarize: false,
      flow: false,
    },
    'prime sizes, a flow': {
      ...colours,
      batch: padded(12),
      imageCount: 31,
      seed: 7,
      binarize: false,
      flow: true,
    },
    'greys on either side of the middle': { ...pixel, height: 2, width: 2, binarize: true, flow: false },
    'black and white': { ...digits, binarize: true, flow: false },
    'black and white, a flow': {
      ...colours,
      batch: padded(12),
      imageCount: 20,
      seed: 99,
      binarize: true,
      flow: true,
    },
    'a usual batch of a flow': { ...usual, binarize: true, flow: true },
    'the largest seed': { ...digits, seed: 0xffffffff, binarize: false, flow: false },
    'the largest seed, a flow': { ...digits, seed: 0xffffffff, binarize: false, flow: true },
    'more than one row of workgroups': { ...large, binarize: true, flow: false },
    'more than one row of workgroups, a flow': { ...large, binarize: false, flow: true },
  },
  inputs: inputsOf,
  reference,
  error: (shape, inputs, values) => {
    const ulp = 2 * EPSILON;
    const levels = noiseLevels(shape, inputs);
    const noisy = new Float64Array(values.noisy.length);
    const truth = new Float64Array(values.truth.length);
    eachPixel(shape, inputs, ({ at, n, x, words }) => {
      const t = levels[n];
      const draw = shape.flow ? normalsAt(words) : { values: words.map(uniform), errors: [0, 0] };
      const e = draw.values[n % 2];
      const ofE = draw.errors[n % 2];
      // The constant 1/255 and its product with a whole number.
      const ofX = shape.binarize ? 0 : 1.5 * ulp * Math.abs(x);
      // 1 - t and its product, a product, and the addition.
      const rounding = 2 * Math.abs((1 - t) * x) + Math.abs(t * e) + Math.abs(values.noisy[at]);
      noisy[at] = (1 - t) * ofX + t * ofE + ulp * rounding;
      truth[at] = shape.flow ? ofX + ofE + ulp * Math.abs(values.truth[at]) : ofX;
    });
    return { noisy, truth };
  },
  bench: (batch) => ({
    input: { ...benched, batch: padded(batch), binarize: true, flow: false },
    flow: { ...benched, batch: padded(batch), binarize: false, flow: true },
  }),
};
