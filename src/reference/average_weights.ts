import type { AverageShape } from '../kernels/average_weights';
import type { Arrays } from '../plan/reference';
import { atMost, type SmallCase, smallLayers, state } from '../plan/small_case';
import { STATE } from '../plan/step_state';
import { flatSize, packLayers } from './pack_weights';

/** The weight of the old average in a step: 0 until the step `after`, in the end nearly 1. */
export function keptShare(step: number, { after, span, most }: Omit<AverageShape, 'layers'>): number {
  const since = step - after;
  if (since <= 0) return 0;
  return Math.min(most, Math.max(0, (since + span - 9) / (since + span)));
}

/** The average of all layers' parameters, moved on by a step, unless it was not finite, and its packed copies. */
export function reference({ layers, ...shape }: AverageShape, { state, parameter, average, packed }: Arrays) {
  const kept = keptShare(state[STATE.step], shape);
  const moved = new Float64Array(average);
  if (state[STATE.skipped] > 0) return { average: moved, packed: new Float64Array(packed) };
  for (const layer of layers) {
    for (let i = layer.offset; i < layer.offset + flatSize(layer); i++)
      moved[i] = kept * average[i] + (1 - kept) * parameter[i];
  }
  return { average: moved, packed: packLayers(layers, moved, packed) };
}

export const small: SmallCase<AverageShape> = {
  shape: (shape, sizes) =>
    smallLayers(atMost<AverageShape>({ after: 10, span: 'as it is', most: 'as it is' })(shape), sizes),
  values: { state },
};
