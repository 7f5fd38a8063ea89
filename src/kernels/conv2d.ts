import shaders from 'virtual:kernel/conv2d';
import type { ConvShape } from '../plan/conv_shape';
import { type Call, call, type Kernel, type Variant } from '../plan/op';
import type { Shader } from '../plan/shader';
import type { Tensor } from '../plan/tensor';
import {
  cachesImages,
  convolutionCalls,
  type WinogradForm,
  winogradConvolution,
  winogradVariants,
} from '../winograd/plan';

/** Packed weights pad channel counts to multiples of this (see pack_weights), so that register tiles need no edge cases. */
const CHANNEL_TILE = 8;
const channelTiles = (channels: number) => Math.ceil(channels / CHANNEL_TILE);
export const padChannels = (channels: number) => channelTiles(channels) * CHANNEL_TILE;

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

/** A shader without a bias per image, and the same one with it. */
type BiasShaders<P extends string, B extends string> = readonly [
  Shader<P, B>,
  Shader<P | 'image_bias_at', B | 'image_bias'>,
];

/** Dispatches the shader with or without per-image bias. */
function biasCall<P extends string, B extends string>(
  [plain, perImage]: BiasShaders<P, B>,
  { imageBias }: ConvShape,
  params: Readonly<Record<Exclude<P, 'first_group'>, number>>,
  tensors: Readonly<Record<B, Tensor>> & { readonly image_bias?: Tensor },
  items: readonly [number, number, number],
): Call {
  if (imageBias === undefined) return call(plain, params, tensors, items);
  type More = Readonly<Record<Exclude<P | 'image_bias_at', 'first_group'>, number>>;
  const more = { ...params, image_bias_at: imageBias } as More;
  return call(perImage, more, tensors as Readonly<Record<B | 'image_bias', Tensor>>, items);
}

const refusesImageBias = ({ imageBias }: ConvShape) =>
  imageBias === undefined ? undefined : 'this form has no bias per image';

/** Params and grid of a direct convolution from `from` to `to` channels: see shaders/conv2d/direct/direct.wgsl. */
export function directLaunch({ batch, height, width, kernelSize }: ConvShape, from: number, to: number) {
  const tiles = channelTiles(to);
  const params = {
    height,
    width,
    n4: batch / 4,
    from_channels: from,
    to_channels: to,
    kernel_size: kernelSize,
    tiles,
  };
  // An invocation computes two of a row's vec4s.
  return { params, items: [Math.ceil((width * batch) / 8), 1, height * tiles] as const };
}

/** Lanes of the one_output forms: strips of 7 pixels in a row, times pairs of images. */
const stripItems = ({ batch, width }: ConvShape) => (Math.ceil(width / 7) * batch) / 2;

/**
 * Whether a row has fewer strips than a workgroup of a form with subgroups has lanes. Idle lanes must stay in the workgroup, as they may
 * hold weights; so these workgroups are small.
 */
const wastesByStrips = (shape: ConvShape, { workgroupSize }: Shader) => stripItems(shape) < workgroupSize[0];

/** The reason why the tile form cannot compute a layer; undefined if it can. */
export const refusesTile = ({ kernelSize, width }: ConvShape) =>
  kernelSize === 5 && width >= 7 ? undefined : 'this form is for 5x5 kernels and images at least 7 wide';

/** The reason why the one_input form cannot compute a layer; undefined if it can. `channels`: the number of channels that are summed over. */
export const refusesOneInput = ({ kernelSize }: ConvShape, channels: number, side: string) =>
  hasOneChannelForm(kernelSize) && channels === 1
    ? undefined
    : `this form is for 5x5 and 3x3 kernels with one ${side} channel`;

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

/** The device features and the kind of adapter that a form requires. */
export const oneInputRequirements = (
  form: PatchForm,
): Pick<Variant<ConvShape, never>, 'features' | 'for'> => ({
  features: form === 'subgroups' ? ['subgroups'] : [],
  ...(form === 'plain' ? {} : { for: form === 'gpu' ? 'gpu' : 'software' }),
});

/** Lanes of the one_input form: patches of 2 rows x 4 pixels along two rows, times groups of `images` images. */
const patchItems = ({ batch, width }: ConvShape, form: PatchForm) =>
  (Math.ceil(width / 4) * batch) / PATCH_FORMS[form].images;

/** Like `wastesByStrips`, for the one_input form. */
export const wastesByPatches = (shape: ConvShape, form: PatchForm, { workgroupSize }: Shader) =>
  form === 'subgroups' && patchItems(shape, form) < workgroupSize[0];

/** The name of the shader for a kernel's size. */
export const oneInputName = (form: PatchForm, shape: ConvShape) =>
  `one_input${sideEnd(shape)}${form === 'plain' ? '' : (`_${form}` as const)}` as const;
type OneInputName = ReturnType<typeof oneInputName>;

/** Params and grid of a convolution from a single channel to `to`: see shaders/conv2d/one_channel/one_input.wgsl. */
export function oneInputLaunch(shape: ConvShape, to: number, form: PatchForm) {
  const { batch, height, width } = shape;
  const { images: together, channels: each } = PATCH_FORMS[form];
  const params = { height, width, images: batch / together, channels: to, padded: padChannels(to), each };
  const items = [patchItems(shape, form), 1, Math.ceil(height / 2) * Math.ceil(to / each)] as const;
  return { params, items };
}

type OneInputParam = keyof ReturnType<typeof oneInputLaunch>['params'] | 'first_group';
export type OneInputShaders<B extends string> = Readonly<Record<OneInputName, Shader<OneInputParam, B>>>;
type OneInputBiasShaders<B extends string> = Readonly<
  Record<`${OneInputName}_image_bias`, BiasShaders<OneInputParam, B>[1]>
>;

/** The one_input form of a convolution, also of a fused one. */
export const oneInputForward = <B extends string>(
  form: PatchForm,
  shaders: OneInputShaders<B> & OneInputBiasShaders<B>,
): Variant<ConvShape, B> => ({
  ...oneInputRequirements(form),
  refuses: (shape) => refusesOneInput(shape, shape.inChannels, 'input'),
  calls: (shape, tensors) => {
    const { params, items } = oneInputLaunch(shape, shape.outChannels, form);
    const name = oneInputName(form, shape);
    return [biasCall([shaders[name], shaders[`${name}_image_bias`]], shape, params, tensors, items)];
  },
});

/** Params and grid of a convolution by tiles in workgroup memory: see shaders/conv2d/tile/tile.wgsl. */
export function tileLaunch({ batch, height, width }: ConvShape, from: number, to: number) {
  const pairs = batch / 2;
  const params = { height, width, pairs, from_channels: from, to_channels: to, to4: padChannels(to) / 4 };
  // A workgroup has 16 lanes over pairs of images and 8 over groups of 4 output channels.
  const strips = Math.ceil(width / 7);
  return { params, items: [16 * strips * Math.ceil(pairs / 16), Math.ceil(to / 4), height] as const };
}

/** Shapes with a bias per image have the tensor image_bias, too. */
type TensorName = 'input' | 'kernel' | 'bias' | 'output';

const tile: Variant<ConvShape, TensorName> = {
  for: 'gpu',
  refuses: refusesTile,
  calls: (shape, tensors) => {
    const { params, items } = tileLaunch(shape, shape.inChannels, shape.outChannels);
    return [biasCall([shaders.tile, shaders.tile_image_bias], shape, params, tensors, items)];
  },
};

const oneInput = (form: PatchForm): Variant<ConvShape, TensorName> => ({
  ...oneInputForward(form, shaders),
  wastesLanes: (shape) => wastesByPatches(shape, form, shaders[oneInputName(form, shape)]),
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
const oneOutput = (subgroups: boolean): Variant<ConvShape, TensorName> => ({
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
const oneOutputGpu: Variant<ConvShape, TensorName> = {
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

const channelsOf = ({ inChannels, outChannels }: ConvShape) => ({
  from: inChannels,
  to: outChannels,
  toPadded: padChannels(outChannels),
});

const winograd = (form: WinogradForm): Variant<ConvShape, TensorName> => ({
  ...winogradConvolution(form, channelsOf),
  caches: cachesImages(form),
  calls: (shape, { input, kernel, ...tensors }, scratch, cached) => {
    const name = `${form.name}_output` as const;
    const last = [shaders[name], shaders[`${name}_image_bias` as const]] as const;
    const finish: Parameters<typeof convolutionCalls>[5] = (params, items) =>
      biasCall(last, shape, params, { freqs: scratch.products, ...tensors }, items);
    return convolutionCalls(form, shape, channelsOf(shape), { input, kernel }, scratch, finish, cached);
  },
});

export const conv2d: Kernel<ConvShape, TensorName> = {
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
    direct: {
      calls: (shape, tensors) => {
        const { params, items } = directLaunch(shape, shape.inChannels, shape.outChannels);
        return [biasCall([shaders.plain, shaders.image_bias], shape, params, tensors, items)];
      },
    },
    ...oneInputVariants(oneInput),
    one_output: oneOutput(false),
    one_output_gpu: oneOutputGpu,
    one_output_subgroups: oneOutput(true),
    tile,
    ...winogradVariants(winograd),
  },
};
