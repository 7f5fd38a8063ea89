import shader from '../../shaders/adam.wgsl';
import { call, type Kernel } from '../kernel';
import { STATE_WORDS } from '../training/state';
import { copies, type ParameterShape, packing, packParams, parameterCount } from './pack_weights';

export interface AdamShape extends ParameterShape {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

/** A layer's parameters in the flat arrays, up to a multiple of four. */
export const adamSize = (shape: ParameterShape) => Math.ceil(parameterCount(shape) / 4) * 4;

/** Updates the parameters of a layer, and their packed copies. */
export const adam: Kernel<AdamShape, 'grad' | 'state' | 'parameter' | 'moment1' | 'moment2' | 'packed'> = {
  name: 'adam',
  sizes: (shape) => {
    const size = adamSize(shape);
    const packed = packing(shape).size;
    return { grad: size, state: STATE_WORDS, parameter: size, moment1: size, moment2: size, packed };
  },
  cost: (shape) => ({
    flops: 14 * parameterCount(shape),
    bytes: (28 + 4 * copies(shape)) * parameterCount(shape),
  }),
  variants: {
    plain: {
      calls: (shape, tensors) => {
        const { beta1, beta2, epsilon } = shape;
        const one_minus_beta1 = 1 - beta1;
        const one_minus_beta2 = 1 - beta2;
        const params = { ...packParams(shape), beta1, beta2, one_minus_beta1, one_minus_beta2, epsilon };
        return [call(shader, params, tensors, adamSize(shape) / 4)];
      },
    },
  },
};
