import shaders from 'virtual:kernel/corrupt';
import { call, type Kernel } from '../plan/op';
import { STATE_WORDS } from '../plan/step_state';
import type { ImageShape } from './swish_max_pool';

export interface CorruptShape extends ImageShape {
  /** Images in the data set. */
  readonly imageCount: number;
  readonly seed: number;
  /** Whether pixels become black and white: 1 where a byte is above 127, else 0. */
  readonly binarize: boolean;
}

export const corrupt: Kernel<CorruptShape, 'images' | 'order' | 'state' | 'clean' | 'noisy'> = {
  name: 'corrupt',
  sizes: ({ channels, height, width, batch, imageCount }) => {
    const elements = channels * height * width;
    return {
      images: Math.ceil((elements * imageCount) / 4),
      order: imageCount,
      state: STATE_WORDS,
      clean: elements * batch,
      noisy: elements * batch,
    };
  },
  cost: ({ channels, height, width, batch }) => {
    const size = channels * height * width * batch;
    return { flops: 4 * size, bytes: 9 * size };
  },
  variants: {
    plain: {
      calls: ({ channels, height, width, batch, seed, binarize }, tensors) => {
        const pixels = height * width;
        const vec4s = (channels * pixels * batch) / 4;
        const params = { vec4s, n4: batch / 4, pixels, channels, seed, binarize: binarize ? 1 : 0 };
        return [call(shaders.plain, params, tensors, vec4s)];
      },
    },
  },
};
