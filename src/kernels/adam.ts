import shader from '../../shaders/adam.wgsl';
import { call, type Kernel } from '../kernel';
import { STATE_WORDS } from '../training/state';

export interface AdamShape {
  /** Number of parameters. */
  readonly size: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

export const adam: Kernel<AdamShape, 'grad' | 'state' | 'parameter' | 'moment1' | 'moment2'> = {
  name: 'adam',
  sizes: ({ size }) => ({ grad: size, state: STATE_WORDS, parameter: size, moment1: size, moment2: size }),
  cost: ({ size }) => ({ flops: 14 * size, bytes: 28 * size }),
  variants: {
    plain: {
      calls: ({ size, beta1, beta2, epsilon }, tensors) => {
        const one_minus_beta1 = 1 - beta1;
        const one_minus_beta2 = 1 - beta2;
        const params = { size, beta1, beta2, one_minus_beta1, one_minus_beta2, epsilon };
        return [call(shader, params, tensors, size)];
      },
    },
  },
};
