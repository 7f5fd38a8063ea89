import type { SwishGradShape } from '../kernels/swish_grad';
import type { Arrays } from '../plan/reference';
import { swishAt } from './swish';

/** `grad`, with `sum` and what came back past the layer behind, times the slope of swish at `pre`; before that, `grad_residual`. */
export function reference({ residual, sum }: SwishGradShape, { pre, grad, grad_residual }: Arrays) {
  const sums = Float64Array.from(grad, (g, i) => g + (sum ? grad_residual[i] : 0));
  return {
    grad: sums.map((g, i) => g * swishAt(pre[i]).slope),
    ...(residual ? { grad_residual: sums } : {}),
  };
}
