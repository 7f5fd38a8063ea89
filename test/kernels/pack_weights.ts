import { type PackedLayer, packing, packWeights } from '../../src/kernels/pack_weights';
import type { Spec } from '../spec';

const layer = (inChannels: number, outChannels: number, kernelSize: number): PackedLayer => ({
  inChannels,
  outChannels,
  kernelSize,
});

const unet = [
  layer(1, 32, 5),
  layer(32, 64, 5),
  layer(64, 64, 5),
  layer(64, 64, 5),
  layer(64, 32, 5),
  layer(32, 1, 5),
];

export const spec: Spec<readonly PackedLayer[], 'parameters' | 'table' | 'packed'> = {
  kernel: packWeights,
  cases: {
    'one weight': [layer(1, 1, 1)],
    'layers that end between multiples of 64': [layer(1, 3, 3), layer(3, 11, 1), layer(11, 1, 5)],
    'layers that end at multiples of 64': [layer(7, 8, 1), layer(31, 4, 1)],
    'four levels, RGB': [layer(3, 8, 3), layer(8, 13, 3), layer(13, 16, 3), layer(16, 16, 3)],
    'the tutorial': unet,
  },
  inputs: (layers, random) => {
    const { rows, size, parameters } = packing(layers);
    // What lies between the regions, and in their padding, must stay as it is.
    return { table: rows, parameters: random.floats(parameters), packed: random.floats(size) };
  },
  reference: (layers, { parameters, packed }) => {
    const values = Float64Array.from(packed);
    let from = 0;
    let to = 0;
    const align = (offset: number) => Math.ceil(offset / 64) * 64;
    for (const { inChannels, outChannels, kernelSize } of layers) {
      const taps = kernelSize * kernelSize;
      const inP = Math.ceil(inChannels / 8) * 8;
      const outP = Math.ceil(outChannels / 8) * 8;
      const bias = to + align(taps * inChannels * outP);
      const backward = bias + align(outP);
      for (let tap = 0; tap < taps; tap++)
        for (let c = 0; c < inChannels; c++)
          for (let o = 0; o < outChannels; o++) {
            const value = parameters[from++];
            values[to + (tap * inChannels + c) * outP + o] = value;
            values[backward + ((taps - 1 - tap) * outChannels + o) * inP + c] = value;
          }
      for (let o = 0; o < outChannels; o++) values[bias + o] = parameters[from++];
      from = align(from);
      to = backward + align(taps * outChannels * inP);
    }
    return { packed: { values, error: new Float64Array(values.length) } }; // copies are exact
  },
  bench: () => ({ all: unet }),
};
