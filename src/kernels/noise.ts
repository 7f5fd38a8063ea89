import shaders from 'virtual:kernel/noise';
import { call, type Kernel } from '../plan/op';
import { SAMPLING_STEP_WORDS } from '../plan/sampling_step';
import { countElements } from '../plan/tensor';
import type { ImageShape } from './swish_max_pool';

export interface NoiseShape extends ImageShape {
  /** Images of the batch that are not padding. */
  readonly count: number;
  /** Whether the noise is standard normal, or uniform in [0, 1). */
  readonly gaussian: boolean;
}

export const noise: Kernel<NoiseShape, 'step' | 'output'> = {
  name: 'noise',
  sizes: (shape) => ({ step: SAMPLING_STEP_WORDS, output: countElements(shape) }),
  cost: (shape) => {
    const size = countElements(shape);
    return { flops: (shape.gaussian ? 8 : 1) * size, bytes: 4 * size };
  },
  variants: {
    plain: {
      calls: (shape, tensors) => {
        const vec4s = countElements(shape) / 4;
        const shader = shaders[shape.gaussian ? 'gaussian' : 'plain'];
        return [call(shader, { vec4s, n4: shape.batch / 4, count: shape.count }, tensors, vec4s)];
      },
    },
  },
};
