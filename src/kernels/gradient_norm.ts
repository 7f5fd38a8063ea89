import shaders from 'virtual:kernel/gradient_norm';
import { call, type Kernel } from '../plan/op';
import { table } from '../plan/tensor';
import { blockStarts } from './adam';
import { flatSize, type ParameterShape, parameterCount } from './pack_weights';

/** A layer and the offsets of its gradient in floats, multiples of 4. */
export interface GradientLayer extends ParameterShape {
  /** The gradient is the sum of this many slices of `flatSize` each, the first of which starts at `slicesOffset`. */
  readonly slices: number;
  readonly slicesOffset: number;
}

export interface GradientNormShape {
  readonly layers: readonly GradientLayer[];
}

/** vec4s per invocation. */
const EACH = 4;
/** Gradient elements per workgroup. */
const BLOCK = 4 * EACH * shaders.plain.workgroupSize[0];

/** Number of blocks of a layer. */
export const normBlocks = (layer: ParameterShape) => Math.ceil(parameterCount(layer) / BLOCK);

/** Number of partial sums: one per workgroup. */
export const normPartialCount = ({ layers }: GradientNormShape) =>
  layers.reduce((sum, layer) => sum + normBlocks(layer), 0);

/** The slices of a layer's block of gradients that begins with `first`, as a row of a table has them. */
export const slicesAt = (layer: GradientLayer, first: number) => {
  const rest = parameterCount(layer) - first;
  return [(layer.slicesOffset + first) / 4, flatSize(layer) / 4, layer.slices, rest] as const;
};

/** Adds up the slices of all gradients in place, and their squares into partial sums. */
export const gradientNorm: Kernel<GradientNormShape, 'slices' | 'partials'> = {
  name: 'gradient_norm',
  sizes: (shape) => ({
    slices: Math.max(...shape.layers.map((l) => l.slicesOffset + l.slices * flatSize(l))),
    partials: normPartialCount(shape),
  }),
  cost: ({ layers }) => {
    const sum = (each: (layer: GradientLayer) => number) =>
      layers.reduce((total, l) => total + each(l) * flatSize(l), 0);
    return {
      flops: sum(({ slices }) => slices + 1),
      bytes: 4 * sum(({ slices }) => (slices > 1 ? slices + 1 : 1)),
    };
  },
  variants: {
    plain: {
      calls: ({ layers }, tensors) => {
        const rows = layers.flatMap((layer) =>
          blockStarts(layer, BLOCK).map((first) => ({ at: slicesAt(layer, first) })),
        );
        const blocks = table(shaders.plain, 'blocks of gradients', rows);
        return [
          call(
            shaders.plain,
            { count: rows.length },
            { ...tensors, blocks },
            rows.length * shaders.plain.workgroupSize[0],
          ),
        ];
      },
    },
  },
};
