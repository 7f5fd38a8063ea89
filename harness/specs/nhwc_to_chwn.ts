import { type CallerImageShape, nhwcToChwn } from '../../src/kernels/nhwc_to_chwn';
import { STATE, STATE_WORDS } from '../../src/plan/step_state';
import { reference } from '../../src/reference/nhwc_to_chwn';
import { exact, padded, type Spec } from './lib/spec';

export const spec: Spec<CallerImageShape, 'images' | 'state' | 'output'> = {
  kernel: nhwcToChwn,
  cases: {
    'one pixel': { channels: 1, height: 1, width: 1, batch: padded(1), count: 1 },
    'three vec4s of images': { channels: 2, height: 1, width: 2, batch: 12, count: 11 },
    'prime sizes': { channels: 3, height: 5, width: 7, batch: padded(13), count: 13 },
    'a last, smaller batch': { channels: 2, height: 3, width: 4, batch: padded(13), count: 6 },
    'room for more': { channels: 1, height: 28, width: 28, batch: padded(8) },
    'more than one row of workgroups': { channels: 3, height: 152, width: 149, batch: padded(4) },
  },
  inputs: ({ channels, height, width, batch, count }, random) => {
    const state = new Uint32Array(STATE_WORDS);
    state[STATE.count] = count ?? batch - 1;
    return { images: random.floats(channels * height * width * (count ?? batch)), state };
  },
  reference,
  error: exact,
  bench: (batch) => ({ input: { channels: 1, height: 28, width: 28, batch: padded(batch), count: batch } }),
};
