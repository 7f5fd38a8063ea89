import shaders from 'virtual:kernel/sum_slices';
import { type Call, call, type Kernel } from '../plan/op';
import type { Tensor } from '../plan/tensor';

export interface SliceShape {
  readonly size: number;
  /** Distance from one slice to the next. */
  readonly pitch: number;
  readonly count: number;
}

/** The second pass of every split reduction: adds the slices in order. */
export const sumSlicesCall = (shape: SliceShape, slices: Tensor, output: Tensor): Call =>
  call(shaders.plain, { ...shape }, { slices, output }, shape.size);

export const sumSlices: Kernel<SliceShape, 'slices' | 'output'> = {
  name: 'sum_slices',
  sizes: ({ size, pitch, count }) => ({ slices: pitch * count, output: size }),
  cost: ({ size, count }) => ({ flops: size * count, bytes: 4 * size * (count + 1) }),
  variants: {
    plain: { calls: (shape, { slices, output }) => [sumSlicesCall(shape, slices, output)] },
  },
};
