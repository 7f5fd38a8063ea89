import shaders from 'virtual:kernel/corrupt_flow';
import { call, type Kernel } from '../plan/op';
import { STATE_WORDS } from '../plan/step_state';
import type { CorruptShape } from './corrupt';

/** With `binarize`, pixels become 1 where a byte is above 127, and -1 elsewhere. */
export const corruptFlow: Kernel<
  CorruptShape,
  'images' | 'order' | 'state' | 'levels' | 'noisy' | 'velocity'
> = {
  name: 'corrupt_flow',
  sizes: ({ channels, height, width, batch, imageCount }) => {
    const elements = channels * height * width;
    return {
      images: Math.ceil((elements * imageCount) / 4),
      order: imageCount,
      state: STATE_WORDS,
      levels: batch,
      noisy: elements * batch,
      velocity: elements * batch,
    };
  },
  cost: ({ channels, height, width, batch }) => {
    const size = channels * height * width * batch;
    return { flops: 14 * size, bytes: 9 * size };
  },
  variants: {
    plain: {
      calls: ({ channels, height, width, batch, seed, binarize }, tensors) => {
        const pixels = height * width;
        const vec4s = (channels * pixels * batch) / 4;
        const params = { vec4s, n4: batch / 4, pixels, channels, seed, binarize: Number(binarize) };
        return [call(shaders.plain, params, tensors, vec4s)];
      },
    },
  },
};
