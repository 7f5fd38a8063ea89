import { type ParameterShape, packing, packWeights, parameterCount } from '../../src/kernels/pack_weights';
import { reference } from '../../src/reference/pack_weights';
import { exact, type Spec } from './lib/spec';

export const layer = (inChannels: number, outChannels: number, kernelSize: number): ParameterShape => ({
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
    // Numbers between the regions, and in their padding, must not change.
    packed: random.floats(packing(shape).size),
  }),
  reference,
  error: exact,
  bench: () => parameterLayers,
};
