import shaders from 'virtual:kernel/chwn_to_nhwc';
import { call, type Kernel } from '../plan/op';
import type { CallerImageShape } from './nhwc_to_chwn';

export interface ConvertedShape extends CallerImageShape {
  /** Whether the images are pictures: mapped from [-1, 1] to [0, 1] and clamped. */
  readonly pictures?: boolean;
}

export const chwnToNhwc: Kernel<ConvertedShape, 'input' | 'images'> = {
  name: 'chwn_to_nhwc',
  sizes: ({ channels, height, width, batch, count = batch }) => {
    const elements = channels * height * width;
    return { input: elements * batch, images: elements * count };
  },
  cost: ({ channels, height, width, batch, count = batch, pictures }) => {
    const elements = channels * height * width * count;
    return { flops: pictures ? 4 * elements : 0, bytes: 8 * elements };
  },
  variants: {
    plain: {
      calls: ({ channels, height, width, batch, count = batch, pictures = false }, tensors) => {
        const pixels = height * width;
        const vec4s = (channels * pixels * batch) / 4;
        const params = { vec4s, n4: batch / 4, pixels, channels, count, pictures: Number(pictures) };
        return [call(shaders.plain, params, tensors, vec4s)];
      },
    },
  },
};
