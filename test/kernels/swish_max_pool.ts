import type { ResidualShape } from '../../src/kernels/swish';
import { type ImageShape, swishMaxPool } from '../../src/kernels/swish_max_pool';
import { imageDims, padded, type Spec } from '../spec';
import { additionError, swishAt } from './swish';

export const spec: Spec<ImageShape & ResidualShape, 'input' | 'output'> = {
  kernel: swishMaxPool,
  cases: {
    'one window': { channels: 1, height: 2, width: 2, batch: padded(1) },
    'one row of windows': { channels: 1, height: 2, width: 14, batch: padded(3) },
    'prime sizes': { channels: 3, height: 10, width: 14, batch: padded(5) },
    'down.0': { channels: 32, height: 28, width: 28, batch: padded(8) },
    'down.1': { channels: 64, height: 14, width: 14, batch: padded(4) },
    'more than one row of workgroups': { channels: 65, height: 64, width: 64, batch: padded(4) },
    'a residual': { channels: 3, height: 10, width: 14, batch: padded(5), residual: true },
  },
  dims: (shape) => ({
    output: imageDims(shape.channels, { ...shape, height: shape.height / 2, width: shape.width / 2 }),
  }),
  inputs: ({ channels, height, width, batch, residual }, random) => {
    const size = channels * height * width * batch;
    const input = random.floats(size, -3, 2); // swish has its minimum at -1.28
    return { input, ...(residual ? { residual: random.floats(size) } : {}) };
  },
  reference: ({ channels, height, width, batch }, { input, residual }) => {
    const [h, w] = [height / 2, width / 2];
    const values = new Float64Array(channels * h * w * batch);
    const error = new Float64Array(values.length);
    const at = (c: number, y: number, x: number, n: number) => {
      const i = ((c * height + y) * width + x) * batch + n;
      const { value, valueError } = swishAt(input[i]);
      if (!residual) return { value, valueError };
      return { value: residual[i] + value, valueError: valueError + additionError(residual[i] + value) };
    };
    let i = 0;
    for (let c = 0; c < channels; c++)
      for (let y = 0; y < height; y += 2)
        for (let x = 0; x < width; x += 2)
          for (let n = 0; n < batch; n++, i++) {
            const four = [at(c, y, x, n), at(c, y, x + 1, n), at(c, y + 1, x, n), at(c, y + 1, x + 1, n)];
            values[i] = Math.max(...four.map((v) => v.value));
            error[i] = Math.max(...four.map((v) => v.valueError)); // the maximum itself is exact
          }
    return { output: { values, error } };
  },
  bench: (batch) => ({
    'down.0': { channels: 32, height: 28, width: 28, batch: padded(batch) },
    'down.1': { channels: 64, height: 14, width: 14, batch: padded(batch) },
  }),
};
