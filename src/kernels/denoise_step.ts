import shaders from 'virtual:kernel/denoise_step';
import { call, type Kernel } from '../plan/op';
import type { ElementwiseShape } from './swish';

/** Mixes x with the prediction. `mix` holds one number: the share of the prediction. */
export const denoiseStep: Kernel<ElementwiseShape, 'prediction' | 'mix' | 'x'> = {
  name: 'denoise_step',
  sizes: ({ elements }) => ({ prediction: elements, mix: 1, x: elements }),
  cost: ({ elements }) => ({ flops: 6 * elements, bytes: 12 * elements }),
  variants: {
    plain: {
      calls: ({ elements }, { prediction, mix: share, x }) => [
        call(shaders.plain, { vec4s: elements / 4 }, { prediction, share, x }, elements / 4),
      ],
    },
  },
};
