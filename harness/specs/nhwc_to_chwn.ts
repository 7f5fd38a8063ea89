import { type CallerImageShape, nhwcToChwn } from '../../src/kernels/nhwc_to_chwn';
import { STATE, STATE_WORDS } from '../../src/plan/step_state';
import { reference } from '../../src/reference/nhwc_to_chwn';
import { exact, image, type Spec } from './lib/spec';

export const spec: Spec<CallerImageShape, 'images' | 'state' | 'output'> = {
  kernel: nhwcToChwn,
  cases: {
    'one pixel': { ...image(1, 1, 1, 1), count: 1 },
    'three vec4s of images': { ...image(2, 1, 2, 12), count: 11 },
    'prime sizes': { ...image(3, 5, 7, 13), count: 13 },
    'a last, smaller batch': { ...image(2, 3, 4, 13), count: 6 },
    'room for more': image(1, 28, 28, 8),
    'more than one row of workgroups': image(3, 152, 149, 4),
  },
  inputs: ({ channels, height, width, batch, count }, random) => {
    const state = new Uint32Array(STATE_WORDS);
    state[STATE.count] = count ?? batch - 1;
    return { images: random.floats(channels * height * width * (count ?? batch)), state };
  },
  reference,
  error: exact,
  bench: (batch) => ({ input: { ...image(1, 28, 28, batch), count: batch } }),
};
