import shader from '../../shaders/fma_peak.wgsl';
import { call, type Kernel } from '../kernel';

export interface FmaShape {
  readonly invocations: number;
  readonly iterations: number;
}

export const fmaPeak: Kernel<FmaShape, 'output'> = {
  name: 'fma_peak',
  sizes: ({ invocations }) => ({ output: 4 * invocations }),
  // 32 multiply-adds of vec4 an iteration; 8 additions to start with and 7 to end with.
  cost: ({ invocations, iterations }) => ({
    flops: invocations * (256 * iterations + 60),
    bytes: 16 * invocations,
  }),
  variants: {
    plain: {
      // The chains tend to 0.5: no overflow, no denormals, however long they are.
      calls: ({ invocations, iterations }, tensors) => [
        call(shader, { invocations, iterations, factor: 0.5, addend: 0.25 }, tensors, invocations),
      ],
    },
  },
};
