import type { ConditioningGradShape } from '../kernels/conditioning_grad';
import { HIDDEN } from '../plan/conditioning';
import type { Arrays } from '../plan/reference';
import { atMost, pre, type SmallCase } from '../plan/small_case';
import { convolve } from './conv2d';
import { throughSwish } from './swish';

/** The gradients `sums` [outputs][batch], times `kernel` [outputs][64], through swish at `pre`: [64][batch]. */
export function reference({ batch, outputs }: ConditioningGradShape, { sums, kernel, pre }: Arrays) {
  const shape = { batch, height: 1, width: 1, inChannels: HIDDEN, outChannels: outputs, kernelSize: 1 };
  return { grad: throughSwish(convolve(shape, sums, kernel, outputs, HIDDEN), pre) };
}

export const small: SmallCase<ConditioningGradShape> = {
  shape: atMost<ConditioningGradShape>({ batch: 8, outputs: 70 }),
  values: { pre },
};
