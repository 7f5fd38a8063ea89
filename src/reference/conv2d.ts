import type { ConvShape } from '../plan/conv_shape';
import type { Arrays, Values } from '../plan/reference';
import { atMost, type SmallCase } from '../plan/small_case';

/** The output pixel, the input pixel and the tap of all taps that lie inside the image; pixels count y * width + x. */
export function* eachTap({ height, width, kernelSize: k }: ConvShape): Generator<[number, number, number]> {
  const r = (k - 1) / 2;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let ky = 0; ky < k; ky++)
        for (let kx = 0; kx < k; kx++) {
          const fromY = y + ky - r;
          const fromX = x + kx - r;
          if (fromY < 0 || fromY >= height || fromX < 0 || fromX >= width) continue;
          yield [y * width + x, fromY * width + fromX, ky * k + kx];
        }
}

/**
 * The sums [out][height][width][batch] of a convolution of `input` [in][height][width][batch] with a kernel [tap][in][out padded to
 * 8].
 */
export function convolve(
  shape: ConvShape,
  input: Values,
  kernel: Values,
  inChannels: number,
  outChannels: number,
): Float64Array {
  const { batch: n, height, width } = shape;
  const plane = height * width * n;
  const outPadded = Math.ceil(outChannels / 8) * 8;
  const sums = new Float64Array(outChannels * plane);
  for (const [to, from, tap] of eachTap(shape)) {
    for (let c = 0; c < inChannels; c++) {
      const x = c * plane + from * n;
      for (let o = 0; o < outChannels; o++) {
        const w = kernel[(tap * inChannels + c) * outPadded + o];
        const at = o * plane + to * n;
        for (let i = 0; i < n; i++) sums[at + i] += input[x + i] * w;
      }
    }
  }
  return sums;
}

/** The biases that are added to the sums of a channel in image n: the layer's and the image's. */
export function biasesAt(
  { batch, imageBias }: ConvShape,
  { bias, image_bias }: Arrays,
  channel: number,
  n: number,
) {
  return [bias[channel], imageBias === undefined ? 0 : image_bias[(imageBias + channel) * batch + n]];
}

/** [out][height][width][batch]: the convolution with its biases. */
export function reference(shape: ConvShape, inputs: Arrays) {
  const { batch, height, width, inChannels, outChannels } = shape;
  const sums = convolve(shape, inputs.input, inputs.kernel, inChannels, outChannels);
  const output = sums.map((sum, i) => {
    const [bias, own] = biasesAt(shape, inputs, Math.floor(i / (height * width * batch)), i % batch);
    return sum + bias + own;
  });
  return { output };
}

/** The small shape of a convolution and of its gradients. */
export const smallConvolution = atMost<ConvShape>({
  batch: 8,
  height: 10,
  width: 10,
  inChannels: 8,
  outChannels: 16,
  kernelSize: 'as it is',
  imageBias: 3,
});

export const small: SmallCase<ConvShape> = { shape: smallConvolution };
