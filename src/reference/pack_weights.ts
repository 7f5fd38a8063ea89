import type { PlacedLayer } from '../kernels/adam';
import type { ParameterShape } from '../kernels/pack_weights';
import type { Arrays, Values } from '../plan/reference';
import { atMost, type SmallCase } from '../plan/small_case';

export const parameterCount = ({ inChannels, outChannels, kernelSize }: ParameterShape) =>
  kernelSize ** 2 * inChannels * outChannels + outChannels;

/** The number of parameters, rounded up to whole vec4s, as in flat parameters and gradients. */
export const flatSize = (shape: ParameterShape) => Math.ceil(parameterCount(shape) / 4) * 4;

/**
 * A copy of `packed`, with everything but its padding replaced by the parameters of `flat`. A packed layer is [tap][in][out padded to 8]
 * (absent if no padding is needed), then the bias, then [flipped tap][out][in padded to 8]; each begins at a multiple of 64.
 */
export function packLayers(layers: readonly PlacedLayer[], flat: Values, packed: Values): Float64Array {
  const result = new Float64Array(packed);
  const align = (size: number, to: number) => Math.ceil(size / to) * to;
  for (const { inChannels, outChannels, kernelSize, offset, packedOffset } of layers) {
    const taps = kernelSize * kernelSize;
    const inPadded = align(inChannels, 8);
    const outPadded = align(outChannels, 8);
    const copied = outPadded > outChannels;
    const bias = packedOffset + (copied ? align(taps * inChannels * outPadded, 64) : 0);
    const backward = bias + align(outPadded, 64);
    let from = offset;
    for (let tap = 0; tap < taps; tap++) {
      for (let c = 0; c < inChannels; c++)
        for (let o = 0; o < outChannels; o++) {
          const value = flat[from++];
          if (copied) result[packedOffset + (tap * inChannels + c) * outPadded + o] = value;
          result[backward + ((taps - 1 - tap) * outChannels + o) * inPadded + c] = value;
        }
    }
    for (let o = 0; o < outChannels; o++) result[bias + o] = flat[from++];
  }
  return result;
}

/** The packed weights of one layer. */
export function reference(shape: ParameterShape, { parameters, packed }: Arrays) {
  return { packed: packLayers([{ ...shape, offset: 0, packedOffset: 0 }], parameters, packed) };
}

export const small: SmallCase<ParameterShape> = {
  shape: atMost<ParameterShape>({ inChannels: 8, outChannels: 16, kernelSize: 'as it is' }),
};
