import shaders from 'virtual:kernel/unit_range';
import type { Kernel } from '../plan/op';
import { type SampledShape, sampledCall } from './flow_step';

export const unitRange: Kernel<SampledShape, 'x' | 'output'> = {
  name: 'unit_range',
  sizes: ({ elements, batch, guided }) => {
    const size = elements * batch;
    return { x: size * (guided ? 2 : 1), output: size };
  },
  cost: ({ elements, batch }) => ({ flops: 4 * elements * batch, bytes: 8 * elements * batch }),
  variants: {
    plain: {
      calls: (shape, tensors) => [sampledCall(shaders.plain, shape, tensors)],
    },
  },
};
