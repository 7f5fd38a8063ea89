import type { SampledShape } from '../kernels/flow_step';
import type { Arrays } from '../plan/reference';
import { SAMPLING_STEP } from '../plan/sampling_step';
import { guidedPlaces } from './flow_step';

/** x with known pixels (by the mask) replaced by the pixels of `start`, mapped from [0, 1] to [-1, 1] and mixed with noise by the level. */
export function reference(shape: SampledShape, { step, start, noise, mask, x: old }: Arrays) {
  const level = step[SAMPLING_STEP.level];
  const x = Float64Array.from(old);
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] < step[SAMPLING_STEP.knownFrom]) continue;
    for (const place of guidedPlaces(shape, i))
      x[place] = (1 - level) * (2 * start[i] - 1) + level * noise[i];
  }
  return { x };
}

export { small } from './flow_step';
