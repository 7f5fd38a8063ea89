import shaders from 'virtual:kernel/swish_max_pool';
import { imageCall, type Kernel } from '../plan/op';
import { countElements } from '../plan/tensor';
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
  sizes: (shape) => {
    const input = countElements(shape);
    return { input, output: input / 4, ...(shape.residual ? { residual: input } : {}) };
  },
  cost: (shape) => {
    const input = countElements(shape);
    return { flops: (shape.residual ? 6.75 : 5.75) * input, bytes: (shape.residual ? 9 : 5) * input };
  },
  variants: {
    plain: {
      calls: (shape, tensors) => [
        imageCall<string>(shaders[shape.residual ? 'residual' : 'plain'], shape, tensors, 2),
      ],
    },
  },
};
