import shaders from 'virtual:kernel/nhwc_to_chwn';
import { call, type Kernel } from '../plan/op';
import { STATE_WORDS } from '../plan/step_state';
import { countElements } from '../plan/tensor';
import type { ImageShape } from './swish_max_pool';

/** A batch of images; `count` is the number of images that fit the caller's buffer, by default `batch`. */
export interface CallerImageShape extends ImageShape {
  readonly count?: number;
}

/** Converts the caller's images to the kernels' layout. `state` holds the number of images. */
export const nhwcToChwn: Kernel<CallerImageShape, 'images' | 'state' | 'output'> = {
  name: 'nhwc_to_chwn',
  sizes: ({ channels, height, width, batch, count = batch }) => {
    const elements = channels * height * width;
    return { images: elements * count, state: STATE_WORDS, output: elements * batch };
  },
  cost: (shape) => ({ flops: 0, bytes: 8 * countElements(shape) }),
  variants: {
    plain: {
      calls: ({ channels, height, width, batch }, tensors) => {
        const pixels = height * width;
        const vec4s = (channels * pixels * batch) / 4;
        return [call(shaders.plain, { vec4s, n4: batch / 4, pixels, channels }, tensors, vec4s)];
      },
    },
  },
};
