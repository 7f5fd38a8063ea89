import shaders from 'virtual:kernel/conv2d_grad_input';
import type { ConvShape } from '../plan/conv_shape';
import { call, type Kernel, type Variant } from '../plan/op';
import type { Tensor } from '../plan/tensor';
import { convolutionCalls, type WinogradForm, winogradConvolution, winogradVariants } from '../winograd/plan';
import {
  convFlops,
  convSizes,
  directLaunch,
  type OneInputShaders,
  oneInputLaunch,
  oneInputName,
  oneInputRequirements,
  oneInputVariants,
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

const winograd = (form: WinogradForm): Variant<ConvShape, TensorName> => ({
  ...winogradConvolution(form, channelsOf),
  calls: (shape, { grad, kernel, grad_input }, scratch) =>
    convolutionCalls(form, shape, channelsOf(shape), { input: grad, kernel }, scratch, (params, items) =>
      call(
        shaders[`${form.name}_output` as const],
        params,
        { freqs: scratch.products, output: grad_input },
        items,
      ),
    ),
});

/** The one_input form of an input gradient, also of a fused one; `bind` gives the shader its tensors. */
export const oneInputBackward = <Name extends string, B extends string>(
  form: PatchForm,
  shaders: OneInputShaders<B>,
  bind: (tensors: Readonly<Record<Name, Tensor>>) => Readonly<Record<B, Tensor>>,
): Variant<ConvShape, Name> => ({
  ...oneInputRequirements(form),
  refuses: (shape) => refusesOneInput(shape, shape.outChannels, 'output'),
  calls: (shape, tensors) => {
    const { params, items } = oneInputLaunch(shape, shape.inChannels, form);
    return [call(shaders[oneInputName(form, shape)], params, bind(tensors), items)];
  },
});

const oneInput = (form: PatchForm): Variant<ConvShape, TensorName> => ({
  ...oneInputBackward(
    form,
    shaders,
    ({ grad, kernel, grad_input }: Readonly<Record<TensorName, Tensor>>) => ({
      input: grad,
      kernel,
      output: grad_input,
    }),
  ),
  wastesLanes: (shape) => wastesByPatches(shape, form, shaders[oneInputName(form, shape)]),
});

const tile: Variant<ConvShape, TensorName> = {
  for: 'gpu',
  refuses: refusesTile,
  calls: (shape, { grad, kernel, grad_input }) => {
    const { params, items } = tileLaunch(shape, shape.outChannels, shape.inChannels);
    return [call(shaders.tile, params, { input: grad, kernel, output: grad_input }, items)];
  },
};

/** The gradient of a convolution's input. The shape is the forward convolution's. */
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
        return [call(shaders.plain, params, { input: grad, kernel, output: grad_input }, items)];
      },
    },
    ...oneInputVariants(oneInput),
    tile,
    ...winogradVariants(winograd),
  },
};
