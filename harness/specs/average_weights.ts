import { type AverageShape, averageWeights } from '../../src/kernels/average_weights';
import { flatSize } from '../../src/kernels/pack_weights';
import { STATE, STATE_WORDS } from '../../src/plan/step_state';
import { keptShare, reference } from '../../src/reference/average_weights';
import { packLayers } from '../../src/reference/pack_weights';
import { spec as adam } from './adam';
import { EPSILON, type Spec } from './lib/spec';

/** Step, step after which the average begins, span, most. */
const PLACES = [
  [1, 0, 9, 0.999],
  [37, 0, 9, 0.999],
  [20_000, 0, 9, 0.999], // the old average's weight is at its maximum
  [30, 30, 36, 0.99975], // the last one without an average
  [57, 20, 9, 0.999],
  [31, 30, 36, 0.99975], // the first one has a large weight
  [22, 20, 2.25, 0.996], // 7 short of 9: its weight is still 0
  [50_000, 400, 36, 0.99975],
  [3, 1, 76.8, 0.9995],
  [1, 0, 0, 1],
  [450, 400, 36, 0.99975],
] as const;

interface Case extends AverageShape {
  /** Completed steps. */
  readonly step: number;
  /** Default 0. */
  readonly skipped?: number;
}

const cases = Object.entries(adam.cases)
  .filter(([_, { skipped, unpacked }]) => !skipped && !unpacked)
  .map(([name, { layers }], i): [string, Case] => {
    const [step, after, span, most] = PLACES[i % PLACES.length];
    return [name, { layers, step, after, span, most }];
  });

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
  error: (
    { layers, step, skipped, ...shape },
    { parameter, average: before, packed: old },
    { average: after },
  ) => {
    if (skipped) return {};
    const kept = keptShare(step, shape);
    // The weight is a quotient (2.5 ulp) of f32, or the option, or exactly 0; its difference from 1 has the same absolute error.
    // Only sums with a span that is no whole number of quarters are rounded.
    const ofKept = kept === 0 ? 0 : (shape.span % 0.25 ? 8 : 4) * EPSILON;
    const average = new Float64Array(after.length);
    for (const layer of layers)
      for (let i = layer.offset; i < layer.offset + flatSize(layer); i++) {
        const ofShares = ofKept * (Math.abs(parameter[i]) + Math.abs(before[i]));
        // Two products and their sum.
        const terms = Math.abs(kept * before[i]) + Math.abs((1 - kept) * parameter[i]);
        average[i] = ofShares + (kept === 0 ? 0 : 2 * EPSILON * terms);
      }
    return { average, packed: packLayers(layers, average, new Float64Array(old.length)) };
  },
  bench: () => ({
    'all layers': { ...adam.bench(4)['all layers'], step: 100, after: 0, span: 9, most: 0.999 },
  }),
};
