import type { AverageShape } from '../kernels/average_weights';
import type { Arrays } from '../plan/reference';
import { STATE } from '../plan/step_state';
import { flatSize, packLayers } from './pack_weights';

/** The share of the way from the average to the parameters that a step moves: most of it in the first steps. */
export const freshShare = (step: number) => 1 - Math.min(0.999, step / (step + 9));

/** The average of all layers' parameters, and its packed copies, moved on by a step, unless the step was not finite. */
export function reference({ layers }: AverageShape, { state, parameter, average, packed }: Arrays) {
  const fresh = freshShare(state[STATE.step]);
  const moved = Float64Array.from(average);
  if (state[STATE.skipped] > 0) return { average: moved, packed: Float64Array.from(packed) };
  for (const layer of layers)
    for (let i = layer.offset; i < layer.offset + flatSize(layer); i++)
      moved[i] += fresh * (parameter[i] - average[i]);
  return { average: moved, packed: packLayers(layers, moved, packed) };
}
