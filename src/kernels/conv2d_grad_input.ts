import shader from '../../shaders/conv2d/direct/conv2d_grad_input.wgsl';
import oneInputShader from '../../shaders/conv2d/one_channel/conv2d_grad_input.one_input.wgsl';
import oneInput3 from '../../shaders/conv2d/one_channel/conv2d_grad_input.one_input_3x3.wgsl';
import oneInput3Gpu from '../../shaders/conv2d/one_channel/conv2d_grad_input.one_input_3x3_gpu.wgsl';
import oneInput3Subgroups from '../../shaders/conv2d/one_channel/conv2d_grad_input.one_input_3x3_subgroups.wgsl';
import oneInputGpu from '../../shaders/conv2d/one_channel/conv2d_grad_input.one_input_gpu.wgsl';
import oneInputSubgroups from '../../shaders/conv2d/one_channel/conv2d_grad_input.one_input_subgroups.wgsl';
import tileShader from '../../shaders/conv2d/tile/conv2d_grad_input.tile.wgsl';
import f4x5Output from '../../shaders/conv2d/winograd/conv2d_grad_input.winograd4_output.wgsl';
import f6x3OutputGpu from '../../shaders/conv2d/winograd/conv2d_grad_input.winograd6_3x3_gpu_output.wgsl';
import f6x3Output from '../../shaders/conv2d/winograd/conv2d_grad_input.winograd6_3x3_output.wgsl';
import f7x3OutputGpu from '../../shaders/conv2d/winograd/conv2d_grad_input.winograd7_3x3_gpu_output.wgsl';
import f7x3Output from '../../shaders/conv2d/winograd/conv2d_grad_input.winograd7_3x3_output.wgsl';
import f7x5OutputGpu from '../../shaders/conv2d/winograd/conv2d_grad_input.winograd7_gpu_output.wgsl';
import f7x5Output from '../../shaders/conv2d/winograd/conv2d_grad_input.winograd7_output.wgsl';
import f8x5OutputGpu from '../../shaders/conv2d/winograd/conv2d_grad_input.winograd8_gpu_output.wgsl';
import f8x5Output from '../../shaders/conv2d/winograd/conv2d_grad_input.winograd8_output.wgsl';
import type { ConvShape } from '../conv_shape';
import { call, type Kernel, type Variant } from '../plan/op';
import {
  audienceOf,
  betterSmaller,
  convolutionCalls,
  convolutionScratch,
  F4X5,
  F6X3,
  F6X3_GPU,
  F7X3,
  F7X3_GPU,
  F7X5,
  F7X5_GPU,
  F8X5,
  F8X5_GPU,
  idleProduct,
  refusesWinograd,
  type WinogradForm,
  withSubgroups,
} from '../winograd';
import {
  type BySide,
  convFlops,
  convSizes,
  directLaunch,
  idlesByPatches,
  ofSide,
  oneInputAudience,
  oneInputLaunch,
  type PatchForm,
  padChannels,
  refusesOneInput,
  refusesTile,
  tileLaunch,
} from './conv2d';

type TensorName = 'grad' | 'kernel' | 'grad_input';

const winograd = (form: WinogradForm, last: typeof f7x5Output): Variant<ConvShape, TensorName> => ({
  ...audienceOf(form),
  idles: (shape) => betterSmaller(form, shape) || idleProduct(form, padChannels(shape.inChannels)),
  refuses: (shape) => refusesWinograd(form, shape, shape.outChannels, padChannels(shape.inChannels)),
  scratch: (shape) => convolutionScratch(form, shape, shape.outChannels, padChannels(shape.inChannels)),
  calls: (shape, { grad, kernel, grad_input }, scratch) => {
    const channels = {
      from: shape.outChannels,
      to: shape.inChannels,
      toPadded: padChannels(shape.inChannels),
    };
    return convolutionCalls(form, shape, channels, { input: grad, kernel }, scratch, (params, items) =>
      call(last, params, { freqs: scratch.products, output: grad_input }, items),
    );
  },
});

const oneInput = (
  form: PatchForm,
  shaders: BySide<typeof oneInputShader>,
): Variant<ConvShape, TensorName> => ({
  ...oneInputAudience(form),
  refuses: (shape) => refusesOneInput(shape, shape.outChannels, 'output'),
  idles: (shape) => idlesByPatches(shape, form, ofSide(shaders, shape)),
  calls: (shape, { grad, kernel, grad_input }) => {
    const { params, items } = oneInputLaunch(shape, shape.inChannels, form);
    const tensors = { input: grad, kernel, output: grad_input };
    return [call(ofSide(shaders, shape), params, tensors, items)];
  },
});

const tile: Variant<ConvShape, TensorName> = {
  for: 'gpu',
  refuses: refusesTile,
  calls: (shape, { grad, kernel, grad_input }) => {
    const { params, items } = tileLaunch(shape, shape.outChannels, shape.inChannels);
    return [call(tileShader, params, { input: grad, kernel, output: grad_input }, items)];
  },
};

/** Its shape is the forward convolution's. */
export const conv2dGradInput: Kernel<ConvShape, TensorName> = {
  name: 'conv2d_grad_input',
  sizes: (shape) => {
    const { input, output, backwardKernel } = convSizes(shape);
    return { grad: output, kernel: backwardKernel, grad_input: input };
  },
  cost: (shape) => {
    const { input, output, backwardKernel } = convSizes(shape);
    return { flops: convFlops(shape), bytes: 4 * (input + output + backwardKernel) };
  },
  variants: {
    direct: {
      calls: (shape, { grad, kernel, grad_input }) => {
        const { params, items } = directLaunch(shape, shape.outChannels, shape.inChannels);
        return [call(shader, params, { input: grad, kernel, output: grad_input }, items)];
      },
    },
    one_input: oneInput('plain', [oneInputShader, oneInput3]),
    one_input_gpu: oneInput('gpu', [oneInputGpu, oneInput3Gpu]),
    one_input_subgroups: oneInput('subgroups', [oneInputSubgroups, oneInput3Subgroups]),
    tile,
    winograd4: winograd(F4X5, f4x5Output),
    winograd4_subgroups: winograd(withSubgroups(F4X5), f4x5Output),
    winograd7: winograd(F7X5, f7x5Output),
    winograd7_gpu: winograd(F7X5_GPU, f7x5OutputGpu),
    winograd7_subgroups: winograd(withSubgroups(F7X5), f7x5Output),
    winograd8: winograd(F8X5, f8x5Output),
    winograd8_gpu: winograd(F8X5_GPU, f8x5OutputGpu),
    winograd8_subgroups: winograd(withSubgroups(F8X5), f8x5Output),
    winograd6_3x3: winograd(F6X3, f6x3Output),
    winograd6_3x3_gpu: winograd(F6X3_GPU, f6x3OutputGpu),
    winograd6_3x3_subgroups: winograd(withSubgroups(F6X3), f6x3Output),
    winograd7_3x3: winograd(F7X3, f7x3Output),
    winograd7_3x3_gpu: winograd(F7X3_GPU, f7x3OutputGpu),
    winograd7_3x3_subgroups: winograd(withSubgroups(F7X3), f7x3Output),
  },
};
