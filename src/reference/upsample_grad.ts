import type { ImageShape } from '../kernels/swish_max_pool';
import type { Arrays } from '../plan/reference';
import { sumsOfWindows } from './swish_upsample_grad';

/** The gradient of a pixel is the sum of its four copies' gradients. */
export const reference = (shape: ImageShape, { grad_output }: Arrays) => ({
  grad: sumsOfWindows(shape, grad_output),
});

export { small } from './max_pool';
