import shaders from 'virtual:kernel/add_gradients';
import { call, type Kernel } from '../plan/op';
import { table } from '../plan/tensor';
import { blockStarts } from './adam';
import { type GradientLayer, slicesAt } from './gradient_norm';
import { flatSize } from './pack_weights';

export interface AddGradientsShape {
  /** `offset`: the layer's offset in the sums, in floats, a multiple of 4. */
  readonly layers: readonly (GradientLayer & { readonly offset: number })[];
}

/** Gradients per workgroup; an invocation has four. */
const BLOCK = 4 * shaders.plain.workgroupSize[0];

/** Adds the gradients of all layers to sums that are laid out like the flat parameters. */
export const addGradients: Kernel<AddGradientsShape, 'slices' | 'sums'> = {
  name: 'add_gradients',
  sizes: ({ layers }) => ({
    slices: Math.max(...layers.map((l) => l.slicesOffset + l.slices * flatSize(l))),
    sums: Math.max(...layers.map((l) => l.offset + flatSize(l))),
  }),
  cost: ({ layers }) => {
    const sum = (each: number) => layers.reduce((total, l) => total + (l.slices + each) * flatSize(l), 0);
    return { flops: sum(0), bytes: 4 * sum(2) };
  },
  variants: {
    plain: {
      calls: ({ layers }, tensors) => {
        const rows = layers.flatMap((layer) =>
          blockStarts(layer, BLOCK).map(
            (first) =>
              ({ at: slicesAt(layer, first), sums_at: [(layer.offset + first) / 4, 0, 0, 0] }) as const,
          ),
        );
        const blocks = table(shaders.plain, 'blocks of gradients', rows);
        return [
          call(shaders.plain, { count: rows.length }, { ...tensors, blocks }, (rows.length * BLOCK) / 4),
        ];
      },
    },
  },
};
