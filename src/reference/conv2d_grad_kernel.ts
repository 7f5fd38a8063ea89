import type { ConvShape } from '../plan/conv_shape';
import type { Arrays } from '../plan/reference';
import type { SmallCase } from '../plan/small_case';
import { eachTap, smallConvolution } from './conv2d';

/** The gradient of the kernel [tap][in][out], followed by the gradient of the bias [out]. */
export function reference(shape: ConvShape, { input, grad }: Arrays) {
  const { batch: n, height, width, inChannels, outChannels, kernelSize } = shape;
  const plane = height * width * n;
  const biasAt = kernelSize ** 2 * inChannels * outChannels;
  const gradient = new Float64Array(biasAt + outChannels);
  for (const [to, from, tap] of eachTap(shape)) {
    for (let c = 0; c < inChannels; c++) {
      for (let o = 0; o < outChannels; o++) {
        const at = (tap * inChannels + c) * outChannels + o;
        const x = c * plane + from * n;
        const g = o * plane + to * n;
        for (let i = 0; i < n; i++) gradient[at] += input[x + i] * grad[g + i];
      }
    }
  }
  for (let o = 0; o < outChannels; o++)
    for (let i = 0; i < plane; i++) gradient[biasAt + o] += grad[o * plane + i];
  return { gradient };
}

export const small: SmallCase<ConvShape> = { shape: smallConvolution };
