import shaders from 'virtual:kernel/pack_weights';
import { padChannels } from '../plan/conv_shape';
import { call, type Kernel } from '../plan/op';

/** A layer's parameters: kernel [kernelSize][kernelSize][in][out], then bias [out]. */
export interface ParameterShape {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: number;
}

/** A part of a layer's packed weights, in floats. */
export interface Region {
  readonly offset: number;
  readonly size: number;
}

/** Regions start at multiples of this many floats, so that each can be bound by itself. */
const ALIGNMENT = 64;
const align = (offset: number) => Math.ceil(offset / ALIGNMENT) * ALIGNMENT;

/** Whether kernels can read the parameters in place, since nothing needs padding. */
export const needsNoPacking = ({ outChannels }: ParameterShape) => padChannels(outChannels) === outChannels;

/** Number of packed copies of a layer's weights. */
export const copies = (shape: ParameterShape) => (needsNoPacking(shape) ? 1 : 2);

/** Layout of a layer's packed weights: see shaders/lib/pack.wgsl. `size` is a multiple of 64 floats. */
export function packing(shape: ParameterShape) {
  const { inChannels, outChannels, kernelSize } = shape;
  const taps = kernelSize ** 2;
  const forward: Region = {
    offset: 0,
    size: needsNoPacking(shape) ? 0 : taps * inChannels * padChannels(outChannels),
  };
  const bias: Region = { offset: align(forward.size), size: padChannels(outChannels) };
  const backward: Region = {
    offset: bias.offset + align(bias.size),
    size: taps * outChannels * padChannels(inChannels),
  };
  return { forward, bias, backward, size: backward.offset + align(backward.size) };
}

export const parameterCount = ({ inChannels, outChannels, kernelSize }: ParameterShape) =>
  kernelSize ** 2 * inChannels * outChannels + outChannels;

/** The number of parameters, rounded up to whole vec4s, as in flat parameters and gradients. */
export const flatSize = (shape: ParameterShape) => Math.ceil(parameterCount(shape) / 4) * 4;

/** The params of shaders/lib/pack.wgsl, and the number of parameters. */
export function packedLayout(shape: ParameterShape) {
  const { bias, backward } = packing(shape);
  return {
    size: parameterCount(shape),
    taps: shape.kernelSize ** 2,
    inputs: shape.inChannels,
    outputs: shape.outChannels,
    bias_at: bias.offset,
    backward_at: backward.offset,
  };
}

export const packWeights: Kernel<ParameterShape, 'parameters' | 'packed'> = {
  name: 'pack_weights',
  sizes: (shape) => ({ parameters: parameterCount(shape), packed: packing(shape).size }),
  cost: (shape) => ({ flops: 0, bytes: 4 * (1 + copies(shape)) * parameterCount(shape) }),
  variants: {
    plain: {
      calls: (shape, tensors) => [call(shaders.plain, packedLayout(shape), tensors, parameterCount(shape))],
    },
  },
};
