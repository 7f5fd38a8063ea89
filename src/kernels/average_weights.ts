import shaders from 'virtual:kernel/average_weights';
import { call, type Kernel } from '../plan/op';
import { STATE_WORDS } from '../plan/step_state';
import { table } from '../plan/tensor';
import { blockRow, blockStarts, type PlacedLayer } from './adam';
import { copies, flatSize, packing, parameterCount } from './pack_weights';

export interface AverageShape {
  readonly layers: readonly PlacedLayer[];
  /** Until this step the average equals the parameters. */
  readonly after: number;
  /** The average spans about a ninth of the sum of this number and the steps since `after`. */
  readonly span: number;
  /** Upper limit on the share of the average that stays from step to step. */
  readonly most: number;
}

/** Parameters per workgroup; an invocation has four. */
const BLOCK = 4 * shaders.plain.workgroupSize[0];

/** Updates the average of all parameters, and its packed copies, by a step. */
export const averageWeights: Kernel<AverageShape, 'state' | 'parameter' | 'average' | 'packed'> = {
  name: 'average_weights',
  sizes: ({ layers }) => {
    const size = Math.max(...layers.map((l) => l.offset + flatSize(l)));
    const packed = Math.max(...layers.map((l) => l.packedOffset + packing(l).size));
    return { state: STATE_WORDS, parameter: size, average: size, packed };
  },
  cost: ({ layers }) => {
    const sum = (each: (layer: PlacedLayer) => number) =>
      layers.reduce((total, l) => total + each(l) * parameterCount(l), 0);
    return { flops: sum(() => 3), bytes: 4 * sum((l) => 3 + copies(l)) };
  },
  variants: {
    plain: {
      calls: ({ layers, after, span, most }, tensors) => {
        const rows = layers.flatMap((layer) =>
          blockStarts(layer, BLOCK).map((first) => blockRow(layer, first)),
        );
        const blocks = table(shaders.plain, 'blocks of averages', rows);
        const params = { count: rows.length, most, after, span };
        return [call(shaders.plain, params, { ...tensors, blocks }, (rows.length * BLOCK) / 4)];
      },
    },
  },
};
