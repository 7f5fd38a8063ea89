import { type LossShape, mse, partialCount } from '../../src/kernels/mse';
import { STATE, STATE_WORDS } from '../../src/training/state';
import { EPSILON, padded, type Spec } from '../spec';

/** The first vec4 always has an image; of the last one, three slots are padding. */
const imagesIn = (batch: number) => Math.max(1, batch - 3);

export const spec: Spec<LossShape, 'prediction' | 'target' | 'state' | 'grad' | 'partials'> = {
  kernel: mse,
  cases: {
    'one element': { elements: 1, batch: padded(1) },
    'prime sizes': { elements: 97, batch: padded(13) },
    'one full workgroup': { elements: 64, batch: padded(4) },
    'up.2': { elements: 28 * 28, batch: padded(8) },
    'more than one row of workgroups': { elements: 3 * 128 * 128, batch: padded(6) },
  },
  inputs: ({ elements, batch }, random) => {
    const state = new Uint32Array(STATE_WORDS);
    state[STATE.count] = imagesIn(batch);
    const prediction = random.floats(elements * batch, -0.3, 1.3);
    const target = random.floats(elements * batch, 0, 1);
    // A padded image may hold anything finite, even if its error overflows.
    for (let i = 0; i < prediction.length; i++) {
      if (i % batch < imagesIn(batch)) continue;
      prediction[i] = 3e38;
      target[i] = -3e38;
    }
    return { prediction, target, state };
  },
  reference: (shape, { prediction, target, state }) => {
    const { elements, batch } = shape;
    const count = state[STATE.count];
    const grad = new Float64Array(prediction.length);
    const partials = new Float64Array(partialCount(shape));
    for (let i = 0; i < prediction.length; i++) {
      if (i % batch >= count) continue;
      const difference = prediction[i] - target[i];
      grad[i] = (2 * difference) / (count * elements);
      partials[Math.floor(i / 256)] += difference ** 2;
    }
    // In ulp of 2 EPSILON. The gradient: a difference, a conversion, a division (2.5) and a product. A partial sum: a difference
    // counted twice as it is squared, a product, and 8 additions of numbers that are not negative.
    return {
      grad: { values: grad, error: grad.map((v) => 5.5 * 2 * EPSILON * Math.abs(v)) },
      partials: { values: partials, error: partials.map((v) => 11 * 2 * EPSILON * v) },
    };
  },
  bench: (batch) => ({ 'up.2': { elements: 28 * 28, batch: padded(batch) } }),
  gradientOf: {
    // The kernel is its own forward: with L = sum of cotangent * partials, dL/d(prediction) is 2 * difference * cotangent, which
    // is what it gives for a difference scaled by cotangent * count * elements.
    get forward() {
      return spec;
    },
    output: 'partials',
    inputs: ({ elements }, { prediction, target, state }, _outputs, cotangent) => {
      const scaled = (values: ArrayLike<number>) =>
        Float64Array.from(
          values,
          (v, i) => v * cotangent[Math.floor(i / 256)] * state[STATE.count] * elements,
        );
      return { prediction: scaled(prediction), target: scaled(target), state };
    },
    wrt: { prediction: { output: 'grad' } },
  },
};
