import type { ConditioningGradShape } from '../kernels/conditioning_grad';
import { HIDDEN } from '../plan/conditioning';
import { type Arrays, whole } from '../plan/reference';
import { atMost, pre, type SmallCase } from '../plan/small_case';
import { convolving } from './conv2d';
import { throughSwish } from './swish';

/** The gradients `sums` [outputs][batch], times `kernel` [outputs][64], through swish at `pre`: [64][batch]. */
function* steps({ batch, outputs }: ConditioningGradShape, { sums, kernel, pre }: Arrays) {
  const shape = { batch, height: 1, width: 1, inChannels: HIDDEN, outChannels: outputs, kernelSize: 1 };
  return { grad: throughSwish(yield* convolving(shape, sums, kernel, outputs, HIDDEN), pre) };
}

export const reference = whole(steps);

export const small: SmallCase<ConditioningGradShape> = {
  steps,
  shape: atMost<ConditioningGradShape>({ batch: 8, outputs: 70 }),
  values: { pre },
};
