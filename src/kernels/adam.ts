import shaders from 'virtual:kernel/adam';
import { call, type Kernel } from '../plan/op';
import { STATE_WORDS } from '../plan/step_state';
import { table } from '../plan/tensor';
import { copies, flatSize, type ParameterShape, packedLayout, packing, parameterCount } from './pack_weights';

/** A layer and its offsets in floats, multiples of 4. */
export interface PlacedLayer extends ParameterShape {
  /** Offset in every buffer that is laid out like the flat parameters. */
  readonly offset: number;
  /** Offset in the packed weights of all layers. */
  readonly packedOffset: number;
}

interface AdamLayer extends PlacedLayer {
  /** Offset of its gradient in the gradients of all layers. */
  readonly gradientOffset: number;
}

export interface AdamShape {
  readonly layers: readonly AdamLayer[];
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Whether to write no packed copies: the parameters may then be of any kind, since no convolution reads them. */
  readonly unpacked?: boolean;
}

/** Parameters per workgroup; an invocation has four. */
const BLOCK = 4 * shaders.plain.workgroupSize[0];

/** The first parameter of each block of a layer; each block belongs to one workgroup. */
export const blockStarts = (layer: ParameterShape, block: number) =>
  Array.from({ length: Math.ceil(parameterCount(layer) / block) }, (_, i) => i * block);

/** The row of a table for the block that begins with a layer's parameter `first`, by lib/pack.wgsl; its gradient begins at vec4 `gradientAt`. */
export function blockRow(layer: PlacedLayer, first: number, gradientAt = 0) {
  const { taps, inputs, outputs, bias_at, backward_at } = packedLayout(layer);
  const { packedOffset: at } = layer;
  const row = Math.floor(first / outputs);
  return {
    place: [Math.floor(row / inputs), row % inputs, first % outputs, parameterCount(layer) - first],
    layer: [taps, inputs, outputs, (layer.offset + first) / 4],
    packed_at: [at, at + bias_at, at + backward_at, gradientAt],
  } as const;
}

/** Updates the parameters of all layers, and their packed copies if there are any. */
export const adam: Kernel<AdamShape, 'gradient' | 'state' | 'parameter' | 'moment1' | 'moment2' | 'packed'> =
  {
    name: 'adam',
    sizes: ({ layers, unpacked }) => {
      const size = Math.max(...layers.map((l) => l.offset + flatSize(l)));
      return {
        gradient: Math.max(...layers.map((l) => l.gradientOffset + flatSize(l))),
        state: STATE_WORDS,
        parameter: size,
        moment1: size,
        moment2: size,
        packed: unpacked ? 0 : Math.max(...layers.map((l) => l.packedOffset + packing(l).size)),
      };
    },
    cost: ({ layers, unpacked }) => {
      const sum = (each: (layer: AdamLayer) => number) =>
        layers.reduce((total, l) => total + each(l) * parameterCount(l), 0);
      return { flops: sum(() => 16), bytes: 4 * sum((l) => 7 + (unpacked ? 0 : copies(l))) };
    },
    variants: {
      plain: {
        calls: ({ layers, beta1, beta2, epsilon, unpacked }, { packed, ...tensors }) => {
          const rows = layers.flatMap((layer) =>
            blockStarts(layer, BLOCK).map((first) =>
              blockRow(layer, first, (layer.gradientOffset + first) / 4),
            ),
          );
          const rest = { one_minus_beta1: 1 - beta1, one_minus_beta2: 1 - beta2 };
          const params = { count: rows.length, beta1, beta2, ...rest, epsilon };
          const blocks = table(shaders.plain, 'blocks of parameters', rows);
          const items = (rows.length * BLOCK) / 4;
          if (unpacked) return [call(shaders.unpacked, params, { ...tensors, blocks }, items)];
          return [call(shaders.plain, params, { ...tensors, packed, blocks }, items)];
        },
      },
    },
  };
