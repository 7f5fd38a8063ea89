import { flowStep, type SampledShape } from '../../src/kernels/flow_step';
import { SAMPLING_STEP, SAMPLING_STEP_WORDS } from '../../src/plan/sampling_step';
import { guidedPlaces, reference } from '../../src/reference/flow_step';
import { EPSILON, padded, type Spec, type TestRandom } from './lib/spec';

/** Steps of Euler in batches of four images, second halves of Heun in larger ones. */
const isEuler = ({ batch }: SampledShape) => batch === 4;

/** A guided x between steps: both halves of [elements][2 * batch] are equal. */
function twice(values: Float32Array, batch: number): Float32Array {
  return Float32Array.from({ length: 2 * values.length }, (_, i) => {
    const n = i % (2 * batch);
    return values[Math.floor(i / (2 * batch)) * batch + (n % batch)];
  });
}

export const sampledCases: Readonly<Record<string, SampledShape>> = Object.fromEntries(
  (
    [
      ['one element', 1, 1],
      ['prime sizes', 97, 12],
      ['a usual batch', 28 * 28, 64],
      ['more than one row of workgroups', 64 * 1024 + 1, 4],
    ] as const
  ).flatMap(([name, elements, batch]) => {
    const shape = { elements, batch: padded(batch), guided: false };
    return [
      [name, shape],
      [`${name}, guided`, { ...shape, guided: true }],
    ];
  }),
);

/** The network's own picture; guided, the network sees twice as many. */
export const sampledBench = (batch: number): Readonly<Record<string, SampledShape>> => ({
  input: { elements: 28 * 28, batch: padded(batch), guided: false },
  guided: { elements: 28 * 28, batch: padded(batch), guided: true },
});

const randomX = ({ elements, batch, guided }: SampledShape, random: TestRandom) => {
  const x = random.floats(elements * batch, -2, 2);
  return guided ? twice(x, batch) : x;
};

export const spec: Spec<SampledShape, 'step' | 'prediction' | 'velocity' | 'x'> = {
  kernel: flowStep,
  cases: sampledCases,
  inputs: (shape, random) => {
    const { elements, batch, guided } = shape;
    const step = random.floats(SAMPLING_STEP_WORDS);
    step[SAMPLING_STEP.step] = isEuler(shape) ? -1 / 7 : -1 / 14;
    step[SAMPLING_STEP.correction] = isEuler(shape) ? 0 : 1 / 14;
    step[SAMPLING_STEP.guidance] = isEuler(shape) ? 3 : 1.5;
    const velocity = random.floats(elements * batch, -3, 3);
    // Before the first step nothing has been written there.
    if (isEuler(shape))
      for (let i = 0; i < velocity.length; i++) velocity[i] = [Number.NaN, Number.POSITIVE_INFINITY][i % 2];
    const prediction = random.floats(elements * batch * (guided ? 2 : 1), -3, 3);
    return { step, prediction, velocity, x: randomX(shape, random) };
  },
  reference,
  error: (shape, { step, prediction, velocity: before, x: old }, values) => {
    const ulp = 2 * EPSILON;
    const scale = step[SAMPLING_STEP.step];
    const correction = step[SAMPLING_STEP.correction];
    const x = new Float64Array(old.length);
    const velocity = new Float64Array(before.length);
    for (let i = 0; i < velocity.length; i++) {
      const places = guidedPlaces(shape, i);
      const v = values.velocity[i];
      if (shape.guided) {
        const [conditional, unconditional] = places.map((place) => prediction[place]);
        const more = step[SAMPLING_STEP.guidance] * (conditional - unconditional);
        // A difference and a product, and the addition.
        velocity[i] = ulp * (2 * Math.abs(more) + Math.abs(v));
      }
      const moved = old[places[0]] + scale * v;
      const corrected = correction === 0 ? 0 : correction * before[i];
      // Two products and two additions.
      const sizes = [scale * v, corrected, moved, values.x[places[0]]].map(Math.abs);
      const rounding = ulp * sizes.reduce((a, b) => a + b);
      for (const place of places) x[place] = Math.abs(scale) * velocity[i] + rounding;
    }
    return { velocity, x };
  },
  bench: sampledBench,
};
