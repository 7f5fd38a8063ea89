import shaders from 'virtual:kernel/known_pixels';
import { call, type Kernel } from '../plan/op';
import { SAMPLING_STEP_WORDS } from '../plan/sampling_step';
import type { SampledShape } from './flow_step';

export const knownPixels: Kernel<SampledShape, 'step' | 'start' | 'noise' | 'mask' | 'x'> = {
  name: 'known_pixels',
  sizes: ({ elements, batch, guided }) => {
    const size = elements * batch;
    return { step: SAMPLING_STEP_WORDS, start: size, noise: size, mask: size, x: size * (guided ? 2 : 1) };
  },
  cost: ({ elements, batch, guided }) => {
    const size = elements * batch;
    return { flops: 4 * size, bytes: (guided ? 28 : 20) * size };
  },
  variants: {
    plain: {
      calls: ({ elements, batch, guided }, tensors) => {
        const vec4s = (elements * batch) / 4;
        return [call(shaders.plain, { vec4s, n4: batch / 4, guided: Number(guided) }, tensors, vec4s)];
      },
    },
  },
};
