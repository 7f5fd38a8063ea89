import shaders from 'virtual:kernel/embedding';
import { type Conditioning, embeddingRows } from '../plan/conditioning';
import { call, type Kernel } from '../plan/op';

/** Rows for the noise level, if the network takes it, then one row per class and a last one for no class. */
export interface EmbeddingShape extends Conditioning {
  /** A multiple of 4. */
  readonly batch: number;
}

const levelRows = (shape: EmbeddingShape) => embeddingRows({ ...shape, classes: 0 });

export const embedding: Kernel<EmbeddingShape, 'levels' | 'classes' | 'features'> = {
  name: 'embedding',
  sizes: (shape) => ({
    levels: shape.batch,
    classes: shape.batch,
    features: embeddingRows(shape) * shape.batch,
  }),
  cost: (shape) => {
    const size = embeddingRows(shape) * shape.batch;
    return { flops: 14 * levelRows(shape) * shape.batch, bytes: 4 * size + 8 * shape.batch };
  },
  variants: {
    plain: {
      calls: (shape, tensors) => {
        const vec4s = (embeddingRows(shape) * shape.batch) / 4;
        return [
          call(shaders.plain, { vec4s, n4: shape.batch / 4, noise_rows: levelRows(shape) }, tensors, vec4s),
        ];
      },
    },
  },
};
