import type { ConvShape } from '../../src/conv_shape';
import { conv2dGradUpsample } from '../../src/kernels/conv2d_grad_upsample';
import type { ImageShape } from '../../src/kernels/swish_max_pool';
import { transposeKernel } from '../conv_layouts';
import { type Arrays, imageDims, type Random, type Spec } from '../spec';
import { spec as conv2d, convLayers } from './conv2d';
import { spec as conv2dGradInput } from './conv2d_grad_input';
import { oneChannelCases, wideImage } from './conv2d_pool';
import { spec as swishUpsampleAdd } from './swish_upsample_add';
import { spec as swishUpsampleGrad } from './swish_upsample_grad';

/** The same convolution from many channels to one. */
export const towardsOne = (shape: ConvShape): ConvShape => ({
  ...shape,
  inChannels: shape.outChannels,
  outChannels: shape.inChannels,
});

export const towardsOneCases = Object.fromEntries(
  Object.entries(oneChannelCases).map(([name, shape]) => [name, towardsOne(shape)]),
);

/** The map before the upsampling. */
const low = (shape: ConvShape): ImageShape => {
  const image = wideImage(shape);
  return { ...image, height: image.height / 2, width: image.width / 2 };
};

/** Upsampling with the skip connection, then the convolution. */
const forward = {
  inputs: (shape: ConvShape, random: Random): Arrays => {
    const { input, skip } = swishUpsampleAdd.inputs(low(shape), random);
    const { kernel, bias } = conv2d.inputs(shape, random);
    return { pre: input, skip, kernel, bias };
  },
  reference: (shape: ConvShape, { pre, skip, kernel, bias }: Arrays) => {
    const { output } = swishUpsampleAdd.reference(low(shape), { input: pre, skip });
    return conv2d.reference(shape, { input: output.values, kernel, bias });
  },
};

export const spec: Spec<ConvShape, 'grad' | 'kernel' | 'pre' | 'grad_pre'> = {
  kernel: conv2dGradUpsample,
  cases: towardsOneCases,
  dims: (shape) => ({ grad_pre: imageDims(shape.inChannels, low(shape)) }),
  inputs: (shape, random) => ({
    ...conv2dGradInput.inputs(shape, random),
    pre: swishUpsampleGrad.inputs(low(shape), random).pre,
  }),
  reference: (shape, { grad, kernel, pre }) => {
    const { grad_input } = conv2dGradInput.reference(shape, { grad, kernel });
    const back = (grad_output: Float64Array) =>
      swishUpsampleGrad.reference(low(shape), { pre, grad_output }).grad;
    const { values, error } = back(grad_input.values as Float64Array);
    // What the convolution errs by goes the same way, which is linear.
    const further = back(grad_input.error!).values;
    return { grad_pre: { values, error: error!.map((e, i) => e + Math.abs(further[i])) } };
  },
  bench: (batch) => ({ 'up.2': convLayers(batch)['up.2'] }),
  gradientOf: {
    forward,
    output: 'output',
    inputs: (shape, { pre, kernel }, _, cotangent) => ({
      grad: cotangent,
      kernel: transposeKernel(shape, kernel),
      pre,
    }),
    wrt: { pre: { output: 'grad_pre' } },
  },
};
