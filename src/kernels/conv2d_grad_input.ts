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
import type { ConvShape } from '../plan/conv_shape';
import { call, type Kernel, type Variant } from '../plan/op';
import type { Tensor } from '../plan/tensor';
import { convolutionCalls, type WinogradForm, winogradConvolution, winogradVariants } from '../winograd/plan';
import {
  type BySide,
  convFlops,
  convSizes,
  directLaunch,
  type OneInputShader,
  ofSide,
  oneInputAudience,
  oneInputLaunch,
  type PatchForm,
  padChannels,
  refusesOneInput,
  refusesTile,
  tileLaunch,
  wastesByPatches,
} from './conv2d';

type TensorName = 'grad' | 'kernel' | 'grad_input';

const channelsOf = ({ inChannels, outChannels }: ConvShape) => ({
  from: outChannels,
  to: inChannels,
  toPadded: padChannels(inChannels),
});

const winograd = (form: WinogradForm, last: typeof f7x5Output): Variant<ConvShape, TensorName> => ({
  ...winogradConvolution(form, channelsOf),
  calls: (shape, { grad, kernel, grad_input }, scratch) =>
    convolutionCalls(form, shape, channelsOf(shape), { input: grad, kernel }, scratch, (params, items) =>
      call(last, params, { freqs: scratch.products, output: grad_input }, items),
    ),
});

/** The one_input form of an input gradient, also of a fused one; `bind` gives the shader its tensors. */
export const oneInputBackward = <Name extends string, B extends string>(
  form: PatchForm,
  shaders: BySide<OneInputShader<B>>,
  bind: (tensors: Readonly<Record<Name, Tensor>>) => Readonly<Record<B, Tensor>>,
): Variant<ConvShape, Name> => ({
  ...oneInputAudience(form),
  refuses: (shape) => refusesOneInput(shape, shape.outChannels, 'output'),
  calls: (shape, tensors) => {
    const { params, items } = oneInputLaunch(shape, shape.inChannels, form);
    return [call(ofSide(shaders, shape), params, bind(tensors), items)];
  },
});

const oneInput = (
  form: PatchForm,
  shaders: BySide<typeof oneInputShader>,
): Variant<ConvShape, TensorName> => ({
  ...oneInputBackward(
    form,
    shaders,
    ({ grad, kernel, grad_input }: Readonly<Record<TensorName, Tensor>>) => ({
      input: grad,
      kernel,
      output: grad_input,
    }),
  ),
  wastesLanes: (shape) => wastesByPatches(shape, form, ofSide(shaders, shape)),
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
    ...winogradVariants(
      {
        f4x5: [f4x5Output],
        f7x5: [f7x5Output, f7x5OutputGpu],
        f8x5: [f8x5Output, f8x5OutputGpu],
        f6x3: [f6x3Output, f6x3OutputGpu],
        f7x3: [f7x3Output, f7x3OutputGpu],
      },
      winograd,
    ),
  },
};
