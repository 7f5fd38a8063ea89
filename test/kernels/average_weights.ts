import { type AverageShape, averageWeights, MOST_KEPT } from '../../src/kernels/average_weights';
import { flatSize, packing, parameterCount } from '../../src/kernels/pack_weights';
import { STATE, STATE_WORDS } from '../../src/plan/step_state';
import { EPSILON, type Spec, type Values } from '../spec';
import { spec as adam } from './adam';
import { packInto } from './pack_weights';

/** Completed steps: the first one, one that forgets quickly, and one of so many that the share that stays is at its most. */
interface Case extends AverageShape {
  readonly step: number;
  /** Default 0. */
  readonly skipped?: number;
}

const cases = Object.entries(adam.cases)
  .filter(([, { skipped }]) => !skipped)
  .map(([name, { layers }], i): [string, Case] => [name, { layers, step: [1, 37, 20_000][i % 3] }]);

export const spec: Spec<Case, 'state' | 'parameter' | 'average' | 'packed'> = {
  kernel: averageWeights,
  cases: { ...Object.fromEntries(cases), 'not a step': { ...cases[0][1], skipped: 1 } },
  inputs: (shape, random) => {
    const { parameter, packed } = averageWeights.sizes(shape);
    const state = new Uint32Array(STATE_WORDS);
    state[STATE.step] = shape.step;
    state[STATE.skipped] = shape.skipped ?? 0;
    return {
      state,
      parameter: random.floats(parameter),
      average: random.floats(parameter),
      packed: random.floats(packed),
    };
  },
  reference: (shape, { parameter, average, packed }) => {
    const fresh = 1 - Math.min(MOST_KEPT, shape.step / (shape.step + 9));
    // What is kept is a quotient (2.5 ulp) of f32, or the setting, and the difference from 1 has that error, whatever is left of it.
    const freshError = 4 * EPSILON;
    const unchanged = (values: Values) => ({
      values: Float64Array.from(values),
      error: new Float64Array(values.length),
    });
    const [mean, copies] = [average, packed].map(unchanged);
    if (shape.skipped) return { average: mean, packed: copies };
    for (const own of shape.layers) {
      for (let i = own.offset; i < own.offset + flatSize(own); i++) {
        const step = parameter[i] - average[i];
        mean.values[i] = average[i] + fresh * step;
        // A difference and a product, then the sum.
        mean.error[i] =
          (freshError + 4 * EPSILON * fresh) * Math.abs(step) + 2 * EPSILON * Math.abs(mean.values[i]);
      }
      const part = (values: Float64Array) => values.subarray(own.offset, own.offset + parameterCount(own));
      const place = (values: Float64Array) =>
        values.subarray(own.packedOffset, own.packedOffset + packing(own).size);
      for (const key of ['values', 'error'] as const)
        place(copies[key]).set(packInto(own, part(mean[key]), place(copies[key])));
    }
    return { average: mean, packed: copies };
  },
  bench: () => ({ 'all layers': { ...adam.bench(4)['all layers'], step: 100 } }),
};
