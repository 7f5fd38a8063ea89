import shaders from 'virtual:kernel/swish';
import { call, type Kernel } from '../plan/op';

export interface ElementwiseShape {
  /** A multiple of 4. */
  readonly elements: number;
}

/** Whether the layer is residual: its activation is added to its input, the tensor `residual`. */
export interface ResidualShape {
  readonly residual?: boolean;
}

/** Residual shapes have the tensor `residual`, too. */
export const swish: Kernel<ElementwiseShape & ResidualShape, 'input' | 'output'> = {
  name: 'swish',
  sizes: ({ elements, residual }) => ({
    input: elements,
    output: elements,
    ...(residual ? { residual: elements } : {}),
  }),
  cost: ({ elements, residual }) => ({
    flops: (residual ? 6 : 5) * elements,
    bytes: (residual ? 12 : 8) * elements,
  }),
  variants: {
    plain: {
      calls: ({ elements, residual }, tensors) => [
        call<'vec4s', string>(
          shaders[residual ? 'residual' : 'plain'],
          { vec4s: elements / 4 },
          tensors,
          elements / 4,
        ),
      ],
    },
  },
};
