import { swishUpsampleAdd, type UpsampleAddShape } from '../../src/kernels/swish_upsample_add';
import { reference, upsampleAdd } from '../../src/reference/swish_upsample_add';
import { image, type Spec } from './lib/spec';
import { activationErrors, additionError } from './swish';
import { spec as upsample } from './upsample';

export const spec: Spec<UpsampleAddShape, 'input' | 'skip' | 'output'> = {
  kernel: swishUpsampleAdd,
  cases: {
    ...upsample.cases,
    'up.0': image(64, 7, 7, 4),
    'up.1': image(32, 14, 14, 8),
    'a residual': { ...image(3, 5, 7, 5), residual: true },
    'a residual of the skip connection': { ...image(3, 5, 7, 5), skipResidual: true },
    'both residuals': { ...image(3, 5, 3, 5), residual: true, skipResidual: true },
  },
  dims: upsample.dims,
  inputs: (shape, random) => {
    const { input, skip } = swishUpsampleAdd.sizes(shape);
    return {
      input: random.floats(input, -3, 2),
      skip: random.floats(skip, -3, 2),
      ...(shape.residual ? { residual: random.floats(input) } : {}),
      ...(shape.skipResidual ? { skip_residual: random.floats(skip) } : {}),
    };
  },
  reference,
  error: (shape, { input, skip, residual, skip_residual }, { output }) => {
    const terms = [activationErrors(input, residual), activationErrors(skip, skip_residual)] as const;
    const ofTerms = upsampleAdd(shape, ...terms);
    return { output: ofTerms.map((error, i) => error + additionError(output[i])) };
  },
  bench: (batch) => ({
    'up.0': image(64, 7, 7, batch),
    'up.1': image(32, 14, 14, batch),
  }),
};
