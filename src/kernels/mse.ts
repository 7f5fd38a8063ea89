import shader from '../../shaders/mse.wgsl';
import { call, type Kernel } from '../kernel';
import { STATE_WORDS } from '../training/state';

/** A batch of predictions [elements][batch]. */
export interface LossShape {
  /** Of one image. */
  readonly elements: number;
  /** A multiple of 4; how many are images, the step state says. */
  readonly batch: number;
}

/** One for every workgroup of 64 vec4. */
export const partialCount = ({ elements, batch }: LossShape) => Math.ceil((elements * batch) / 256);

export const mse: Kernel<LossShape, 'prediction' | 'target' | 'state' | 'grad' | 'partials'> = {
  name: 'mse',
  sizes: (shape) => {
    const size = shape.elements * shape.batch;
    return {
      prediction: size,
      target: size,
      state: STATE_WORDS,
      grad: size,
      partials: partialCount(shape),
    };
  },
  cost: ({ elements, batch }) => ({ flops: 4 * elements * batch, bytes: 12 * elements * batch }),
  variants: {
    plain: {
      calls: (shape, { target: truth, ...tensors }) => {
        const vec4s = (shape.elements * shape.batch) / 4;
        const partial_count = partialCount(shape);
        const params = { vec4s, n4: shape.batch / 4, elements: shape.elements, partial_count };
        return [call(shader, params, { truth, ...tensors }, vec4s)];
      },
    },
  },
};
