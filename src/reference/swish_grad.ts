import type { SwishGradShape } from '../kernels/swish_grad';
import type { Arrays } from '../plan/reference';
import { atMost, ELEMENTS, pre, type SmallCase } from '../plan/small_case';
import { throughSwish } from './swish';

/** `grad` (with `sum`, plus the gradient that bypassed the later layer) times swish's slope at `pre`. `grad_residual`: before the slope. */
export function reference({ residual, sum }: SwishGradShape, { pre, grad, grad_residual }: Arrays) {
  const sums = new Float64Array(grad);
  if (sum) for (let i = 0; i < sums.length; i++) sums[i] += grad_residual[i];
  return {
    grad: throughSwish(sums, pre),
    ...(residual ? { grad_residual: sums } : {}),
  };
}

export const small: SmallCase<SwishGradShape> = {
  shape: atMost<SwishGradShape>({ elements: ELEMENTS }),
  values: { pre },
};
