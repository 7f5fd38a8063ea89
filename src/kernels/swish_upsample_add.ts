import shaders from 'virtual:kernel/swish_upsample_add';
import { imageCall, type Kernel } from '../plan/op';
import { countElements } from '../plan/tensor';
import type { ResidualShape } from './swish';
import type { ImageShape } from './swish_max_pool';

export interface UpsampleAddShape extends ImageShape, ResidualShape {
  /** Whether the layer that the skip connection starts from is residual; then `skip_residual` has the shape of `skip`. */
  readonly skipResidual?: boolean;
}

/** The shape is the shape of `input` and `residual`; `skip` and `output` have twice the height and width. */
export const swishUpsampleAdd: Kernel<UpsampleAddShape, 'input' | 'skip' | 'output'> = {
  name: 'swish_upsample_add',
  sizes: (shape) => {
    const input = countElements(shape);
    return {
      input,
      skip: 4 * input,
      output: 4 * input,
      ...(shape.residual ? { residual: input } : {}),
      ...(shape.skipResidual ? { skip_residual: 4 * input } : {}),
    };
  },
  cost: (shape) => {
    const input = countElements(shape);
    const added = Number(shape.residual ?? false) + 4 * Number(shape.skipResidual ?? false);
    return { flops: (29 + added) * input, bytes: (36 + 4 * added) * input };
  },
  variants: {
    plain: {
      calls: (shape, tensors) => {
        const plain = shape.skipResidual ? 'skip_residual' : 'plain';
        const form = shaders[shape.residual ? (shape.skipResidual ? 'both_residual' : 'residual') : plain];
        return [imageCall<string>(form, shape, tensors)];
      },
    },
  },
};
