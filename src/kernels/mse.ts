import shaders from 'virtual:kernel/mse';
import { call, type Kernel } from '../plan/op';
import { STATE_WORDS } from '../plan/step_state';

/** A batch of predictions [elements][batch], before the activation. */
export interface LossShape {
  /** Elements of one image. */
  readonly elements: number;
  /** A multiple of 4; the step state has the number of images in it. */
  readonly batch: number;
}

export interface ActivatedLossShape extends LossShape {
  /** Whether swish is the last activation; otherwise `pre` is the prediction. */
  readonly swish: boolean;
}

/** vec4s per invocation. */
const EACH = 4;

/** Number of partial sums: one per workgroup of 64 invocations. */
export const partialCount = ({ elements, batch }: LossShape) =>
  Math.ceil((elements * batch) / (4 * EACH * 64));

export const mse: Kernel<ActivatedLossShape, 'pre' | 'target' | 'state' | 'grad' | 'partials'> = {
  name: 'mse',
  sizes: (shape) => {
    const size = shape.elements * shape.batch;
    return {
      pre: size,
      target: size,
      state: STATE_WORDS,
      grad: size,
      partials: partialCount(shape),
    };
  },
  cost: ({ elements, batch }) => ({ flops: 14 * elements * batch, bytes: 12 * elements * batch }),
  variants: {
    plain: {
      calls: (shape, { target: truth, ...tensors }) => {
        const vec4s = (shape.elements * shape.batch) / 4;
        const partial_count = partialCount(shape);
        const params = {
          vec4s,
          n4: shape.batch / 4,
          elements: shape.elements,
          partial_count,
          swish: Number(shape.swish),
        };
        return [call(shaders.plain, params, { truth, ...tensors }, vec4s / EACH)];
      },
    },
  },
};
