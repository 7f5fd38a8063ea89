/** The weights of a network as tensors, and how they start. Pure, no GPU. */

import { type Op, op, type Tensor, tensor, view } from '../kernel';
import { needsNoPacking, packing, packWeights, type Region } from '../kernels/pack_weights';
import { STREAM, threefry, uniform } from '../random';
import { type Layer, layersOf, type Parameter, parametersOf, type UNetConfig } from './config';
import type { LayerWeights } from './forward';

/** One layer's share of the buffers. */
export interface LayerPlan {
  /** Of the flat parameters, and of whatever is laid out like them, in floats. */
  readonly offset: number;
  readonly parameters: Tensor;
  readonly packed: Tensor;
  readonly weights: LayerWeights;
}

export interface WeightPlan {
  readonly layers: readonly Layer[];
  readonly parameters: readonly Parameter[];
  /** The flat parameters: `parameters` says where each lies. */
  readonly flat: Tensor;
  /** The same numbers in the other orders that the kernels read: all layers, one after the other. */
  readonly packed: Tensor;
  readonly byLayer: readonly LayerPlan[];
  readonly weights: readonly LayerWeights[];
  /** From the flat parameters to the packed ones. */
  readonly pack: readonly Op[];
}

export function planWeights(config: UNetConfig): WeightPlan {
  const layers = layersOf(config);
  const { parameters, size } = parametersOf(layers);
  const places = layers.map(packing);
  const flat = tensor('parameters', size);
  const packed = tensor(
    'packed weights',
    places.reduce((sum, p) => sum + p.size, 0),
  );
  let start = 0;
  const byLayer = layers.map((layer, i): LayerPlan => {
    const { name } = layer;
    const [kernel, bias] = parameters.slice(2 * i, 2 * i + 2);
    const at = start;
    start += places[i].size;
    const part = (title: string, { offset, size }: Region) => view(packed, title, at + offset, size);
    return {
      offset: kernel.offset,
      parameters: view(flat, `${name} parameters`, kernel.offset, kernel.size + bias.size),
      packed: view(packed, `${name} packed weights`, at, places[i].size),
      weights: {
        forward: needsNoPacking(layer)
          ? view(flat, `${name} kernel`, kernel.offset, kernel.size)
          : part(`${name} kernel`, places[i].forward),
        bias: part(`${name} bias`, places[i].bias),
        backward: part(`${name} kernel, transposed`, places[i].backward),
      },
    };
  });
  const pack = layers.map((layer, i) =>
    op(packWeights, layer.name, layer, { parameters: byLayer[i].parameters, packed: byLayer[i].packed }),
  );
  return { layers, parameters, flat, packed, byLayer, weights: byLayer.map((l) => l.weights), pack };
}

/** Glorot uniform kernels and zero biases, as Keras starts: U(-l, l) with l = sqrt(6 / (fan in + fan out)). */
export function initialParameters(parameters: readonly Parameter[], seed: number): Map<string, Float32Array> {
  return new Map(
    parameters.map(({ name, shape, offset, size }) => {
      const values = new Float32Array(size);
      if (shape.length === 4) {
        const [kh, kw, fanIn, fanOut] = shape;
        const limit = Math.sqrt(6 / (kh * kw * (fanIn + fanOut)));
        for (let i = 0; i < size; i++) {
          values[i] = (2 * uniform(threefry(seed, STREAM.weights, 0, offset + i)[0]) - 1) * limit;
        }
      }
      return [name, values];
    }),
  );
}
