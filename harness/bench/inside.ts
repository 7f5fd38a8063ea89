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

/** The `nominal` operations of a kernel at `shape`, without a convolution's taps outside the image. */
export function insideFlops(kernel: string, shape: unknown, nominal: number): number {
  if (!isConvolution(kernel)) return nominal;
  const conv = shape as ConvShape;
  return nominal - convFlops(conv) + convInsideFlops(conv);
}

/** The names of convolutions and of their gradients begin so. Their shapes are ConvShapes. */
export const isConvolution = (kernel: string) => kernel.startsWith('conv2d');
