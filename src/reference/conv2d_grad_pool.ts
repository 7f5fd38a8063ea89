import type { ConvShape } from '../plan/conv_shape';
import type { Arrays } from '../plan/reference';
import { pre, type SmallCase } from '../plan/small_case';
import { small as convolution } from './conv2d';
import { reference as conv2dGradInput } from './conv2d_grad_input';
import { wideImage } from './conv2d_pool';
import { reference as swishMaxPoolGrad } from './swish_max_pool_grad';

/** [in][height][width][batch]: the convolution's input gradient and the gradient of the pooled map, back through pooling and swish. */
export function reference(shape: ConvShape, { grad, kernel, pre, grad_output }: Arrays) {
  const { grad_input } = conv2dGradInput(shape, { grad, kernel });
  return { grad_pre: swishMaxPoolGrad(wideImage(shape), { pre, grad_output, grad: grad_input }).grad };
}

export const small: SmallCase<ConvShape> = { ...convolution, values: { pre } };
