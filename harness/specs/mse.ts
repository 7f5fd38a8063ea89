import { type ActivatedLossShape, mse } from '../../src/kernels/mse';
import { STATE, STATE_WORDS } from '../../src/plan/step_state';
import { BLOCK, reference } from '../../src/reference/mse';
import { EPSILON, padded, type Spec } from './lib/spec';
import { preActivations, swishAt } from './swish';

/** The state of a batch whose last three images, but never its first, are padding; fills these with what they may hold: anything. */
export function padLastImages(
  { batch }: ActivatedLossShape,
  pre: Float32Array,
  target: Float32Array,
): Uint32Array {
  const state = new Uint32Array(STATE_WORDS);
  state[STATE.count] = Math.max(1, batch - 3);
  const any = [3e38, -3e38, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN];
  for (let i = 0; i < pre.length; i++) {
    if (i % batch < state[STATE.count]) continue;
    pre[i] = any[i % any.length];
    target[i] = any[(i * 3 + 1) % any.length];
  }
  return state;
}

export const spec: Spec<ActivatedLossShape, 'pre' | 'target' | 'state' | 'grad' | 'partials'> = {
  kernel: mse,
  cases: {
    'one element': { elements: 1, batch: padded(1), swish: true },
    'prime sizes': { elements: 97, batch: padded(13), swish: true },
    'one full workgroup': { elements: 256, batch: padded(4), swish: true },
    'up.2': { elements: 28 * 28, batch: padded(8), swish: true },
    'no activation': { elements: 65, batch: padded(9), swish: false },
    'more than one row of workgroups': { elements: 3 * 128 * 128, batch: padded(6), swish: true },
  },
  inputs: (shape, random) => {
    const { pre: size } = mse.sizes(shape);
    const pre = preActivations(random, size, -3, 1.5);
    const target = random.floats(size, 0, 1);
    return { pre, target, state: padLastImages(shape, pre, target) };
  },
  reference,
  error: ({ elements, batch, swish }, { pre, target, state }, values) => {
    const count = state[STATE.count];
    const scale = 2 / (count * elements);
    const grad = new Float64Array(pre.length);
    const partials = new Float64Array(values.partials.length);
    for (let i = 0; i < pre.length; i++) {
      if (i % batch >= count) continue;
      const none = { value: pre[i], valueError: 0, slope: 1, slopeError: 0 };
      const { value, valueError, slope, slopeError } = swish ? swishAt(pre[i]) : none;
      const difference = Math.abs(value - target[i]);
      // In ulp of 2 EPSILON: a difference, a conversion, a division (2.5) and two products.
      grad[i] =
        scale * (valueError * Math.abs(slope) + difference * slopeError) +
        6.5 * 2 * EPSILON * Math.abs(values.grad[i]);
      // A difference counted twice as it is squared, a product, and 11 additions of numbers that are not negative: 2 in a vec4, 3 to
      // the invocation's other three, 6 over the workgroup.
      partials[Math.floor(i / BLOCK)] += 2 * difference * valueError + 14 * 2 * EPSILON * difference ** 2;
    }
    return { grad, partials };
  },
  bench: (batch) => ({ 'up.2': { elements: 28 * 28, batch: padded(batch), swish: true } }),
  gradientOf: {
    // The kernel is its own forward: with L = sum of cotangent * partials, dL/d(pre) is 2 * cotangent * difference * swish'(pre),
    // which is what it gives for a difference scaled by cotangent * count * elements.
    get forward() {
      return spec;
    },
    output: 'partials',
    inputs: ({ elements, swish }, { pre, target, state }, _outputs, cotangent) => {
      const scaled = Float64Array.from(target, (truth, i) => {
        const prediction = swish ? swishAt(pre[i]).value : pre[i];
        const scale = cotangent[Math.floor(i / BLOCK)] * state[STATE.count] * elements;
        return prediction - scale * (prediction - truth);
      });
      return { pre, target: scaled, state };
    },
    wrt: { pre: { output: 'grad' } },
  },
};
