import { type GradientNormShape, gradientNorm } from '../../src/kernels/gradient_norm';
import { flatSize, type ParameterShape, parameterCount } from '../../src/kernels/pack_weights';
import { eachGradient, reference } from '../../src/reference/gradient_norm';
import { sumOfSlices } from '../../src/reference/sum_slices';
import { absolute, EPSILON, type Spec, sumError } from './lib/spec';
import { layer, parameterLayers } from './pack_weights';

const sliced = (inChannels: number, outChannels: number, kernelSize: number, slices = 1) => ({
  ...layer(inChannels, outChannels, kernelSize),
  slices,
});

/** Layers one after the other, with unused numbers between them. */
function placed(...shapes: (ParameterShape & { slices: number })[]): GradientNormShape {
  let slicesOffset = 0;
  const layers = shapes.map((shape) => {
    const place = { ...shape, slicesOffset };
    slicesOffset = Math.ceil((slicesOffset + shape.slices * flatSize(shape) + 1) / 64) * 64;
    return place;
  });
  return { layers };
}

/** The tutorial's layers, with `slices` slices each. */
const network = (slices: number) =>
  placed(...Object.values(parameterLayers).map((shape) => ({ ...shape, slices })));

export const spec: Spec<GradientNormShape, 'slices' | 'partials'> = {
  kernel: gradientNorm,
  cases: {
    'one weight': placed(sliced(1, 1, 1)),
    'one weight in slices': placed(sliced(1, 1, 1, 3)),
    'a prime number of gradients': placed(sliced(2, 53, 3)),
    'a prime number of gradients in slices': placed(sliced(2, 53, 3, 19)),
    'whole blocks': placed(sliced(31, 32, 1), sliced(63, 32, 1, 2)),
    'layers of many sizes, with slices and without': placed(
      sliced(1, 4, 3, 2),
      sliced(4, 9, 3),
      sliced(9, 8, 1, 11),
      sliced(8, 1, 5, 8),
    ),
    'a large one with slices after small ones': placed(
      sliced(1, 3, 1),
      sliced(2, 3, 1, 9),
      sliced(103, 103, 5, 2),
    ),
    'more than one row of workgroups': placed(sliced(3, 5, 3, 7), sliced(205, 205, 5)),
    'the tutorial': network(1),
    'the tutorial, slices': network(3),
  },
  inputs: (shape, random) => {
    const { slices } = gradientNorm.sizes(shape);
    const grad = random.floats(slices, -0.1, 0.1);
    for (const own of shape.layers) {
      const pitch = flatSize(own);
      for (let s = 0; s < own.slices; s++) {
        const at = own.slicesOffset + s * pitch;
        // Any value may follow the gradients: this one has an infinite square.
        grad.fill(3e38, at + parameterCount(own), at + pitch);
        for (let i = 3; i < parameterCount(own); i += 10) grad[at + i] *= 1e-6;
      }
    }
    return { slices: grad };
  },
  reference,
  error: ({ layers }, inputs, { slices: sums, partials }) => {
    const magnitudes = absolute(inputs).slices;
    const slices = new Float64Array(sums.length);
    const ofPartials = new Float64Array(partials.length);
    eachGradient(layers, (layer, at, partial) => {
      const { slices: count } = layer;
      const g = Math.abs(sums[at]);
      const gError = count > 1 ? sumError(count, sumOfSlices(magnitudes, at, flatSize(layer), count)) : 0;
      slices[at] = gError;
      // The error of g counted twice as it is squared, then a product and 11 additions of numbers that are not negative: 2 in a vec4,
      // 3 to the invocation's other three, 6 over the workgroup.
      ofPartials[partial] += (2 * g + gError) * gError + 12 * 2 * EPSILON * g * g + 2 ** -126;
    });
    return { slices, partials: ofPartials };
  },
  bench: () => ({ 'all layers': network(1), 'all layers, 20 slices': network(20) }),
};
