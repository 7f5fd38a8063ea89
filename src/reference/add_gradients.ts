import type { AddGradientsShape } from '../kernels/add_gradients';
import type { Arrays } from '../plan/reference';
import { type SmallCase, smallLayers } from '../plan/small_case';
import { flatSize, parameterCount } from './pack_weights';
import { sumOfSlices } from './sum_slices';

/** Adds the sum of each layer's slices to `sums` at the place of its parameters. */
export function reference({ layers }: AddGradientsShape, { slices, sums: before }: Arrays) {
  const sums = Float64Array.from(before);
  for (const layer of layers)
    for (let k = 0; k < parameterCount(layer); k++)
      sums[layer.offset + k] += sumOfSlices(slices, layer.slicesOffset + k, flatSize(layer), layer.slices);
  return { sums };
}

export const small: SmallCase<AddGradientsShape> = { shape: smallLayers };
