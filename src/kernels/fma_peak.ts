import shaders from 'virtual:kernel/fma_peak';
import { call, type Kernel, type Variant } from '../plan/op';

export interface FmaShape {
  readonly invocations: number;
  readonly iterations: number;
}

const calls =
  (form: typeof shaders.plain | typeof shaders.unrolled): Variant<FmaShape, 'output'>['calls'] =>
  ({ invocations, iterations }, tensors) => [
    // The chains tend to 0.5: no overflow and no denormals, however long they are.
    call(form, { invocations, iterations, factor: 0.5, addend: 0.25 }, tensors, invocations),
  ];

/** Chains of multiply-adds; the fastest variant measures an adapter's peak. */
export const fmaPeak: Kernel<FmaShape, 'output'> = {
  name: 'fma_peak',
  sizes: ({ invocations }) => ({ output: 4 * invocations }),
  // Either form does 32 multiply-adds of vec4 per iteration, 8 additions at the start and 7 at the end.
  cost: ({ invocations, iterations }) => ({
    flops: invocations * (256 * iterations + 60),
    bytes: 16 * invocations,
  }),
  variants: {
    plain: { calls: calls(shaders.plain) },
    unrolled: {
      refuses: ({ iterations }) => (iterations % 4 === 0 ? undefined : 'it does four iterations at once'),
      calls: calls(shaders.unrolled),
    },
  },
};
