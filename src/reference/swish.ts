import type { ElementwiseShape } from '../kernels/swish';
import type { Arrays, Values } from '../plan/reference';
import { atMost, ELEMENTS, residual, type SmallCase } from '../plan/small_case';

/** swish at z, and its derivative. */
export function swishAt(z: number) {
  const sigmoid = 1 / (1 + Math.exp(-z));
  const value = z * sigmoid;
  return { sigmoid, value, slope: sigmoid + value * (1 - sigmoid) };
}

/** swish of each element, plus the residual if there is one. */
export function activated(pre: Values, residual?: Values): Float64Array {
  const output = new Float64Array(pre.length);
  // Loops here and below: they run over millions of numbers.
  for (let i = 0; i < pre.length; i++) output[i] = swishAt(pre[i]).value + (residual ? residual[i] : 0);
  return output;
}

/** `grad` times the slope of swish at `pre`. */
export function throughSwish(grad: Values, pre: Values): Float64Array {
  const output = new Float64Array(pre.length);
  for (let i = 0; i < pre.length; i++) output[i] = grad[i] * swishAt(pre[i]).slope;
  return output;
}

export const reference = (_: ElementwiseShape, { input, residual }: Arrays) => ({
  output: activated(input, residual),
});

export const small: SmallCase<ElementwiseShape> = {
  shape: atMost<ElementwiseShape>({ elements: ELEMENTS }),
  values: { residual },
};
