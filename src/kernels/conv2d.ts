import shader from '../../shaders/conv2d.wgsl';
import winogradOutput from '../../shaders/conv2d.winograd_output.wgsl';
import { call, type Kernel, type Variant } from '../kernel';
import { convolutionCalls, convolutionScratch, refusesWinograd } from '../winograd';

/** A `same` convolution, stride 1. `batch` is a multiple of 4, the kernel size is odd. */
export interface ConvShape {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: number;
}

export interface ActivatedConvShape extends ConvShape {
  /** Whether swish follows. */
  readonly swish: boolean;
}

/** Channel counts are padded to this in packed weights (see pack_weights), so that register tiles need no edge cases. */
const CHANNEL_TILE = 8;
export const channelTiles = (channels: number) => Math.ceil(channels / CHANNEL_TILE);
export const padChannels = (channels: number) => channelTiles(channels) * CHANNEL_TILE;

/** Elements of the activations on both sides and of both packed kernels. */
export function convSizes(shape: ConvShape) {
  const { batch, height, width, inChannels, outChannels, kernelSize } = shape;
  const pixels = height * width * batch;
  return {
    input: inChannels * pixels,
    output: outChannels * pixels,
    forwardKernel: kernelSize ** 2 * inChannels * padChannels(outChannels),
    backwardKernel: kernelSize ** 2 * outChannels * padChannels(inChannels),
  };
}

/** Nominal: every tap of every output, as libraries count it. A multiply-add is two operations. */
export function convFlops({ batch, height, width, inChannels, outChannels, kernelSize }: ConvShape): number {
  return 2 * batch * height * width * inChannels * outChannels * kernelSize ** 2;
}

/** The params that every convolution shader has. */
export function convParams({ batch, height, width, inChannels, outChannels, kernelSize }: ConvShape) {
  return {
    height,
    width,
    n4: batch / 4,
    in_channels: inChannels,
    out_channels: outChannels,
    kernel_size: kernelSize,
  };
}

/** Images that a direct convolution's invocations cover along x: two vec4 each. */
export const lanes = (batch: number) => Math.ceil(batch / 8);

type TensorName = 'input' | 'kernel' | 'bias' | 'pre' | 'output';

const winograd = (subgroups: boolean): Variant<ActivatedConvShape, TensorName> => ({
  features: subgroups ? ['subgroups'] : [],
  refuses: (shape) => refusesWinograd(shape, shape.inChannels, padChannels(shape.outChannels)),
  scratch: (shape) => convolutionScratch(shape, shape.inChannels, padChannels(shape.outChannels)),
  calls: (shape, { input, kernel, bias, pre, output }, scratch) => {
    const channels = {
      from: shape.inChannels,
      to: shape.outChannels,
      toPadded: padChannels(shape.outChannels),
    };
    return convolutionCalls(shape, channels, { input, kernel }, scratch, subgroups, (params, items) =>
      call(
        winogradOutput,
        { ...params, swish: Number(shape.swish) },
        { freqs: scratch.products, bias, pre, output },
        items,
      ),
    );
  },
});

export const conv2d: Kernel<ActivatedConvShape, TensorName> = {
  name: 'conv2d',
  sizes: (shape) => {
    const { input, output, forwardKernel } = convSizes(shape);
    return { input, kernel: forwardKernel, bias: padChannels(shape.outChannels), pre: output, output };
  },
  cost: (shape) => {
    const { input, output, forwardKernel } = convSizes(shape);
    return { flops: convFlops(shape), bytes: 4 * (input + 2 * output + forwardKernel) };
  },
  variants: {
    direct: {
      calls: (shape, tensors) => {
        const tiles = channelTiles(shape.outChannels);
        const params = { ...convParams(shape), tiles, swish: Number(shape.swish) };
        return [call(shader, params, tensors, [lanes(shape.batch), shape.width, shape.height * tiles])];
      },
    },
    winograd: winograd(false),
    winograd_subgroups: winograd(true),
  },
};
