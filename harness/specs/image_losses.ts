import { imageLosses } from '../../src/kernels/image_losses';
import type { ActivatedLossShape } from '../../src/kernels/mse';
import { STATE } from '../../src/plan/step_state';
import { reference } from '../../src/reference/image_losses';
import { EPSILON, padded, type Spec, sumError } from './lib/spec';
import { padLastImages } from './mse';
import { swishAt } from './swish';

export const spec: Spec<ActivatedLossShape, 'pre' | 'target' | 'state' | 'losses'> = {
  kernel: imageLosses,
  cases: {
    'one element': { elements: 1, batch: padded(1), swish: true },
    'prime sizes': { elements: 97, batch: padded(12), swish: true },
    'no activation': { elements: 65, batch: padded(12), swish: false },
    'up.2': { elements: 28 * 28, batch: padded(64), swish: false },
    'many elements': { elements: 3 * 128 * 128, batch: padded(6), swish: true },
    'many images': { elements: 3, batch: padded(4000), swish: false },
  },
  inputs: (shape, random) => {
    const { pre: size } = imageLosses.sizes(shape);
    const pre = random.floats(size, -3, 1.5);
    const target = random.floats(size, -1, 1);
    return { pre, target, state: padLastImages(shape, pre, target) };
  },
  reference,
  error: ({ elements, batch, swish }, { pre, target, state }, values) => {
    const losses = new Float64Array(batch);
    // A difference counted twice as it is squared, a product, a conversion and a division (2.5).
    const ulps = 2 + 1 + 3.5;
    for (let i = 0; i < pre.length; i++) {
      const n = i % batch;
      if (n >= state[STATE.count]) continue;
      const { value, valueError } = swish ? swishAt(pre[i]) : { value: pre[i], valueError: 0 };
      const difference = Math.abs(value - target[i]);
      losses[n] +=
        (2 * difference * valueError + valueError ** 2 + ulps * 2 * EPSILON * difference ** 2) / elements;
    }
    return { losses: losses.map((error, n) => error + sumError(elements, values.losses[n])) };
  },
  bench: (batch) => ({ 'up.2': { elements: 28 * 28, batch: padded(batch), swish: false } }),
};
