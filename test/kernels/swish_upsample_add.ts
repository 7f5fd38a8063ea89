import { swishUpsampleAdd, type UpsampleAddShape } from '../../src/kernels/swish_upsample_add';
import { imageDims, padded, type Spec } from '../spec';
import { additionError, swishAt } from './swish';

export const spec: Spec<UpsampleAddShape, 'input' | 'skip' | 'output'> = {
  kernel: swishUpsampleAdd,
  cases: {
    'one pixel': { channels: 1, height: 1, width: 1, batch: padded(1) },
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
      channels: 3,
      height: 5,
      width: 3,
      batch: padded(5),
      residual: true,
      skipResidual: true,
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
  reference: ({ channels, height, width, batch }, { input, skip, residual, skip_residual }) => {
    const plus = ({ value, valueError }: ReturnType<typeof swishAt>, added?: number) =>
      added === undefined ? [value, valueError] : [value + added, valueError + additionError(value + added)];
    const values = new Float64Array(skip.length);
    const error = new Float64Array(skip.length);
    let i = 0;
    for (let c = 0; c < channels; c++)
      for (let y = 0; y < 2 * height; y++)
        for (let x = 0; x < 2 * width; x++) {
          const from = ((c * height + (y >> 1)) * width + (x >> 1)) * batch;
          for (let n = 0; n < batch; n++, i++) {
            const [a, errorOfA] = plus(swishAt(input[from + n]), residual?.[from + n]);
            const [b, errorOfB] = plus(swishAt(skip[i]), skip_residual?.[i]);
            values[i] = a + b;
            error[i] = errorOfA + errorOfB + additionError(values[i]);
          }
        }
    return { output: { values, error } };
  },
  bench: (batch) => ({
    'up.0': { channels: 64, height: 7, width: 7, batch: padded(batch) },
    'up.1': { channels: 32, height: 14, width: 14, batch: padded(batch) },
  }),
};
