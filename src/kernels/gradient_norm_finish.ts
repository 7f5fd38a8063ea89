import shader from '../../shaders/optimizer/gradient_norm_finish.wgsl';
import { call, type Kernel } from '../plan/op';
import { STATE_WORDS } from '../plan/step_state';

export interface GradientNormFinishShape {
  /** What gradient_norm leaves: see `normPartialCount`. */
  readonly partialCount: number;
  /** Steps of which there are records. */
  readonly ring: number;
  /** The norm that gradients are scaled down to, if theirs is larger. */
  readonly clip: number;
}

/** The norm of all gradients, and what Adam is to scale them by. */
export const gradientNormFinish: Kernel<GradientNormFinishShape, 'partials' | 'state' | 'records'> = {
  name: 'gradient_norm_finish',
  sizes: ({ partialCount, ring }) => ({ partials: partialCount, state: STATE_WORDS, records: 4 * ring }),
  cost: ({ partialCount }) => ({ flops: partialCount + 4, bytes: 4 * (partialCount + 4) }),
  variants: {
    plain: {
      calls: ({ partialCount: partial_count, ring, clip }, tensors) => [
        call(shader, { partial_count, ring, clip }, tensors, 1),
      ],
    },
  },
};
