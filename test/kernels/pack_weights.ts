import { type ParameterShape, packing, packWeights, parameterCount } from '../../src/kernels/pack_weights';
import type { Spec, Values } from '../spec';

const layer = (inChannels: number, outChannels: number, kernelSize: number): ParameterShape => ({
  inChannels,
  outChannels,
  kernelSize,
});

/** The tutorial's layers. */
export const parameterLayers: Record<string, ParameterShape> = {
  'down.0': layer(1, 32, 5),
  'down.1': layer(32, 64, 5),
  'down.2': layer(64, 64, 5),
  'up.0': layer(64, 64, 5),
  'up.1': layer(64, 32, 5),
  'up.2': layer(32, 1, 5),
};

/** A copy of `packed` with everything but its padding replaced by what `values` holds for each parameter. */
export function packInto(
  { inChannels, outChannels, kernelSize }: ParameterShape,
  values: Values,
  packed: Values,
): Float64Array {
  const result = Float64Array.from(packed);
  const align = (offset: number) => Math.ceil(offset / 64) * 64;
  const taps = kernelSize * kernelSize;
  const inP = Math.ceil(inChannels / 8) * 8;
  const outP = Math.ceil(outChannels / 8) * 8;
  const padded = outP > outChannels; // else the forward pass reads the parameters as they are
  const bias = padded ? align(taps * inChannels * outP) : 0;
  const backward = bias + align(outP);
  let from = 0;
  for (let tap = 0; tap < taps; tap++)
    for (let c = 0; c < inChannels; c++)
      for (let o = 0; o < outChannels; o++) {
        const value = values[from++];
        if (padded) result[(tap * inChannels + c) * outP + o] = value;
        result[backward + ((taps - 1 - tap) * outChannels + o) * inP + c] = value;
      }
  for (let o = 0; o < outChannels; o++) result[bias + o] = values[from++];
  return result;
}

export const spec: Spec<ParameterShape, 'parameters' | 'packed'> = {
  kernel: packWeights,
  cases: {
    'one weight': layer(1, 1, 1),
    'nothing divides anything': layer(3, 11, 3),
    'channels of 8': layer(8, 16, 3),
    'more than one row of workgroups': layer(65, 41, 5),
    ...parameterLayers,
  },
  inputs: (shape, random) => ({
    parameters: random.floats(parameterCount(shape)),
    // What lies between the regions, and in their padding, must stay as it is.
    packed: random.floats(packing(shape).size),
  }),
  reference: (shape, { parameters, packed }) => {
    const values = packInto(shape, parameters, packed);
    return { packed: { values, error: new Float64Array(values.length) } }; // copies are exact
  },
  bench: () => parameterLayers,
};
