import type { SwishGradShape } from '../kernels/swish_grad';
import type { Arrays } from '../plan/reference';
import { atMost, ELEMENTS, pre, type SmallCase } from '../plan/small_case';
import { swishAt } from './swish';

/** `grad` (with `sum`, plus the gradient that bypassed the later layer) times swish's slope at `pre`. `grad_residual`: before the slope. */
export function reference({ residual, sum }: SwishGradShape, { pre, grad, grad_residual }: Arrays) {
  const sums = new Float64Array(grad).map((g, i) => g + (sum ? grad_residual[i] : 0));
  return {
    grad: sums.map((g, i) => g * swishAt(pre[i]).slope),
    ...(residual ? { grad_residual: sums } : {}),
  };
}

export const small: SmallCase<SwishGradShape> = {
  shape: atMost<SwishGradShape>({ elements: ELEMENTS }),
  values: { pre },
  cut: 'elements',
};
