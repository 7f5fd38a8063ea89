import { type AddGradientsShape, addGradients } from '../../src/kernels/add_gradients';
import type { GradientNormShape } from '../../src/kernels/gradient_norm';
import { flatSize, parameterCount } from '../../src/kernels/pack_weights';
import { reference } from '../../src/reference/add_gradients';
import { sumOfSlices } from '../../src/reference/sum_slices';
import { spec as norm } from './gradient_norm';
import { absolute, mapValues, type Spec, sumError } from './lib/spec';

/** Layers whose gradients lie as in a shape of gradient_norm, and whose sums follow one another, with unused gaps. */
function placed({ layers }: GradientNormShape): AddGradientsShape {
  let offset = 0;
  return {
    layers: layers.map((layer) => {
      const place = { ...layer, offset };
      offset = Math.ceil((offset + flatSize(layer) + 1) / 64) * 64;
      return place;
    }),
  };
}

export const spec: Spec<AddGradientsShape, 'slices' | 'sums'> = {
  kernel: addGradients,
  cases: mapValues(norm.cases, placed),
  inputs: (shape, random) => ({
    slices: norm.inputs(shape, random).slices,
    sums: random.floats(addGradients.sizes(shape).sums, -0.3, 0.3),
  }),
  reference,
  error: ({ layers }, inputs, { sums: values }) => {
    const { slices, sums: before } = absolute(inputs);
    const sums = new Float64Array(values.length);
    for (const layer of layers)
      for (let k = 0; k < parameterCount(layer); k++) {
        const i = layer.offset + k;
        const of = sumOfSlices(slices, layer.slicesOffset + k, flatSize(layer), layer.slices);
        sums[i] = sumError(layer.slices + 1, before[i] + of);
      }
    return { sums };
  },
  bench: (batch) => mapValues(norm.bench(batch), placed),
};
