import type { ElementwiseShape } from '../kernels/swish';
import type { Arrays, Values } from '../plan/reference';

/** swish at z, and its derivative. */
export function swishAt(z: number) {
  const sigmoid = 1 / (1 + Math.exp(-z));
  const value = z * sigmoid;
  return { sigmoid, value, slope: sigmoid + value * (1 - sigmoid) };
}

/** swish of each element, plus the residual if there is one. */
export const activated = (pre: Values, residual?: Values) =>
  new Float64Array(pre).map((z, i) => swishAt(z).value + (residual?.[i] ?? 0));

export const reference = (_: ElementwiseShape, { input, residual }: Arrays) => ({
  output: activated(input, residual),
});
