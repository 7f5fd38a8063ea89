import type { GradientLayer, GradientNormShape } from '../kernels/gradient_norm';
import type { Arrays } from '../plan/reference';
import { type SmallCase, smallLayers } from '../plan/small_case';
import { flatSize, parameterCount } from './pack_weights';
import { sumOfSlices } from './sum_slices';

/** Gradient elements per partial sum: 256 vec4s. */
const BLOCK = 1024;

/** Calls `visit(layer, index in the first slice, its partial sum)` for the gradients of all layers. */
export function eachGradient(
  layers: readonly GradientLayer[],
  visit: (layer: GradientLayer, at: number, partial: number) => void,
): void {
  let first = 0;
  for (const layer of layers) {
    const size = parameterCount(layer);
    for (let k = 0; k < size; k++) visit(layer, layer.slicesOffset + k, first + Math.floor(k / BLOCK));
    first += Math.ceil(size / BLOCK);
  }
}

/** Adds up each layer's slices into the first one, whose padding becomes 0, and writes sums of squares to `partials`. */
export function reference({ layers }: GradientNormShape, { slices }: Arrays) {
  const sums = new Float64Array(slices);
  const partials: number[] = [];
  const visit = (layer: GradientLayer, at: number, partial: number) => {
    const g = sumOfSlices(slices, at, flatSize(layer), layer.slices);
    sums[at] = g;
    partials[partial] = (partials[partial] ?? 0) + g * g;
  };
  eachGradient(layers, visit);
  for (const layer of layers) {
    const { slices: count, slicesOffset: start } = layer;
    if (count > 1) sums.fill(0, start + parameterCount(layer), start + flatSize(layer));
  }
  return { slices: sums, partials: Float64Array.from(partials) };
}

export const small: SmallCase<GradientNormShape> = { shape: smallLayers };
