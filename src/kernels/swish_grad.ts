import shader from '../../shaders/activation/swish_grad.wgsl';
import { call, type Kernel } from '../plan/op';
import type { ElementwiseShape } from './swish';

export const swishGrad: Kernel<ElementwiseShape, 'pre' | 'grad'> = {
  name: 'swish_grad',
  sizes: ({ elements }) => ({ pre: elements, grad: elements }),
  cost: ({ elements }) => ({ flops: 9 * elements, bytes: 12 * elements }),
  variants: {
    plain: {
      calls: ({ elements }, { pre, grad }) => [
        call(shader, { vec4s: elements / 4 }, { pre, grad }, elements / 4),
      ],
    },
  },
};
