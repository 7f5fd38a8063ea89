import { type ElementwiseShape, type ResidualShape, swish } from '../../src/kernels/swish';
import { swishAt as exactSwish, reference } from '../../src/reference/swish';
import { EPSILON, type Spec, type TestRandom, type Values } from './lib/spec';

/** swish at z, its derivative, and the error bounds of both. */
export function swishAt(z: number) {
  const { sigmoid: s, value, slope } = exactSwish(z);
  const size = Math.abs(z);
  // exp errs by up to 3 + 2|z| ulp (WGSL), which reaches s with weight 1 - s, and |z|(1 - s) <= min(|z|, 1); then an addition and a
  // division (2.5 ulp). The tails are cut off at exp(80).
  const ofValue = (3 + 2 * size + 4) * Math.abs(value);
  // Likewise for s in the derivative; 1 - s, its product with the value and the sum round by half an ulp each.
  const ofS = s * ((1 - s) * (3 + 2 * size) + 3);
  const ofProduct = ofValue * (1 - s) + Math.abs(value) * (ofS + (1 - s));
  const ofSlope = ofS + ofProduct + Math.abs(slope);
  return {
    value,
    valueError: 2 * EPSILON * ofValue + 1e-30,
    slope,
    slopeError: 2 * EPSILON * ofSlope + 1e-30,
  };
}

/** Error bound of one addition; WGSL does not specify the rounding direction. */
export const additionError = (sum: number) => 2 * EPSILON * Math.abs(sum);

/** Error bounds of the reference's `activated`. */
export const activationErrors = (pre: Values, residual?: Values) =>
  Float64Array.from(pre, (z, i) => {
    const { value, valueError } = swishAt(z);
    return valueError + (residual ? additionError(value + residual[i]) : 0);
  });

/** Most between `min` and `max`, where swish bends, and every fifth within 30 of 0: there the tails are not yet exactly 0 and z. */
export function preActivations(random: TestRandom, count: number, min: number, max: number): Float32Array {
  return random.floats(count, min, max).map((z, i) => (i % 5 === 4 ? random.floats(1, -30, 30)[0] : z));
}

export const elementwiseCases = {
  'one vec4': { elements: 4 },
  'not a multiple of the workgroup': { elements: 4 * 67 },
  'more than one row of workgroups': { elements: 4 * 64 * 1024 + 4 },
};

export const spec: Spec<ElementwiseShape & ResidualShape, 'input' | 'output'> = {
  kernel: swish,
  cases: {
    ...elementwiseCases,
    'a residual': { elements: 4 * 67, residual: true },
    'a residual, more than one row of workgroups': { elements: 4 * 64 * 1024 + 4, residual: true },
  },
  inputs: ({ elements, residual }, random) => {
    const input = preActivations(random, elements, -8, 8);
    input.set([0, -100, 100, -1.2785]); // zero, both tails, the minimum of swish
    return { input, ...(residual ? { residual: random.floats(elements) } : {}) };
  },
  reference,
  error: (_, { input, residual }) => ({ output: activationErrors(input, residual) }),
  bench: (batch) => ({
    'down.2': { elements: 64 * 7 * 7 * batch },
    'up.2': { elements: 28 * 28 * batch },
  }),
};
