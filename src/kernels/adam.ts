import shader from '../../shaders/optimizer/adam.wgsl';
import { call, type Kernel } from '../plan/op';
import { STATE_WORDS } from '../plan/step_state';
import { table } from '../plan/tensor';
import { copies, flatSize, type ParameterShape, packing, packParams, parameterCount } from './pack_weights';

/** A layer and where its gradient lies, in floats: multiples of 4. */
export interface GradientLayer extends ParameterShape {
  /** Its gradient is the sum of so many slices of `flatSize` each, the first of which starts at `slicesOffset`. */
  readonly slices: number;
  readonly slicesOffset: number;
}

/** A layer and where it lies, in floats: multiples of 4. */
export interface PlacedLayer extends ParameterShape {
  /** In whatever is laid out like the flat parameters. */
  readonly offset: number;
  /** In the packed weights of all layers. */
  readonly packedOffset: number;
}

export type AdamLayer = GradientLayer & PlacedLayer;

export interface AdamShape {
  readonly layers: readonly AdamLayer[];
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Share of the learning rate by which each step pulls every parameter to 0. Default 0. */
  readonly weightDecay?: number;
}

/** Parameters of a workgroup, four an invocation. */
const BLOCK = 4 * shader.workgroupSize[0];

/** Of all tensors that hold the layers' gradients: their size. */
export const slicesSize = (layers: readonly GradientLayer[]) =>
  Math.max(...layers.map((l) => l.slicesOffset + l.slices * flatSize(l)));

/** A layer in blocks, one for each workgroup: the first parameter of each, and where that lies in the slices. */
export function blocksOf(layer: GradientLayer, block: number) {
  const size = parameterCount(layer);
  const pitch = flatSize(layer) / 4;
  return Array.from({ length: Math.ceil(size / block) }, (_, i) => {
    const first = i * block;
    return { first, left: size - first, at: (layer.slicesOffset + first) / 4, pitch, slices: layer.slices };
  });
}

/** Of the block that begins with the layer's parameter `first`, what lib/pack.wgsl needs. */
export function blockPlace(layer: PlacedLayer, first: number) {
  const { taps, inputs, outputs, bias_at, backward_at } = packParams(layer);
  const { packedOffset: at } = layer;
  const row = Math.floor(first / outputs);
  return {
    place: [Math.floor(row / inputs), row % inputs, first % outputs, parameterCount(layer) - first],
    layer: [taps, inputs, outputs],
    packed_at: [at, at + bias_at, at + backward_at, 0],
  } as const;
}

/** Updates the parameters of all layers, and their packed copies. */
export const adam: Kernel<AdamShape, 'slices' | 'state' | 'parameter' | 'moment1' | 'moment2' | 'packed'> = {
  name: 'adam',
  sizes: ({ layers }) => {
    const size = Math.max(...layers.map((l) => l.offset + flatSize(l)));
    return {
      slices: slicesSize(layers),
      state: STATE_WORDS,
      parameter: size,
      moment1: size,
      moment2: size,
      packed: Math.max(...layers.map((l) => l.packedOffset + packing(l).size)),
    };
  },
  cost: ({ layers }) => {
    const sum = (each: (layer: AdamLayer) => number) =>
      layers.reduce((total, l) => total + each(l) * parameterCount(l), 0);
    return { flops: sum((l) => 15 + l.slices), bytes: 4 * sum((l) => 6 + l.slices + copies(l)) };
  },
  variants: {
    plain: {
      calls: ({ layers, beta1, beta2, epsilon, weightDecay = 0 }, tensors) => {
        const rows = layers.flatMap((layer) =>
          blocksOf(layer, BLOCK).map(({ first, at, pitch, slices }) => {
            const { place, layer: sides, packed_at } = blockPlace(layer, first);
            const flat = (layer.offset + first) / 4;
            return { at: [flat, at, pitch, slices], place, layer: [...sides, 0], packed_at } as const;
          }),
        );
        const rest = { one_minus_beta1: 1 - beta1, one_minus_beta2: 1 - beta2 };
        const params = { count: rows.length, beta1, beta2, ...rest, epsilon, weight_decay: weightDecay };
        const blocks = table(shader, 'blocks of parameters', rows);
        return [call(shader, params, { ...tensors, blocks }, (rows.length * BLOCK) / 4)];
      },
    },
  },
};
