import shaders from 'virtual:kernel/same_level';
import { call, type Kernel } from '../plan/op';
import { SAMPLING_STEP_WORDS } from '../plan/sampling_step';

export interface LevelShape {
  /** The network's batch, a multiple of 4. */
  readonly batch: number;
}

export const sameLevel: Kernel<LevelShape, 'step' | 'levels'> = {
  name: 'same_level',
  sizes: ({ batch }) => ({ step: SAMPLING_STEP_WORDS, levels: batch }),
  cost: ({ batch }) => ({ flops: 0, bytes: 4 * batch }),
  variants: {
    plain: {
      calls: ({ batch }, tensors) => [call(shaders.plain, { vec4s: batch / 4 }, tensors, batch / 4)],
    },
  },
};
