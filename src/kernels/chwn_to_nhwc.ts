import shaders from 'virtual:kernel/chwn_to_nhwc';
import { call, type Kernel } from '../plan/op';
import type { CallerImageShape } from './nhwc_to_chwn';

export const chwnToNhwc: Kernel<CallerImageShape, 'input' | 'images'> = {
  name: 'chwn_to_nhwc',
  sizes: ({ channels, height, width, batch, count = batch }) => {
    const elements = channels * height * width;
    return { input: elements * batch, images: elements * count };
  },
  cost: ({ channels, height, width, batch, count = batch }) => ({
    flops: 0,
    bytes: 8 * channels * height * width * count,
  }),
  variants: {
    plain: {
      calls: ({ channels, height, width, batch, count = batch }, tensors) => {
        const pixels = height * width;
        const vec4s = (channels * pixels * batch) / 4;
        return [call(shaders.plain, { vec4s, n4: batch / 4, pixels, channels, count }, tensors, vec4s)];
      },
    },
  },
};
