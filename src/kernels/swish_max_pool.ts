import shaders from 'virtual:kernel/swish_max_pool';
import { call, type Kernel } from '../plan/op';
import type { ResidualShape } from './swish';

/** Activations [channels][height][width][batch]. */
export interface ImageShape {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** A multiple of 4. */
  readonly batch: number;
}

/** The shape is the input's, whose height and width are even. `residual`, if there is one, has the same shape. */
export const swishMaxPool: Kernel<ImageShape & ResidualShape, 'input' | 'output'> = {
  name: 'swish_max_pool',
  sizes: ({ channels, height, width, batch, residual }) => {
    const input = channels * height * width * batch;
    return { input, output: input / 4, ...(residual ? { residual: input } : {}) };
  },
  cost: ({ channels, height, width, batch, residual }) => {
    const input = channels * height * width * batch;
    return { flops: (residual ? 6.75 : 5.75) * input, bytes: (residual ? 9 : 5) * input };
  },
  variants: {
    plain: {
      calls: ({ channels, height, width, batch, residual }, tensors) => {
        const vec4s = (channels * height * width * batch) / 16;
        const params = { vec4s, width: width / 2, n4: batch / 4 };
        return [
          call<keyof typeof params, string>(shaders[residual ? 'residual' : 'plain'], params, tensors, vec4s),
        ];
      },
    },
  },
};
