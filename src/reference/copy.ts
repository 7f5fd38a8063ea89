import type { ElementwiseShape } from '../kernels/swish';
import type { Arrays } from '../plan/reference';

/** A copy of the input. */
export const reference = (_: ElementwiseShape, { input }: Arrays) => ({ output: Float64Array.from(input) });
