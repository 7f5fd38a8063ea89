import type { ElementwiseShape } from '../kernels/swish';
import type { Arrays } from '../plan/reference';
import { swishAt } from './swish';

/** `grad` times the slope of swish at `pre`, in place. */
export function reference(_: ElementwiseShape, { pre, grad }: Arrays) {
  return { grad: Float64Array.from(grad, (g, i) => g * swishAt(pre[i]).slope) };
}
