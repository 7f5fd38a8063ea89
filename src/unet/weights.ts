/** A network's weights as tensors, and their initial values. Pure, no GPU. */

import { normal, STREAM, threefry, uniform } from '../base/random';
import { needsNoPacking, packing, packWeights, type Region } from '../kernels/pack_weights';
import { type Op, op } from '../plan/op';
import { type Tensor, tensor, view } from '../plan/tensor';
import {
  type ConditioningLayers,
  conditioningLayers,
  type Layer,
  listLayers,
  listParameters,
  type Parameter,
  type UNetConfig,
} from './config';

/** A layer's weights in the layouts that the kernels read (see pack_weights). */
export interface LayerWeights {
  readonly forward: Tensor;
  readonly bias: Tensor;
  readonly backward: Tensor;
}

/** The linear layers of a conditioned network, and their weights. */
export interface ConditioningPlan {
  readonly layers: ConditioningLayers;
  readonly hidden: LayerWeights;
  readonly output: LayerWeights;
}

/** One layer's part of the buffers. */
interface LayerPlan {
  /** Offset in the flat parameters, and in all buffers laid out like them, in floats. */
  readonly offset: number;
  readonly parameters: Tensor;
  readonly packed: Tensor;
  readonly weights: LayerWeights;
}

export interface WeightPlan {
  /** The convolutions. */
  readonly layers: readonly Layer[];
  readonly conditioning?: ConditioningPlan;
  readonly parameters: readonly Parameter[];
  /** The flat parameters; `parameters` has their offsets. */
  readonly flat: Tensor;
  /** The same numbers in the kernels' other layouts: all layers, one after the other. */
  readonly packed: Tensor;
  /** All layers that have parameters: the convolutions, then the linear layers of the conditioning. */
  readonly all: readonly Layer[];
  /** One for each layer of `all`. */
  readonly byLayer: readonly LayerPlan[];
  /** One for each convolution. */
  readonly weights: readonly LayerWeights[];
  /** Packs the flat parameters. */
  readonly pack: readonly Op[];
}

export function planWeights(config: UNetConfig): WeightPlan {
  const convolutions = listLayers(config);
  const conditioning = conditioningLayers(config);
  const layers = conditioning ? [...convolutions, conditioning.hidden, conditioning.output] : convolutions;
  const { parameters, size } = listParameters(config);
  const places = layers.map(packing);
  const flat = tensor('parameters', size);
  const packed = tensor(
    'packed weights',
    places.reduce((sum, p) => sum + p.size, 0),
  );
  let start = 0;
  const byLayer = layers.map((layer, i): LayerPlan => {
    const { name } = layer;
    const own = parameters.filter((p) => p.name.startsWith(`${name}.`));
    const { offset } = own[0];
    const { size: biases } = own[own.length - 1];
    const numbers = own.reduce((sum, p) => sum + p.size, 0);
    const at = start;
    start += places[i].size;
    const part = (title: string, { offset, size }: Region) => view(packed, title, at + offset, size);
    return {
      offset,
      parameters: view(flat, `${name} parameters`, offset, numbers),
      packed: view(packed, `${name} packed weights`, at, places[i].size),
      weights: {
        forward: needsNoPacking(layer)
          ? view(flat, `${name} kernel`, offset, numbers - biases)
          : part(`${name} kernel`, places[i].forward),
        bias: part(`${name} bias`, places[i].bias),
        backward: part(`${name} kernel, transposed`, places[i].backward),
      },
    };
  });
  const pack = layers.map((layer, i) =>
    op(packWeights, layer.name, layer, { parameters: byLayer[i].parameters, packed: byLayer[i].packed }),
  );
  const weights = byLayer.map((l) => l.weights);
  const [hidden, output] = weights.slice(convolutions.length);
  return {
    layers: convolutions,
    ...(conditioning ? { conditioning: { layers: conditioning, hidden, output } } : {}),
    all: layers,
    parameters,
    flat,
    packed,
    byLayer,
    weights: weights.slice(0, convolutions.length),
    pack,
  };
}

/**
 * Glorot uniform kernels and zero biases, as in Keras: U(-l, l) with l = sqrt(6 / (fan in + fan out)). Tables of classes start standard
 * normal.
 */
export function initialParameters(parameters: readonly Parameter[], seed: number): Map<string, Float32Array> {
  return new Map(
    parameters.map(({ name, shape, offset, size }) => {
      const words = (i: number) => threefry(seed, STREAM.weights, 0, offset + i);
      if (shape.length === 1) return [name, new Float32Array(size)];
      if (name.endsWith('.classes'))
        return [name, Float32Array.from({ length: size }, (_, i) => normal(words(i))[0])];
      const [fanOut, fanIn, ...taps] = [...shape].reverse();
      const limit = Math.sqrt(6 / (taps.reduce((a, b) => a * b, 1) * (fanIn + fanOut)));
      return [name, Float32Array.from({ length: size }, (_, i) => (2 * uniform(words(i)[0]) - 1) * limit)];
    }),
  );
}
