import shaders from 'virtual:kernel/known_pixels';
import type { Kernel } from '../plan/op';
import { SAMPLING_STEP_WORDS } from '../plan/sampling_step';
import { type SampledShape, sampledCall } from './flow_step';

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
      calls: (shape, tensors) => [sampledCall(shaders.plain, shape, tensors)],
    },
  },
};
