import shaders from 'virtual:kernel/finish_step';
import { call, type Kernel } from '../plan/op';
import { STATE_WORDS } from '../plan/step_state';
import { type LossShape, partialCount } from './mse';

export interface FinishStepShape extends LossShape {
  /** Number of blocks of gradients (see `blockLayers`), and of the first ones, which belong to convolutions. */
  readonly gradientPartials: number;
  readonly convolutionPartials: number;
  /** Images in every batch but the last of an epoch: `batch` without the padding. */
  readonly batchSize: number;
  /** Steps with a record in the ring; one more record follows it, for the step that ends a run. */
  readonly ring: number;
  /** Number of steps in a row that may be non-finite. Default 0. */
  readonly mostSkipped?: number;
  readonly beta1: number;
  readonly beta2: number;
}

/** Decides if the step counts, writes Adam's factors, and the state of the next step. */
export const finishStep: Kernel<FinishStepShape, 'squares' | 'gradient_squares' | 'state' | 'records'> = {
  name: 'finish_step',
  sizes: (shape) => ({
    squares: partialCount(shape),
    gradient_squares: shape.gradientPartials,
    state: STATE_WORDS,
    records: 4 * (shape.ring + 1),
  }),
  cost: (shape) => {
    const partials = partialCount(shape) + shape.gradientPartials;
    return { flops: partials + 10, bytes: 4 * (partials + 4 + 2 * STATE_WORDS) };
  },
  variants: {
    plain: {
      calls: (shape, tensors) => {
        const { elements, batchSize, ring, beta1, beta2 } = shape;
        const params = {
          loss_partials: partialCount(shape),
          gradient_partials: shape.gradientPartials,
          convolution_partials: shape.convolutionPartials,
          elements,
          batch_size: batchSize,
          ring,
          most_skipped: shape.mostSkipped ?? 0,
          beta1,
          beta2,
          one_minus_beta1: 1 - beta1,
          one_minus_beta2: 1 - beta2,
        };
        return [call(shaders.plain, params, tensors, 1)];
      },
    },
  },
};
