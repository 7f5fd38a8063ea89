import shaders from 'virtual:kernel/corrupt';
import { call, type Kernel } from '../plan/op';
import { STATE_WORDS } from '../plan/step_state';
import { countElements } from '../plan/tensor';
import type { ImageShape } from './swish_max_pool';

export interface CorruptShape extends ImageShape {
  /** Images in the data set. */
  readonly imageCount: number;
  readonly seed: number;
  /** Whether to corrupt for flow matching, or as the tutorial does. */
  readonly flow: boolean;
  /** Whether to make pixels black and white: 1 where a byte is above 127, else 0 (for a flow -1). */
  readonly binarize: boolean;
}

/**
 * Mixes a batch of the data set with noise, and writes a network's target, `truth`: the images, or for a flow, which also has the tensor
 * `levels`, the velocity.
 */
export const corrupt: Kernel<CorruptShape, 'images' | 'order' | 'state' | 'noisy' | 'truth'> = {
  name: 'corrupt',
  sizes: ({ channels, height, width, batch, imageCount, flow }) => {
    const elements = channels * height * width;
    return {
      images: Math.ceil((elements * imageCount) / 4),
      order: imageCount,
      state: STATE_WORDS,
      ...(flow ? { levels: batch } : {}),
      noisy: elements * batch,
      truth: elements * batch,
    };
  },
  cost: (shape) => {
    const size = countElements(shape);
    return { flops: (shape.flow ? 14 : 4) * size, bytes: 9 * size };
  },
  variants: {
    plain: {
      calls: ({ channels, height, width, batch, seed, binarize, flow }, tensors) => {
        const pixels = height * width;
        const vec4s = (channels * pixels * batch) / 4;
        const params = { vec4s, n4: batch / 4, binarize: Number(binarize), pixels, channels, seed };
        return [call<keyof typeof params, string>(shaders[flow ? 'flow' : 'plain'], params, tensors, vec4s)];
      },
    },
  },
};
