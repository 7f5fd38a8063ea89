/** Counts the operations of convolutions; inside the image, as a `same` convolution need not multiply by the zeros around it. Pure. */

import { convFlops } from '../../src/kernels/conv2d';
import type { ConvShape } from '../../src/plan/conv_shape';

/** Pairs of an output and a tap whose input pixel is inside, along an axis of `length` pixels; `kernelSize` is odd. */
export function tapsInside(length: number, kernelSize: number): number {
  // For a tap at distance d from the centre, on either side, length - d outputs have their input inside; `reach` is the largest such d.
  const reach = Math.min((kernelSize - 1) / 2, length);
  return length * (2 * reach + 1) - reach * (reach + 1);
}

/** Operations of a convolution, or of either of its gradients, on pixels inside the image. */
export function convInsideFlops({
  batch,
  height,
  width,
  inChannels,
  outChannels,
  kernelSize,
}: ConvShape): number {
  return (
    2 * batch * inChannels * outChannels * tapsInside(height, kernelSize) * tapsInside(width, kernelSize)
  );
}

/** Bytes of a convolution's input, output and weights, as they are. */
export function convBytes({ batch, height, width, inChannels, outChannels, kernelSize }: ConvShape): number {
  return (
    4 * (batch * height * width * (inChannels + outChannels) + inChannels * outChannels * kernelSize ** 2)
  );
}

/** How often a training step computes a layer's convolution: each gradient costs as much as the forward pass; the first layer needs no input gradient. */
export const passesOfStep = (layer: number) => (layer === 0 ? 2 : 3);

/** The sum over layers, each as often as it is computed, of `of`: nominal operations, those inside, or bytes. */
export const sumOverLayers = (
  layers: readonly Omit<ConvShape, 'batch'>[],
  batch: number,
  passes: (layer: number) => number,
  of: (shape: ConvShape) => number,
): number => layers.reduce((sum, layer, i) => sum + passes(i) * of({ ...layer, batch }), 0);

/** The `nominal` operations of a kernel at `shape`, without a convolution's taps outside the image. */
export function insideFlops(kernel: string, shape: unknown, nominal: number): number {
  if (!isConvolution(kernel)) return nominal;
  const conv = shape as ConvShape;
  return nominal - convFlops(conv) + convInsideFlops(conv);
}

/** The names of convolutions and of their gradients begin so. Their shapes are ConvShapes. */
export const isConvolution = (kernel: string) => kernel.startsWith('conv2d');
