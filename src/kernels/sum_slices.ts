import shader from '../../shaders/sum_slices.wgsl';
import { type Call, call, type Kernel, type Tensor } from '../kernel';

export interface SliceShape {
  readonly size: number;
  readonly count: number;
}

/** The second pass of every split reduction: adds the slices in their order. */
export const sumSlicesCall = ({ size, count }: SliceShape, slices: Tensor, output: Tensor): Call =>
  call(shader, { size, count }, { slices, output }, size);

export const sumSlices: Kernel<SliceShape, 'slices' | 'output'> = {
  name: 'sum_slices',
  sizes: ({ size, count }) => ({ slices: size * count, output: size }),
  cost: ({ size, count }) => ({ flops: size * count, bytes: 4 * size * (count + 1) }),
  variants: {
    plain: { calls: (shape, { slices, output }) => [sumSlicesCall(shape, slices, output)] },
  },
};
