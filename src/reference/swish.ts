import type { ElementwiseShape } from '../kernels/swish';
import type { Arrays } from '../plan/reference';

/** swish at z, and its derivative there. */
export function swishAt(z: number) {
  const sigmoid = 1 / (1 + Math.exp(-z));
  const value = z * sigmoid;
  return { sigmoid, value, slope: sigmoid + value * (1 - sigmoid) };
}

/** swish of each element. */
export function reference(_: ElementwiseShape, { input }: Arrays) {
  return { output: Float64Array.from(input, (z) => swishAt(z).value) };
}
