import shaders from 'virtual:kernel/copy';
import { call, type Kernel } from '../plan/op';
import type { ElementwiseShape } from './swish';

/** Copies a buffer; the fastest variant measures an adapter's memory bandwidth. */
export const copy: Kernel<ElementwiseShape, 'input' | 'output'> = {
  name: 'copy',
  sizes: ({ elements }) => ({ input: elements, output: elements }),
  cost: ({ elements }) => ({ flops: 0, bytes: 8 * elements }),
  variants: {
    plain: {
      calls: ({ elements }, tensors) => [call(shaders.plain, { vec4s: elements / 4 }, tensors, elements / 4)],
    },
    four: {
      calls: ({ elements }, tensors) => [
        call(shaders.four, { vec4s: elements / 4 }, tensors, Math.ceil(elements / 16)),
      ],
    },
  },
};
