import type { ElementwiseShape } from '../kernels/swish';
import type { Arrays } from '../plan/reference';
import { atMost, ELEMENTS, type SmallCase } from '../plan/small_case';

/** x mixed with the prediction, clamped to [0, 1]; replaces x. */
export function reference(_: ElementwiseShape, { prediction, mix: [m], x }: Arrays) {
  const mixed = Float64Array.from(x, (old, i) => old * (1 - m) + prediction[i] * m);
  return { x: mixed.map((value) => Math.min(Math.max(value, 0), 1)) };
}

export const small: SmallCase<ElementwiseShape> = { shape: atMost<ElementwiseShape>({ elements: ELEMENTS }) };
