import type { SampledShape } from '../kernels/flow_step';
import type { Arrays } from '../plan/reference';
import { SAMPLING_STEP } from '../sampling/step';
import { placesOf } from './flow_step';

/** x, in which pixels that the mask says are known are those of `start`, from [0, 1], with as much noise as the level says. */
export function reference(shape: SampledShape, { step, start, noise, mask, x: old }: Arrays) {
  const level = step[SAMPLING_STEP.level];
  const x = Float64Array.from(old);
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] < step[SAMPLING_STEP.knownFrom]) continue;
    for (const place of placesOf(shape, i)) x[place] = (1 - level) * (2 * start[i] - 1) + level * noise[i];
  }
  return { x };
}
