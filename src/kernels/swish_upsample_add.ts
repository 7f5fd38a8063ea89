import shaders from 'virtual:kernel/swish_upsample_add';
import { call, type Kernel } from '../plan/op';
import type { ResidualShape } from './swish';
import type { ImageShape } from './swish_max_pool';

export interface UpsampleAddShape extends ImageShape, ResidualShape {
  /** Whether the layer that the skip connection starts from is residual; then `skip_residual` has the shape of `skip`. */
  readonly skipResidual?: boolean;
}

/** The shape is the shape of `input` and `residual`; `skip` and `output` have twice the height and width. */
export const swishUpsampleAdd: Kernel<UpsampleAddShape, 'input' | 'skip' | 'output'> = {
  name: 'swish_upsample_add',
  sizes: ({ channels, height, width, batch, residual, skipResidual }) => {
    const input = channels * height * width * batch;
    return {
      input,
      skip: 4 * input,
      output: 4 * input,
      ...(residual ? { residual: input } : {}),
      ...(skipResidual ? { skip_residual: 4 * input } : {}),
    };
  },
  cost: ({ channels, height, width, batch, residual, skipResidual }) => {
    const input = channels * height * width * batch;
    const added = Number(residual ?? false) + 4 * Number(skipResidual ?? false);
    return { flops: (29 + added) * input, bytes: (36 + 4 * added) * input };
  },
  variants: {
    plain: {
      calls: ({ channels, height, width, batch, residual, skipResidual }, tensors) => {
        const vec4s = (channels * height * width * batch) / 4;
        const params = { vec4s, width, n4: batch / 4 };
        const plain = skipResidual ? 'skip_residual' : 'plain';
        const form = shaders[residual ? (skipResidual ? 'both_residual' : 'residual') : plain];
        return [call<keyof typeof params, string>(form, params, tensors, vec4s)];
      },
    },
  },
};
