import type { ImageShape } from '../kernels/swish_max_pool';
import type { ConvShape } from '../plan/conv_shape';
import type { Arrays } from '../plan/reference';
import { pre, type SmallCase } from '../plan/small_case';
import { small as convolution } from './conv2d';
import { reference as conv2dGradInput } from './conv2d_grad_input';
import { wideImage } from './conv2d_pool';
import { reference as swishUpsampleGrad } from './swish_upsample_grad';

/** Shape of the map before the upsampling. */
export function lowImage(shape: ConvShape): ImageShape {
  const image = wideImage(shape);
  return { ...image, height: image.height / 2, width: image.width / 2 };
}

/** The convolution's input gradient, back through upsampling and swish: [in][height / 2][width / 2][batch]. */
export function reference(shape: ConvShape, { grad, kernel, pre }: Arrays) {
  const { grad_input } = conv2dGradInput(shape, { grad, kernel });
  return { grad_pre: swishUpsampleGrad(lowImage(shape), { pre, grad_output: grad_input }).grad };
}

export const small: SmallCase<ConvShape> = { ...convolution, values: { pre } };
