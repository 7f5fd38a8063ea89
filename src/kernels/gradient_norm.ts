import shader from '../../shaders/optimizer/gradient_norm.wgsl';
import { call, type Kernel } from '../plan/op';
import { table } from '../plan/tensor';
import { blocksOf, type GradientLayer, slicesSize } from './adam';
import { flatSize, type ParameterShape, parameterCount } from './pack_weights';

export interface GradientNormShape {
  readonly layers: readonly GradientLayer[];
}

/** vec4s of an invocation. */
const EACH = 4;
/** Gradients of a workgroup. */
const BLOCK = 4 * EACH * shader.workgroupSize[0];

/** Of a layer. */
export const normBlocks = (layer: ParameterShape) => Math.ceil(parameterCount(layer) / BLOCK);

/** One for every workgroup. */
export const normPartialCount = ({ layers }: GradientNormShape) =>
  layers.reduce((sum, layer) => sum + normBlocks(layer), 0);

/** Adds up the slices of all gradients, in place, and their squares in part. */
export const gradientNorm: Kernel<GradientNormShape, 'slices' | 'partials'> = {
  name: 'gradient_norm',
  sizes: (shape) => ({ slices: slicesSize(shape.layers), partials: normPartialCount(shape) }),
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
          blocksOf(layer, BLOCK).map(
            ({ at, pitch, slices, left }) => ({ at: [at, pitch, slices, left] }) as const,
          ),
        );
        const blocks = table(shader, 'blocks of gradients', rows);
        return [
          call(shader, { count: rows.length }, { ...tensors, blocks }, rows.length * shader.workgroupSize[0]),
        ];
      },
    },
  },
};
