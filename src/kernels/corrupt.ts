import shaders from 'virtual:kernel/corrupt';
import { call, type Kernel } from '../plan/op';
import { STATE_WORDS } from '../plan/step_state';
import { padBatch } from '../plan/tensor';
import type { ImageShape } from './swish_max_pool';

interface Corruption {
  readonly seed: number;
  /** Whether to corrupt for flow matching, or as the tutorial does. */
  readonly flow: boolean;
}

/** A batch of the data set. */
export interface CorruptShape extends Corruption, ImageShape {
  /** Images in the data set. */
  readonly imageCount: number;
  /** Whether to make pixels black and white: 1 where a byte is above 127, else 0 (for a flow -1). */
  readonly binarize: boolean;
}

/** The caller's images, [count][height][width][channels], values from 0 to 1. */
export interface CorruptImagesShape extends Corruption {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/**
 * Mixes images with noise, and writes a network's target, `truth`: the images, or for a flow the velocity. A batch of the data set also has
 * the tensor `order`; the caller's images, and batches of a flow, have `levels`.
 */
export const corrupt: Kernel<CorruptShape | CorruptImagesShape, 'images' | 'state' | 'noisy' | 'truth'> = {
  name: 'corrupt',
  sizes: (shape) => {
    const elements = shape.channels * shape.height * shape.width;
    if ('count' in shape) {
      const size = shape.count * elements;
      return { images: size, state: STATE_WORDS, levels: padBatch(shape.count), noisy: size, truth: size };
    }
    const { batch, imageCount, flow } = shape;
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
    const { channels, height, width, flow } = shape;
    const size = channels * height * width * ('count' in shape ? shape.count : shape.batch);
    return { flops: (flow ? 14 : 4) * size, bytes: ('count' in shape ? 12 : 9) * size };
  },
  variants: {
    plain: {
      calls: (shape, tensors) => {
        const { channels, height, width, seed, flow } = shape;
        const pixels = height * width;
        if ('count' in shape) {
          const params = { size: shape.count * pixels * channels, pixels, channels, seed };
          const shader = shaders[flow ? 'images_flow' : 'images'];
          return [call<keyof typeof params, string>(shader, params, tensors, params.size)];
        }
        const { batch, binarize } = shape;
        const vec4s = (channels * pixels * batch) / 4;
        const params = { vec4s, n4: batch / 4, binarize: Number(binarize), pixels, channels, seed };
        return [call<keyof typeof params, string>(shaders[flow ? 'flow' : 'plain'], params, tensors, vec4s)];
      },
    },
  },
};
