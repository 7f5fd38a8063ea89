import shader from '../../shaders/mse_finish.wgsl';
import { call, type Kernel } from '../kernel';
import { STATE_WORDS } from '../training/state';
import { type LossShape, partialCount } from './mse';

export interface LossFinishShape extends LossShape {
  /** Images in every batch but the last of an epoch: `batch` without the padding. */
  readonly batchSize: number;
  /** Losses that are kept. */
  readonly ring: number;
  readonly beta1: number;
  readonly beta2: number;
}

export const mseFinish: Kernel<LossFinishShape, 'partials' | 'state' | 'losses'> = {
  name: 'mse_finish',
  sizes: (shape) => ({ partials: partialCount(shape), state: STATE_WORDS, losses: shape.ring }),
  cost: (shape) => ({ flops: partialCount(shape) + 5, bytes: 4 * (partialCount(shape) + 1) + 48 }),
  variants: {
    plain: {
      calls: (shape, tensors) => {
        const { elements, batchSize, ring, beta1, beta2 } = shape;
        const params = {
          partial_count: partialCount(shape),
          elements,
          batch_size: batchSize,
          ring,
          beta1,
          beta2,
          one_minus_beta1: 1 - beta1,
          one_minus_beta2: 1 - beta2,
        };
        return [call(shader, params, tensors, 1)];
      },
    },
  },
};
