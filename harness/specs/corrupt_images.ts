import { uniform } from '../../src/base/random';
import { type CorruptImagesShape, corruptImages } from '../../src/kernels/corrupt_images';
import { STATE, STATE_WORDS } from '../../src/plan/step_state';
import { eachValue, reference } from '../../src/reference/corrupt_images';
import { normalsAt } from './gaussian_noise';
import { EPSILON, padded, type Spec } from './lib/spec';

const colours = { count: 11, height: 5, width: 7, channels: 3 };
const grey = { count: 64, height: 28, width: 28, channels: 1 };

export const spec: Spec<CorruptImagesShape, 'images' | 'state' | 'levels' | 'noisy' | 'truth'> = {
  kernel: corruptImages,
  cases: {
    'one pixel': { count: 1, height: 1, width: 1, channels: 1, seed: 0, flow: false },
    'one pixel of a flow': { count: 1, height: 1, width: 1, channels: 1, seed: 0, flow: true },
    'prime sizes': { ...colours, seed: 7, flow: false },
    'prime sizes, a flow': { ...colours, seed: 0xffffffff, flow: true },
    'a usual batch': { ...grey, seed: 123, flow: false },
    'a usual batch of a flow': { ...grey, seed: 123, flow: true },
    'more than one row of workgroups': { ...colours, height: 152, width: 14, seed: 1, flow: true },
  },
  inputs: ({ count, height, width, channels }, random) => {
    const state = new Uint32Array(STATE_WORDS);
    state[STATE.step] = count === 1 ? 0 : 1370;
    const levels = random.floats(padded(count), 0, 1);
    if (count > 1) levels.set([0, 1]);
    return { images: random.floats(count * height * width * channels, 0, 1), state, levels };
  },
  reference,
  error: (shape, { images, state, levels }, values) => {
    const ulp = 2 * EPSILON;
    const [noisy, truth] = [new Float64Array(images.length), new Float64Array(images.length)];
    eachValue(shape, state, (at, n, words) => {
      const t = levels[n];
      const draw = shape.flow ? normalsAt(words) : { values: words.map(uniform), errors: [0, 0] };
      const [e, ofE] = [draw.values[n % 2], draw.errors[n % 2]];
      // 2 image is exact, the difference rounds.
      const x = shape.flow ? 2 * images[at] - 1 : images[at];
      const ofX = shape.flow ? ulp * Math.abs(x) : 0;
      // 1 - t and its product, a product, and the addition.
      const rounding = 2 * Math.abs((1 - t) * x) + Math.abs(t * e) + Math.abs(values.noisy[at]);
      noisy[at] = (1 - t) * ofX + t * ofE + ulp * rounding;
      truth[at] = shape.flow ? ofX + ofE + ulp * Math.abs(values.truth[at]) : 0;
    });
    return { noisy, truth };
  },
  bench: (batch) => ({ input: { ...grey, count: batch, seed: 123, flow: true } }),
};
