import shaders from 'virtual:kernel/difference';
import { call, type Kernel } from '../plan/op';

export interface DifferenceShape {
  /** Elements of each of the two results. */
  readonly size: number;
}

const MOST_INVOCATIONS = 16384;

/** Number of pairs in `partials`. */
export const differencePairs = ({ size }: DifferenceShape) => Math.min(size, MOST_INVOCATIONS);

/** `partials` gets pairs: the largest |result - expected|, and the sum of squares of `expected`. The host combines them. */
export const difference: Kernel<DifferenceShape, 'result' | 'expected' | 'partials'> = {
  name: 'difference',
  sizes: (shape) => ({
    result: shape.size,
    expected: shape.size,
    partials: 2 * differencePairs(shape),
  }),
  cost: ({ size }) => ({ flops: 4 * size, bytes: 8 * size }),
  variants: {
    plain: {
      calls: (shape, tensors) => {
        const stride = differencePairs(shape);
        return [call(shaders.plain, { size: shape.size, stride }, tensors, stride)];
      },
    },
  },
};
