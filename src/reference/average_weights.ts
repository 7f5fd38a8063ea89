import type { AverageShape } from '../kernels/average_weights';
import { type Arrays, whole } from '../plan/reference';
import { atMost, type SmallCase, smallLayers, state } from '../plan/small_case';
import { STATE } from '../plan/step_state';
import { flatSize, packing } from './pack_weights';

/** The weight of the old average in a step: 0 until the step `after`, in the end nearly 1. */
export function keptShare(step: number, { after, span, most }: Omit<AverageShape, 'layers'>): number {
  const since = step - after;
  if (since <= 0) return 0;
  return Math.min(most, Math.max(0, (since + span - 9) / (since + span)));
}

/** The average of all layers' parameters, moved on by a step, unless it was not finite, and its packed copies. */
function* steps({ layers, ...shape }: AverageShape, { state, parameter, average, packed }: Arrays) {
  const kept = keptShare(state[STATE.step], shape);
  const moved = new Float64Array(average);
  if (state[STATE.skipped] > 0) return { average: moved, packed: new Float64Array(packed) };
  for (const layer of layers) {
    for (let i = layer.offset; i < layer.offset + flatSize(layer); i++)
      moved[i] = kept * average[i] + (1 - kept) * parameter[i];
    yield;
  }
  return { average: moved, packed: yield* packing(layers, moved, packed) };
}

export const reference = whole(steps);

export const small: SmallCase<AverageShape> = {
  steps,
  shape: (shape, sizes) =>
    smallLayers(atMost<AverageShape>({ after: 10, span: 'as it is', most: 'as it is' })(shape), sizes),
  values: { state },
  ofStep: ['state'],
};
