import { imageLosses } from '../../src/kernels/image_losses';
import type { ActivatedLossShape } from '../../src/kernels/mse';
import { STATE, STATE_WORDS } from '../../src/plan/step_state';
import { reference } from '../../src/reference/image_losses';
import { EPSILON, padded, type Spec, sumError } from './lib/spec';
import { swishAt } from './swish';

/** The first vec4 always has an image; of the last one, three slots are padding. */
const imagesIn = (batch: number) => Math.max(1, batch - 3);

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
  inputs: ({ elements, batch }, random) => {
    const state = new Uint32Array(STATE_WORDS);
    state[STATE.count] = imagesIn(batch);
    const pre = random.floats(elements * batch, -3, 1.5);
    const target = random.floats(elements * batch, -1, 1);
    // A padded image may hold anything.
    const any = [3e38, -3e38, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN];
    for (let i = 0; i < pre.length; i++) {
      if (i % batch < imagesIn(batch)) continue;
      pre[i] = any[i % any.length];
      target[i] = any[(i * 3 + 1) % any.length];
    }
    return { pre, target, state };
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
