import unrolledShader from '../../shaders/probes/fma_peak.unrolled.wgsl';
import shader from '../../shaders/probes/fma_peak.wgsl';
import { call, type Kernel, type Variant } from '../plan/op';

export interface FmaShape {
  readonly invocations: number;
  readonly iterations: number;
}

const calls =
  (form: typeof shader | typeof unrolledShader): Variant<FmaShape, 'output'>['calls'] =>
  ({ invocations, iterations }, tensors) => [
    // The chains tend to 0.5: no overflow, no denormals, however long they are.
    call(form, { invocations, iterations, factor: 0.5, addend: 0.25 }, tensors, invocations),
  ];

/** An adapter's peak is what its fastest variant reaches. */
export const fmaPeak: Kernel<FmaShape, 'output'> = {
  name: 'fma_peak',
  sizes: ({ invocations }) => ({ output: 4 * invocations }),
  // 32 multiply-adds of vec4 an iteration, in either form; 8 additions to start with and 7 to end with.
  cost: ({ invocations, iterations }) => ({
    flops: invocations * (256 * iterations + 60),
    bytes: 16 * invocations,
  }),
  variants: {
    plain: { calls: calls(shader) },
    unrolled: {
      refuses: ({ iterations }) => (iterations % 4 === 0 ? undefined : 'it does four iterations at once'),
      calls: calls(unrolledShader),
    },
  },
};
