import shaders from 'virtual:kernel/corrupt_images';
import { call, type Kernel } from '../plan/op';
import { STATE_WORDS } from '../plan/step_state';
import { padBatch } from '../plan/tensor';

export interface CorruptImagesShape {
  /** Images, [count][height][width][channels], values from 0 to 1. */
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly seed: number;
  /** Whether for a flow, or as the tutorial does. */
  readonly flow: boolean;
}

/** Corrupts the caller's images, each by its level, and makes what a network should make of them. */
export const corruptImages: Kernel<CorruptImagesShape, 'images' | 'state' | 'levels' | 'noisy' | 'truth'> = {
  name: 'corrupt_images',
  sizes: ({ count, height, width, channels }) => {
    const size = count * height * width * channels;
    return { images: size, state: STATE_WORDS, levels: padBatch(count), noisy: size, truth: size };
  },
  cost: ({ count, height, width, channels, flow }) => {
    const size = count * height * width * channels;
    return { flops: (flow ? 14 : 4) * size, bytes: 12 * size };
  },
  variants: {
    plain: {
      calls: ({ count, height, width, channels, seed, flow }, tensors) => {
        const pixels = height * width;
        const size = count * pixels * channels;
        return [call(shaders[flow ? 'flow' : 'plain'], { size, pixels, channels, seed }, tensors, size)];
      },
    },
  },
};
