import { type ImageShape, maxPool } from '../../src/kernels/max_pool';
import { padded, type Spec } from '../spec';

export const spec: Spec<ImageShape, 'input' | 'output'> = {
  kernel: maxPool,
  cases: {
    'one window': { channels: 1, height: 2, width: 2, batch: padded(1) },
    'one row of windows': { channels: 1, height: 2, width: 14, batch: padded(3) },
    'prime sizes': { channels: 3, height: 10, width: 14, batch: padded(5) },
    'down.0': { channels: 32, height: 28, width: 28, batch: padded(8) },
    'down.1': { channels: 64, height: 14, width: 14, batch: padded(4) },
    'more than one row of workgroups': { channels: 65, height: 64, width: 64, batch: padded(4) },
  },
  inputs: ({ channels, height, width, batch }, random) => ({
    input: random.floats(channels * height * width * batch),
  }),
  reference: ({ channels, height, width, batch }, { input }) => {
    const [h, w] = [height / 2, width / 2];
    const values = new Float64Array(channels * h * w * batch);
    const at = (c: number, y: number, x: number, n: number) =>
      input[((c * height + y) * width + x) * batch + n];
    let i = 0;
    for (let c = 0; c < channels; c++)
      for (let y = 0; y < h; y++)
        for (let x = 0; x < w; x++)
          for (let n = 0; n < batch; n++)
            values[i++] = Math.max(
              at(c, 2 * y, 2 * x, n),
              at(c, 2 * y, 2 * x + 1, n),
              at(c, 2 * y + 1, 2 * x, n),
              at(c, 2 * y + 1, 2 * x + 1, n),
            );
    return { output: { values, error: new Float64Array(values.length) } }; // a maximum is exact
  },
  bench: (batch) => ({
    'down.0': { channels: 32, height: 28, width: 28, batch: padded(batch) },
    'down.1': { channels: 64, height: 14, width: 14, batch: padded(batch) },
  }),
};
