import type { SampledShape } from '../kernels/flow_step';
import type { Arrays } from '../plan/reference';
import { guidedPlaces } from './flow_step';

/** x mapped from [-1, 1] to [0, 1] and clamped; with guidance, the first copy of each image. */
export function reference(shape: SampledShape, { x }: Arrays) {
  const output = Float64Array.from({ length: shape.elements * shape.batch }, (_, i) =>
    Math.min(Math.max(0.5 * x[guidedPlaces(shape, i)[0]] + 0.5, 0), 1),
  );
  return { output };
}

export { small } from './flow_step';
