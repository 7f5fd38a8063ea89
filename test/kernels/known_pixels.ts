import type { SampledShape } from '../../src/kernels/flow_step';
import { knownPixels } from '../../src/kernels/known_pixels';
import { SAMPLING_STEP, SAMPLING_STEP_WORDS } from '../../src/sampling/step';
import { EPSILON, type Spec } from '../spec';
import { placeOf, sampledBench, sampledCases } from './flow_step';

export const spec: Spec<SampledShape, 'step' | 'start' | 'noise' | 'mask' | 'x'> = {
  kernel: knownPixels,
  cases: sampledCases,
  inputs: ({ elements, batch, guided }, random) => {
    const step = random.floats(SAMPLING_STEP_WORDS);
    step[SAMPLING_STEP.level] = batch === 12 ? 0 : 0.3;
    step[SAMPLING_STEP.knownFrom] = 0.5;
    const size = elements * batch;
    // In eighths, of which many are the threshold itself.
    const mask = Float32Array.from(random.integers(size, 9), (k) => k / 8);
    mask.set([0.5, 1, 0, Math.fround(0.5 - 2 ** -25)]);
    return {
      step,
      start: random.floats(size, 0, 1),
      noise: random.floats(size, -3, 3),
      mask,
      x: random.floats(size * (guided ? 2 : 1), -2, 2),
    };
  },
  reference: (shape, { step, start, noise, mask, x: old }) => {
    const level = step[SAMPLING_STEP.level];
    const values = Float64Array.from(old);
    const error = new Float64Array(old.length);
    for (let i = 0; i < mask.length; i++) {
      if (mask[i] < step[SAMPLING_STEP.knownFrom]) continue;
      const at = placeOf(shape, i);
      const [mine, its] = [(1 - level) * (2 * start[i] - 1), level * noise[i]];
      for (const place of shape.guided ? [at, at + shape.batch] : [at]) {
        values[place] = mine + its;
        // 2 start is exact, and 1 taken off it errs by half an ulp of at most 1; 1 - level and its product, a product, and the addition.
        error[place] = EPSILON + 2 * EPSILON * (2 * Math.abs(mine) + Math.abs(its) + Math.abs(mine + its));
      }
    }
    return { x: { values, error } };
  },
  bench: sampledBench,
};
