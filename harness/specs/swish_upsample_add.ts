import { swishUpsampleAdd, type UpsampleAddShape } from '../../src/kernels/swish_upsample_add';
import { reference, upsampleAdd } from '../../src/reference/swish_upsample_add';
import { imageDims, padded, type Spec } from './lib/spec';
import { activationErrors, additionError } from './swish';

export const spec: Spec<UpsampleAddShape, 'input' | 'skip' | 'output'> = {
  kernel: swishUpsampleAdd,
  cases: {
    'one pixel': { channels: 1, height: 1, width: 1, batch: padded(1) },
    'three vec4s of images': { channels: 1, height: 1, width: 2, batch: 12 },
    'prime sizes': { channels: 3, height: 5, width: 7, batch: padded(5) },
    'up.0': { channels: 64, height: 7, width: 7, batch: padded(4) },
    'up.1': { channels: 32, height: 14, width: 14, batch: padded(8) },
    'more than one row of workgroups': { channels: 65, height: 32, width: 32, batch: padded(4) },
    'a residual': { channels: 3, height: 5, width: 7, batch: padded(5), residual: true },
    'a residual of the skip connection': {
      ...{ channels: 3, height: 5, width: 7, batch: padded(5) },
      skipResidual: true,
    },
    'both residuals': {
      ...{ channels: 3, height: 5, width: 3, batch: padded(5) },
      ...{ residual: true, skipResidual: true },
    },
  },
  dims: (shape) => ({
    output: imageDims(shape.channels, { ...shape, height: 2 * shape.height, width: 2 * shape.width }),
  }),
  inputs: ({ channels, height, width, batch, residual, skipResidual }, random) => {
    const size = channels * height * width * batch;
    return {
      input: random.floats(size, -3, 2),
      skip: random.floats(4 * size, -3, 2),
      ...(residual ? { residual: random.floats(size) } : {}),
      ...(skipResidual ? { skip_residual: random.floats(4 * size) } : {}),
    };
  },
  reference,
  error: (shape, { input, skip, residual, skip_residual }, { output }) => {
    const terms = [activationErrors(input, residual), activationErrors(skip, skip_residual)] as const;
    const ofTerms = upsampleAdd(shape, ...terms);
    return { output: ofTerms.map((error, i) => error + additionError(output[i])) };
  },
  bench: (batch) => ({
    'up.0': { channels: 64, height: 7, width: 7, batch: padded(batch) },
    'up.1': { channels: 32, height: 14, width: 14, batch: padded(batch) },
  }),
};
