import shaders from 'virtual:kernel/unit_range';
import { call, type Kernel } from '../plan/op';
import type { SampledShape } from './flow_step';

export const unitRange: Kernel<SampledShape, 'x' | 'output'> = {
  name: 'unit_range',
  sizes: ({ elements, batch, guided }) => {
    const size = elements * batch;
    return { x: size * (guided ? 2 : 1), output: size };
  },
  cost: ({ elements, batch }) => ({ flops: 4 * elements * batch, bytes: 8 * elements * batch }),
  variants: {
    plain: {
      calls: ({ elements, batch, guided }, tensors) => {
        const vec4s = (elements * batch) / 4;
        return [call(shaders.plain, { vec4s, n4: batch / 4, guided: Number(guided) }, tensors, vec4s)];
      },
    },
  },
};
