import type { ElementwiseShape } from '../kernels/swish';
import type { Arrays } from '../plan/reference';

/** The same numbers. */
export const reference = (_: ElementwiseShape, { input }: Arrays) => ({ output: Float64Array.from(input) });
