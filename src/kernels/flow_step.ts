import shaders from 'virtual:kernel/flow_step';
import { type Call, call, type Kernel } from '../plan/op';
import { SAMPLING_STEP_WORDS } from '../plan/sampling_step';
import type { Shader } from '../plan/shader';
import type { Tensor } from '../plan/tensor';

/** Images [elements][batch] of a sampling run. */
export interface SampledShape {
  /** Elements of one image. */
  readonly elements: number;
  /** A multiple of 4. */
  readonly batch: number;
  /** Whether the network gets each image twice, [elements][2 * batch]: with its class in the first half, without in the second. */
  readonly guided: boolean;
}

/** A dispatch over such images. */
export function sampledCall<B extends string>(
  shader: Shader<'vec4s' | 'n4' | 'guided', B>,
  { elements, batch, guided }: SampledShape,
  tensors: Readonly<Record<B, Tensor>>,
): Call {
  const vec4s = (elements * batch) / 4;
  return call(shader, { vec4s, n4: batch / 4, guided: Number(guided) }, tensors, vec4s);
}

export const flowStep: Kernel<SampledShape, 'step' | 'prediction' | 'velocity' | 'x'> = {
  name: 'flow_step',
  sizes: ({ elements, batch, guided }) => {
    const seen = elements * batch * (guided ? 2 : 1);
    return { step: SAMPLING_STEP_WORDS, prediction: seen, velocity: elements * batch, x: seen };
  },
  cost: ({ elements, batch, guided }) => {
    const size = elements * batch;
    return { flops: (guided ? 7 : 4) * size, bytes: (guided ? 28 : 20) * size };
  },
  variants: {
    plain: {
      calls: (shape, tensors) => [sampledCall(shaders.plain, shape, tensors)],
    },
  },
};
