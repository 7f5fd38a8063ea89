import { type AverageShape, averageWeights } from '../../src/kernels/average_weights';
import { flatSize } from '../../src/kernels/pack_weights';
import { STATE, STATE_WORDS } from '../../src/plan/step_state';
import { keptShare, reference } from '../../src/reference/average_weights';
import { packLayers } from '../../src/reference/pack_weights';
import { EPSILON, type Spec } from '../spec';
import { spec as adam } from './adam';

/**
 * Completed steps: the first one, one that forgets quickly, one of so many that the share that stays is at its most, the last one without an
 * average, and one since.
 */
interface Case extends AverageShape {
  readonly step: number;
  /** Default 0. */
  readonly skipped?: number;
}

const cases = Object.entries(adam.cases)
  .filter(([, { skipped, unpacked }]) => !skipped && !unpacked)
  .map(([name, { layers }], i): [string, Case] => {
    const [step, after] = [
      [1, 0],
      [37, 0],
      [20_000, 0],
      [30, 30],
      [57, 20],
    ][i % 5];
    return [name, { layers, step, after }];
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
    { layers, step, after: begin, skipped },
    { parameter, average: before, packed: old },
    { average: after },
  ) => {
    if (skipped) return {};
    const kept = keptShare(step, begin);
    // What is kept is a quotient (2.5 ulp) of f32, or the setting, or exactly nothing, and the difference from 1 has that error, whatever is left of it.
    const ofKept = kept === 0 ? 0 : 4 * EPSILON;
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
  bench: () => ({ 'all layers': { ...adam.bench(4)['all layers'], step: 100, after: 0 } }),
};
