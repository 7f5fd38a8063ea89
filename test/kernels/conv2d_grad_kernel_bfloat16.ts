import type { ConvShape } from '../../src/kernels/conv2d';
import { conv2dGradKernelBfloat16 } from '../../src/kernels/conv2d_grad_kernel_bfloat16';
import { packBfloat16, unpackBfloat16 } from '../bfloat16';
import type { Spec } from '../spec';
import { convLayers } from './conv2d';
import { spec as conv2dGradKernel } from './conv2d_grad_kernel';
import { oneChannelCases, wideImage } from './conv2d_pool';

export const spec: Spec<ConvShape, 'input' | 'grad' | 'gradient'> = {
  kernel: conv2dGradKernelBfloat16,
  cases: oneChannelCases,
  inputs: (shape, random) => {
    const { input, grad } = conv2dGradKernel.inputs(shape, random);
    return { input, grad: packBfloat16(wideImage(shape), grad as Float32Array) };
  },
  // The numbers that come in are exact ones, so it is the reference of any gradient.
  reference: (shape, { input, grad }) =>
    conv2dGradKernel.reference(shape, {
      input,
      grad: unpackBfloat16(wideImage(shape), grad as Uint32Array),
    }),
  bench: (batch) => ({ 'down.0': convLayers(batch)['down.0'] }),
};
