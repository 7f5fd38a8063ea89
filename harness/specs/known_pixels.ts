import type { SampledShape } from '../../src/kernels/flow_step';
import { knownPixels } from '../../src/kernels/known_pixels';
import { SAMPLING_STEP, SAMPLING_STEP_WORDS } from '../../src/plan/sampling_step';
import { guidedPlaces } from '../../src/reference/flow_step';
import { reference } from '../../src/reference/known_pixels';
import { sampledBench, sampledCases } from './flow_step';
import { EPSILON, type Spec } from './lib/spec';

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
  reference,
  error: (shape, { step, start, noise, mask }, values) => {
    const level = step[SAMPLING_STEP.level];
    const x = new Float64Array(values.x.length);
    for (let i = 0; i < mask.length; i++) {
      if (mask[i] < step[SAMPLING_STEP.knownFrom]) continue;
      const sizes = 2 * Math.abs((1 - level) * (2 * start[i] - 1)) + Math.abs(level * noise[i]);
      // 2 start is exact, and 1 taken off it errs by half an ulp of at most 1; 1 - level and its product, a product, and the addition.
      for (const place of guidedPlaces(shape, i))
        x[place] = EPSILON + 2 * EPSILON * (sizes + Math.abs(values.x[place]));
    }
    return { x };
  },
  bench: sampledBench,
};
