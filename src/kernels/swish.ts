import shader from '../../shaders/lib/swish.wgsl';
import { call, type Kernel } from '../plan/op';

export interface ElementwiseShape {
  /** A multiple of 4. */
  readonly elements: number;
}

export const swish: Kernel<ElementwiseShape, 'input' | 'output'> = {
  name: 'swish',
  sizes: ({ elements }) => ({ input: elements, output: elements }),
  cost: ({ elements }) => ({ flops: 5 * elements, bytes: 8 * elements }),
  variants: {
    plain: {
      calls: ({ elements }, { input, output }) => [
        call(shader, { vec4s: elements / 4 }, { input, output }, elements / 4),
      ],
    },
  },
};
