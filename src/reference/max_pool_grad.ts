import type { ImageShape } from '../kernels/swish_max_pool';
import type { Arrays } from '../plan/reference';
import { toLargestOfWindows } from './swish_max_pool_grad';

/** The gradient of the pooled map goes to the first maximum of each window. */
export function reference(shape: ImageShape, { input, grad_output }: Arrays) {
  const grad = new Float64Array(input.length);
  toLargestOfWindows(shape, input, grad_output, grad);
  return { grad };
}

export { small } from './max_pool';
