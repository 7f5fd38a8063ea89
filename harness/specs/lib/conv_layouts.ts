import { type ConvShape, padChannels } from '../../../src/plan/conv_shape';
import type { Values } from './spec';

/** A forward packed kernel [tap][in][out padded] as the backward pass reads it: [flipped tap][out][in padded]. */
export function transposeKernel(
  { kernelSize, inChannels, outChannels }: ConvShape,
  kernel: Values,
): Float64Array {
  const taps = kernelSize ** 2;
  const outPadded = padChannels(outChannels);
  const inPadded = padChannels(inChannels);
  const transposed = new Float64Array(taps * outChannels * inPadded);
  for (let tap = 0; tap < taps; tap++) {
    for (let c = 0; c < inChannels; c++) {
      for (let o = 0; o < outChannels; o++) {
        transposed[((taps - 1 - tap) * outChannels + o) * inPadded + c] =
          kernel[(tap * inChannels + c) * outPadded + o];
      }
    }
  }
  return transposed;
}
