import shaders from 'virtual:kernel/noise';
import { call, type Kernel } from '../plan/op';
import { SAMPLING_STEP_WORDS } from '../plan/sampling_step';
import type { ImageShape } from './swish_max_pool';

export interface NoiseShape extends ImageShape {
  /** Images of the batch that are not padding. */
  readonly count: number;
  /** Whether the noise is standard normal, or uniform in [0, 1). */
  readonly gaussian: boolean;
}

export const noise: Kernel<NoiseShape, 'step' | 'output'> = {
  name: 'noise',
  sizes: ({ channels, height, width, batch }) => ({
    step: SAMPLING_STEP_WORDS,
    output: channels * height * width * batch,
  }),
  cost: ({ channels, height, width, batch, gaussian }) => {
    const size = channels * height * width * batch;
    return { flops: (gaussian ? 8 : 1) * size, bytes: 4 * size };
  },
  variants: {
    plain: {
      calls: ({ channels, height, width, batch, count, gaussian }, tensors) => {
        const vec4s = (channels * height * width * batch) / 4;
        const shader = shaders[gaussian ? 'gaussian' : 'plain'];
        return [call(shader, { vec4s, n4: batch / 4, count }, tensors, vec4s)];
      },
    },
  },
};
