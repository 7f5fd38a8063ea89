import type { GradientLayer, GradientNormShape } from '../kernels/gradient_norm';
import { type Arrays, whole } from '../plan/reference';
import { type SmallCase, smallLayers } from '../plan/small_case';
import { flatSize, parameterCount } from './pack_weights';
import { sumOfSlices } from './sum_slices';

/** Gradient elements per partial sum: 256 vec4s. */
const BLOCK = 1024;
/** Numbers that are copied at once. */
const PIECE = 2 ** 18;

/**
 * Calls `visit(layer, index in the first slice, its partial sum)` for the gradients of all layers; `first` is the first partial sum. Returns the
 * one behind the last.
 */
export function eachGradient(
  layers: readonly GradientLayer[],
  visit: (layer: GradientLayer, at: number, partial: number) => void,
  first = 0,
): number {
  for (const layer of layers) {
    const size = parameterCount(layer);
    for (let k = 0; k < size; k++) visit(layer, layer.slicesOffset + k, first + Math.floor(k / BLOCK));
    first += Math.ceil(size / BLOCK);
  }
  return first;
}

/** Adds up each layer's slices into the first one, whose padding becomes 0, and writes sums of squares to `partials`. */
function* steps({ layers }: GradientNormShape, { slices }: Arrays) {
  const sums = new Float64Array(slices.length);
  for (let at = 0; at < slices.length; at += PIECE) {
    sums.set(slices.subarray(at, at + PIECE), at);
    yield;
  }
  const partials: number[] = [];
  const visit = (layer: GradientLayer, at: number, partial: number) => {
    const g = sumOfSlices(slices, at, flatSize(layer), layer.slices);
    sums[at] = g;
    partials[partial] = (partials[partial] ?? 0) + g * g;
  };
  let first = 0;
  for (const layer of layers) {
    first = eachGradient([layer], visit, first);
    yield;
  }
  for (const layer of layers) {
    const { slices: count, slicesOffset: start } = layer;
    if (count > 1) sums.fill(0, start + parameterCount(layer), start + flatSize(layer));
  }
  return { slices: sums, partials: Float64Array.from(partials) };
}

export const reference = whole(steps);

export const small: SmallCase<GradientNormShape> = { shape: smallLayers, steps };
