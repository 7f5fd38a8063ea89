import { type AverageShape, averageWeights } from '../../src/kernels/average_weights';
import { flatSize } from '../../src/kernels/pack_weights';
import { STATE, STATE_WORDS } from '../../src/plan/step_state';
import { freshShare, reference } from '../../src/reference/average_weights';
import { packLayers } from '../../src/reference/pack_weights';
import { EPSILON, type Spec } from '../spec';
import { spec as adam } from './adam';

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
  reference,
  error: ({ layers, step, skipped }, { parameter, average: before, packed: old }, { average: after }) => {
    if (skipped) return {};
    const fresh = freshShare(step);
    // What is kept is a quotient (2.5 ulp) of f32, or the setting, and the difference from 1 has that error, whatever is left of it.
    const ofFresh = 4 * EPSILON;
    const average = new Float64Array(after.length);
    for (const layer of layers)
      for (let i = layer.offset; i < layer.offset + flatSize(layer); i++) {
        // A difference and a product, then the sum.
        const ofStep = (ofFresh + 4 * EPSILON * fresh) * Math.abs(parameter[i] - before[i]);
        average[i] = ofStep + 2 * EPSILON * Math.abs(after[i]);
      }
    return { average, packed: packLayers(layers, average, new Float64Array(old.length)) };
  },
  bench: () => ({ 'all layers': { ...adam.bench(4)['all layers'], step: 100 } }),
};
