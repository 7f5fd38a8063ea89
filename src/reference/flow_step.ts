import type { SampledShape } from '../kernels/flow_step';
import type { Arrays } from '../plan/reference';
import { SAMPLING_STEP } from '../plan/sampling_step';
import { atMost, ELEMENTS, type SmallCase } from '../plan/small_case';

/** The places of element i of [elements][batch] in x: with guidance, x is [elements][2 * batch] and has each image twice. */
export function guidedPlaces({ batch, guided }: SampledShape, i: number): number[] {
  if (!guided) return [i];
  const at = i + Math.floor(i / batch) * batch;
  return [at, at + batch];
}

/** The velocity [elements][batch], which guidance moves away from the prediction without a class, and x moved by it. */
export function reference(shape: SampledShape, { step, prediction, velocity: before, x: old }: Arrays) {
  const correction = step[SAMPLING_STEP.correction];
  const x = new Float64Array(old.length);
  const velocity = new Float64Array(before.length);
  for (let i = 0; i < velocity.length; i++) {
    const places = guidedPlaces(shape, i);
    const [conditional, unconditional] = places.map((place) => prediction[place]);
    velocity[i] = shape.guided
      ? unconditional + step[SAMPLING_STEP.guidance] * (conditional - unconditional)
      : conditional;
    // Without a correction, the previous velocity may hold anything.
    const corrected = correction === 0 ? 0 : correction * before[i];
    const moved = old[places[0]] + step[SAMPLING_STEP.step] * velocity[i] + corrected;
    for (const place of places) x[place] = moved;
  }
  return { velocity, x };
}

export const small: SmallCase<SampledShape> = {
  shape: atMost<SampledShape>({ elements: ELEMENTS, batch: 8 }),
};
