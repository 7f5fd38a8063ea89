import shader from '../../shaders/conv2d.wgsl';
import { call, type Kernel } from '../kernel';

/** A `same` convolution, stride 1. `batch` is a multiple of 4, the kernel size is odd. */
export interface ConvShape {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: number;
}

/** Channel counts are padded to this in packed weights (see pack_weights), so that register tiles need no edge cases. */
export const CHANNEL_TILE = 8;
export const padChannels = (channels: number) => Math.ceil(channels / CHANNEL_TILE) * CHANNEL_TILE;

/** Nominal: every tap of every output, as libraries count it. A multiply-add is two operations. */
export function convFlops({ batch, height, width, inChannels, outChannels, kernelSize }: ConvShape): number {
  return 2 * batch * height * width * inChannels * outChannels * kernelSize ** 2;
}
