import shader from '../../shaders/loss/mse_finish.wgsl';
import { call, type Kernel } from '../plan/op';
import { STATE_WORDS } from '../plan/step_state';
import { constantSchedule, type Schedule } from '../training/schedule';
import { type LossShape, partialCount } from './mse';

export interface LossFinishShape extends LossShape {
  /** Images in every batch but the last of an epoch: `batch` without the padding. */
  readonly batchSize: number;
  /** Steps whose records are kept. */
  readonly ring: number;
  readonly beta1: number;
  readonly beta2: number;
  /** Default: the base rate in every step. */
  readonly schedule?: Schedule;
}

export const mseFinish: Kernel<LossFinishShape, 'partials' | 'state' | 'records'> = {
  name: 'mse_finish',
  sizes: (shape) => ({ partials: partialCount(shape), state: STATE_WORDS, records: 4 * shape.ring }),
  cost: (shape) => ({
    flops: partialCount(shape) + 6,
    bytes: 4 * (partialCount(shape) + 4 + 2 * STATE_WORDS),
  }),
  variants: {
    plain: {
      calls: (shape, tensors) => {
        const { elements, batchSize, ring, beta1, beta2, schedule = constantSchedule } = shape;
        const params = {
          partial_count: partialCount(shape),
          elements,
          batch_size: batchSize,
          ring,
          beta1,
          beta2,
          one_minus_beta1: 1 - beta1,
          one_minus_beta2: 1 - beta2,
          warmup: schedule.warmup,
          decay_end: schedule.decay === 'cosine' ? schedule.steps : 0,
          floor: schedule.decay === 'cosine' ? schedule.floor : 1,
        };
        return [call(shader, params, tensors, 1)];
      },
    },
  },
};
