import shaders from 'virtual:kernel/conv2d';
import { type Biases, type BiasParam, bindBiases, type ConvShape, padChannels } from '../plan/conv_shape';
import { type Call, call, type Kernel, type Variant } from '../plan/op';
import type { Shader } from '../plan/shader';
import type { Tensor } from '../plan/tensor';
import {
  cachesImages,
  type WinogradForm,
  winogradCalls,
  winogradConvolution,
  winogradVariants,
} from '../winograd/plan';

/** Number of elements of the input and output activations and of both packed kernels. */
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

/** Nominal FLOPs: every tap of every output, as libraries count them. A multiply-add is two operations. */
export function convFlops({ batch, height, width, inChannels, outChannels, kernelSize }: ConvShape): number {
  return 2 * batch * height * width * inChannels * outChannels * kernelSize ** 2;
}

/** The params that the shaders of the weight gradient share. */
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

/** Size of the tensor image_bias, up to the last row that a shape uses; empty if the shape has no bias per image. */
export const imageBiasSize = ({ imageBias, outChannels, batch }: ConvShape): { image_bias?: number } =>
  imageBias === undefined ? {} : { image_bias: (imageBias + outChannels) * batch };

/** A forward convolution has the tensor bias, and shapes with a bias per image have image_bias, too. */
type TensorName = 'input' | 'kernel' | 'output';

const refusesImageBias = ({ imageBias }: ConvShape) =>
  imageBias === undefined ? undefined : 'this form has no bias per image';

/** See shaders/conv2d/direct/conv2d.wgsl. */
const direct: Variant<ConvShape, TensorName> = {
  calls: (shape, { input, kernel, output, ...tensors }) => {
    const { batch, height, width, inChannels, outChannels, kernelSize } = shape;
    const tiles = padChannels(outChannels) / 8;
    const biases = bindBiases(shape, kernel, tensors);
    const params = {
      height,
      width,
      n4: batch / 4,
      from_channels: inChannels,
      to_channels: outChannels,
      kernel_size: kernelSize,
      tiles,
      ...biases.params,
    };
    // An invocation computes two of a row's vec4s.
    const items = [Math.ceil((width * batch) / 8), 1, height * tiles] as const;
    return [call(shaders.plain, params, { input, kernel, output, ...biases.tensors }, items)];
  },
};

/** Lanes of the one_output forms: strips of 7 pixels in a row, times pairs of images. */
const stripItems = ({ batch, width }: ConvShape) => (Math.ceil(width / 7) * batch) / 2;

/**
 * Whether a row has fewer strips than a workgroup of a form with subgroups has lanes. Idle lanes must stay in the workgroup, as they may
 * hold weights; so these workgroups are small.
 */
const wastesByStrips = (shape: ConvShape, { workgroupSize }: Shader) => stripItems(shape) < workgroupSize[0];

/** The reason why the one_input form cannot compute a layer; undefined if it can. */
const refusesOneInput = ({ kernelSize, inChannels }: ConvShape) =>
  hasOneChannelForm(kernelSize) && inChannels === 1
    ? undefined
    : 'this form is for 5x5 and 3x3 kernels that sum over one channel';

/** Whether the forms for one channel support this kernel size. */
export const hasOneChannelForm = (kernelSize: number) => kernelSize === 5 || kernelSize === 3;

/** The ending of the shaders' names for a kernel's size, in the forms for one channel. */
export const sideEnd = ({ kernelSize }: ConvShape) => (kernelSize === 3 ? '_3x3' : '');

/**
 * The techniques of the one_input form: an invocation loads the pixels around a patch of `images` images and computes `channels` channels.
 * `plain` and `subgroups` are for CPU adapters, where every load costs; `gpu` is for GPUs, which want few registers and many invocations.
 */
const PATCH_FORMS = {
  plain: { images: 2, channels: 32 },
  subgroups: { images: 2, channels: 32 },
  gpu: { images: 1, channels: 16 },
} as const;
export type PatchForm = keyof typeof PATCH_FORMS;

/** A kernel's one_input variants: `variant` makes one of a form. */
export const oneInputVariants = <V>(variant: (form: PatchForm) => V) => ({
  one_input: variant('plain'),
  one_input_gpu: variant('gpu'),
  one_input_subgroups: variant('subgroups'),
});

/** Lanes of the one_input form: patches of 2 rows x 4 pixels along two rows, times groups of `images` images. */
const patchItems = ({ batch, width }: ConvShape, form: PatchForm) =>
  (Math.ceil(width / 4) * batch) / PATCH_FORMS[form].images;

/** The name of the shader for a kernel's size. */
const oneInputName = (form: PatchForm, shape: ConvShape) =>
  `one_input${sideEnd(shape)}${form === 'plain' ? '' : (`_${form}` as const)}` as const;

type OneInputParam =
  | 'height'
  | 'width'
  | 'images'
  | 'channels'
  | 'padded'
  | 'each'
  | BiasParam
  | 'first_group';
export type OneInputShaders<B extends string> = Readonly<
  Record<ReturnType<typeof oneInputName>, Shader<OneInputParam, B>>
>;

/** The device features and the kind of adapter that the one_input form requires, also in a fused kernel. */
export const oneInputRequirements = (form: PatchForm) => ({
  features: form === 'subgroups' ? (['subgroups'] as const) : [],
  ...(form === 'plain' ? {} : { for: form === 'gpu' ? ('gpu' as const) : ('software' as const) }),
  refuses: refusesOneInput,
});

/** Dispatches the one_input form, or a fused kernel's: see shaders/conv2d/one_channel/one_input.wgsl. */
export function oneInputCall<B extends string>(
  form: PatchForm,
  shaders: OneInputShaders<B>,
  shape: ConvShape,
  tensors: Readonly<Record<B, Tensor>>,
  biases: Biases['params'],
): Call {
  const { batch, height, width, outChannels: channels } = shape;
  const { images: together, channels: each } = PATCH_FORMS[form];
  const padded = padChannels(channels);
  const params = { height, width, images: batch / together, channels, padded, each, ...biases };
  const items = [patchItems(shape, form), 1, Math.ceil(height / 2) * Math.ceil(channels / each)] as const;
  return call(shaders[oneInputName(form, shape)], params, tensors, items);
}

const tile: Variant<ConvShape, TensorName> = {
  for: 'gpu',
  refuses: ({ kernelSize, width }) =>
    kernelSize === 5 && width >= 7 ? undefined : 'this form is for 5x5 kernels and images at least 7 wide',
  // See shaders/conv2d/tile/conv2d.tile.wgsl.
  calls: (shape, { input, kernel, output, ...tensors }) => {
    const { batch, height, width, inChannels, outChannels } = shape;
    const pairs = batch / 2;
    const biases = bindBiases(shape, kernel, tensors);
    const params = {
      height,
      width,
      pairs,
      from_channels: inChannels,
      to_channels: outChannels,
      to4: padChannels(outChannels) / 4,
      ...biases.params,
    };
    // A workgroup has 16 lanes over pairs of images and 8 over groups of 4 output channels.
    const strips = Math.ceil(width / 7);
    const items = [16 * strips * Math.ceil(pairs / 16), Math.ceil(outChannels / 4), height] as const;
    return [call(shaders.tile, params, { input, kernel, output, ...biases.tensors }, items)];
  },
};

const oneInput = (form: PatchForm): Variant<ConvShape, TensorName> => ({
  ...oneInputRequirements(form),
  // As for `wastesByStrips`.
  wastesLanes: (shape) =>
    form === 'subgroups' && patchItems(shape, form) < shaders[oneInputName(form, shape)].workgroupSize[0],
  calls: (shape, { input, kernel, output, ...tensors }) => {
    const biases = bindBiases(shape, kernel, tensors);
    const all = { input, kernel, output, ...biases.tensors };
    return [oneInputCall(form, shaders, shape, all, biases.params)];
  },
});

/** Output rows that an invocation of the one_output form computes; it loads four more, or two for a 3x3 kernel. */
const ONE_ROWS = 14;

const refusesOneOutput = (shape: ConvShape) => {
  const fits = shape.outChannels === 1 && hasOneChannelForm(shape.kernelSize);
  return (
    refusesImageBias(shape) ??
    (fits ? undefined : 'this form is for 5x5 and 3x3 kernels with one output channel')
  );
};

/** The form for a single output channel, which would leave a tile of 8 mostly empty: taps share the loaded input instead. */
const oneOutput = (subgroups: boolean): Variant<ConvShape, TensorName | 'bias'> => ({
  ...(subgroups ? { features: ['subgroups'], for: 'software' } : {}),
  wastesLanes: (shape) => subgroups && wastesByStrips(shape, shaders.one_output_subgroups),
  refuses: refusesOneOutput,
  calls: (shape, tensors) => {
    const { height, width, batch, inChannels } = shape;
    const pairs = batch / 2;
    const params = {
      height,
      width,
      pairs,
      in_channels: inChannels,
      out_padded: padChannels(1),
      rows: ONE_ROWS,
    };
    const items = [stripItems(shape), 1, Math.ceil(height / ONE_ROWS)] as const;
    const name = `one_output${sideEnd(shape)}${subgroups ? '_subgroups' : ''}` as const;
    return [call(shaders[name], params, tensors, items)];
  },
});

/** The same layers, with input channels split over the lanes of a workgroup: shorter loops in many more invocations. */
const oneOutputGpu: Variant<ConvShape, TensorName | 'bias'> = {
  for: 'gpu',
  refuses: refusesOneOutput,
  calls: (shape, tensors) => {
    const { height, width, batch, inChannels } = shape;
    const params = { height, width, pairs: batch / 2, in_channels: inChannels, out_padded: padChannels(1) };
    // A workgroup has 16 lanes over strips times pairs of images, and 8 over groups of input channels.
    const shader = shaders[`one_output${sideEnd(shape)}_gpu` as const];
    return [call(shader, params, tensors, [stripItems(shape), 8, height])];
  },
};

const winograd = (form: WinogradForm): Variant<ConvShape, TensorName> => ({
  ...winogradConvolution(form),
  caches: cachesImages(form),
  calls: (shape, { input, kernel, output, ...tensors }, scratch, cached) => {
    const biases = bindBiases(shape, kernel, tensors);
    return winogradCalls(form, shape, { input, kernel, output }, biases, scratch, cached);
  },
});

/** The variants of a convolution, also of an input gradient: a convolution of the output's gradient, without biases. */
export const convolutions: Readonly<Record<string, Variant<ConvShape, TensorName>>> = {
  direct,
  ...oneInputVariants(oneInput),
  tile,
  ...winogradVariants(winograd),
};

export const conv2d: Kernel<ConvShape, TensorName | 'bias'> = {
  name: 'conv2d',
  sizes: (shape) => {
    const { input, output, forwardKernel } = convSizes(shape);
    const bias = padChannels(shape.outChannels);
    return { input, kernel: forwardKernel, bias, output, ...imageBiasSize(shape) };
  },
  cost: (shape) => {
    const { input, output, forwardKernel } = convSizes(shape);
    const imageBias = shape.imageBias === undefined ? 0 : shape.outChannels * shape.batch;
    return { flops: convFlops(shape), bytes: 4 * (input + output + forwardKernel + imageBias) };
  },
  variants: {
    ...convolutions,
    one_output: oneOutput(false),
    one_output_gpu: oneOutputGpu,
    one_output_subgroups: oneOutput(true),
  },
};
