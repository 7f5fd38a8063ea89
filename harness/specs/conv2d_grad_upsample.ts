import { conv2dGradUpsample } from '../../src/kernels/conv2d_grad_upsample';
import type { ConvShape } from '../../src/plan/conv_shape';
import { lowImage, reference } from '../../src/reference/conv2d_grad_upsample';
import { spec as conv2d, convLayers } from './conv2d';
import { spec as conv2dGradInput } from './conv2d_grad_input';
import { oneChannelCases } from './conv2d_pool';
import { transposeKernel } from './lib/conv_layouts';
import {
  type Arrays,
  computeExpected,
  imageDims,
  mapValues,
  type Spec,
  type TestRandom,
  type Values,
} from './lib/spec';
import { spec as swishUpsampleAdd } from './swish_upsample_add';
import { spec as swishUpsampleGrad } from './swish_upsample_grad';

/** The same convolution from many channels to one. */
const towardsOne = (shape: ConvShape): ConvShape => ({
  ...shape,
  inChannels: shape.outChannels,
  outChannels: shape.inChannels,
});

export const towardsOneCases = mapValues(oneChannelCases, towardsOne);

/** Upsampling with the skip connection, then the convolution. */
const forward = {
  inputs: (shape: ConvShape, random: TestRandom): Arrays => {
    const { input, skip } = swishUpsampleAdd.inputs(lowImage(shape), random);
    const { kernel, bias } = conv2d.inputs(shape, random);
    return { pre: input, skip, kernel, bias };
  },
  reference: (shape: ConvShape, { pre, skip, kernel, bias }: Arrays) => {
    const { output } = swishUpsampleAdd.reference(lowImage(shape), { input: pre, skip });
    return conv2d.reference(shape, { input: output, kernel, bias });
  },
};

export const spec: Spec<ConvShape, 'grad' | 'kernel' | 'pre' | 'grad_pre'> = {
  kernel: conv2dGradUpsample,
  cases: towardsOneCases,
  dims: (shape) => ({ grad_pre: imageDims(shape.inChannels, lowImage(shape)) }),
  inputs: (shape, random) => ({
    ...conv2dGradInput.inputs(shape, random),
    pre: swishUpsampleGrad.inputs(lowImage(shape), random).pre,
  }),
  reference,
  error: (shape, { grad, kernel, pre }) => {
    const { grad_input } = computeExpected(conv2dGradInput, shape, { grad, kernel });
    const back = (grad_output: Values) =>
      computeExpected(swishUpsampleGrad, lowImage(shape), { pre, grad_output }).grad;
    const { error } = back(grad_input.values);
    // The convolution's error takes the same way, which is linear.
    const further = back(grad_input.error!).values;
    return { grad_pre: error!.map((e, i) => e + Math.abs(further[i])) };
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
