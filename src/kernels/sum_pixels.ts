import shaders from 'virtual:kernel/sum_pixels';
import { call, type Kernel } from '../plan/op';
import type { ImageShape } from './swish_max_pool';

export interface SumPixelsShape extends ImageShape {
  /** The row of `sums` for the first channel; rows before it stay unchanged. */
  readonly first: number;
}

/** Sums each channel of each image over all pixels: the gradient of conv2d's image_bias. */
export const sumPixels: Kernel<SumPixelsShape, 'grad' | 'sums'> = {
  name: 'sum_pixels',
  sizes: ({ channels, height, width, batch, first }) => ({
    grad: channels * height * width * batch,
    sums: (first + channels) * batch,
  }),
  cost: ({ channels, height, width, batch }) => ({
    flops: channels * height * width * batch,
    bytes: 4 * channels * (height * width + 1) * batch,
  }),
  variants: {
    plain: {
      calls: ({ channels, height, width, batch, first }, { grad, sums }) => {
        const n4 = batch / 4;
        const vec4s = channels * n4;
        const params = { vec4s, n4, pixels: height * width, first };
        return [call(shaders.plain, params, { slices: grad, sums }, [64, 1, Math.ceil(vec4s / 64)])];
      },
    },
    gpu: {
      for: 'gpu',
      calls: ({ channels, height, width, batch, first }, { grad, sums }) => {
        const n4 = batch / 4;
        const params = { n4, pixels: height * width, first };
        return [call(shaders.gpu, params, { slices: grad, sums }, [8, n4, channels])];
      },
    },
  },
};
