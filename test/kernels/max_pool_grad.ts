import type { ImageShape } from '../../src/kernels/max_pool';
import { maxPoolGrad } from '../../src/kernels/max_pool_grad';
import { EPSILON, padded, type Spec } from '../spec';
import { spec as maxPool } from './max_pool';

export const spec: Spec<ImageShape, 'input' | 'grad_output' | 'grad_input'> = {
  kernel: maxPoolGrad,
  cases: {
    'one window': { channels: 1, height: 2, width: 2, batch: padded(1) },
    'one row of windows': { channels: 1, height: 2, width: 14, batch: padded(3) },
    'prime sizes': { channels: 3, height: 10, width: 14, batch: padded(5) },
    'down.0': { channels: 32, height: 28, width: 28, batch: padded(8) },
    'down.1': { channels: 64, height: 14, width: 14, batch: padded(4) },
    'more than one row of workgroups': { channels: 65, height: 64, width: 64, batch: padded(4) },
  },
  inputs: ({ channels, height, width, batch }, random) => {
    const size = channels * height * width * batch;
    // Ties abound: every fifth image has whole numbers only, the next one no positive values, the one after is flat.
    const input = random.floats(size).map((v, i) => {
      const kind = (i % batch) % 5;
      if (kind === 0) return Math.round(2 * v);
      if (kind === 1) return Math.floor(2 * v) - 1;
      return kind === 2 ? -0.5 : v;
    });
    return { input, grad_output: random.floats(size / 4), grad_input: random.floats(size) };
  },
  reference: ({ channels, height, width, batch }, { input, grad_output, grad_input }) => {
    const values = Float64Array.from(grad_input);
    let i = 0;
    for (let c = 0; c < channels; c++)
      for (let y = 0; y < height; y += 2)
        for (let x = 0; x < width; x += 2)
          for (let n = 0; n < batch; n++) {
            let best = -1;
            for (let dy = 0; dy < 2; dy++)
              for (let dx = 0; dx < 2; dx++) {
                const at = ((c * height + y + dy) * width + x + dx) * batch + n;
                if (best < 0 || input[at] > input[best]) best = at;
              }
            values[best] += grad_output[i++];
          }
    // One addition, which WGSL lets round in either direction; what is not a maximum stays exactly as it was.
    const error = values.map((v, k) => (v === grad_input[k] ? 0 : 2 * EPSILON * Math.abs(v)));
    return { grad_input: { values, error } };
  },
  bench: (batch) => ({
    'down.0': { channels: 32, height: 28, width: 28, batch: padded(batch) },
    'down.1': { channels: 64, height: 14, width: 14, batch: padded(batch) },
  }),
  gradientOf: {
    forward: maxPool,
    output: 'output',
    inputs: (_shape, { input }, _outputs, cotangent) => ({
      input,
      grad_output: cotangent,
      grad_input: new Float64Array(input.length),
    }),
    wrt: { input: { output: 'grad_input' } },
  },
};
