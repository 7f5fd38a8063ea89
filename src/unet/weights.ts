/** The weights of a network as tensors, and how they start. Pure, no GPU. */

import { type Op, op, type Tensor, tensor, view } from '../kernel';
import { packing, packWeights } from '../kernels/pack_weights';
import { STREAM, threefry, uniform } from '../random';
import { type Layer, layersOf, type Parameter, parametersOf, type UNetConfig } from './config';
import type { LayerWeights } from './forward';

export interface WeightPlan {
  readonly layers: readonly Layer[];
  readonly parameters: readonly Parameter[];
  /** The flat parameters: `parameters` says where each lies. */
  readonly flat: Tensor;
  /** The same numbers in the orders that the kernels read, by layer in `weights`. */
  readonly packed: Tensor;
  readonly weights: readonly LayerWeights[];
  /** Where pack_weights puts what, and its contents. */
  readonly table: Tensor;
  readonly rows: Uint32Array<ArrayBuffer>;
  readonly pack: Op;
}

export function planWeights(config: UNetConfig): WeightPlan {
  const layers = layersOf(config);
  const { parameters, size } = parametersOf(layers);
  const places = packing(layers);
  const flat = tensor('parameters', size);
  const packed = tensor('packed weights', places.size);
  const table = tensor('weight table', places.rows.length);
  const weights = layers.map(({ name }, i): LayerWeights => {
    const { forward, bias, backward } = places.layers[i];
    return {
      forward: view(packed, `${name} kernel`, forward.offset, forward.size),
      bias: view(packed, `${name} bias`, bias.offset, bias.size),
      backward: view(packed, `${name} kernel, transposed`, backward.offset, backward.size),
    };
  });
  const pack = op(packWeights, 'all', layers, { parameters: flat, table, packed });
  return { layers, parameters, flat, packed, table, rows: places.rows, weights, pack };
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
