import shaders from 'virtual:kernel/conv2d_grad_kernel';
import type { ConvShape } from '../plan/conv_shape';
import { type Call, call, type Kernel, type Variant } from '../plan/op';
import type { Tensor } from '../plan/tensor';
import {
  betterSmaller,
  cachesImages,
  chunkImages,
  formRequirements,
  frequencySize,
  inputTransform,
  pairLaunch,
  refusesWinograd,
  TOGETHER,
  tiling,
  transformItems,
  transformParams,
  type WinogradForm,
  winogradVariants,
} from '../winograd/plan';
import { convFlops, convParams, convSizes, hasOneChannelForm, sideEnd } from './conv2d';
import { flatSize } from './pack_weights';
import { sumSlicesCall } from './sum_slices';

/** Most slices of image rows: enough invocations for a GPU, few enough that the partial sums stay small. */
const MOST_SLICES = 7;
/** Most elements of these sums: the largest buffer that every device allows. */
const MOST_SUMS = 2 ** 25;

/** Elements of the gradient: kernel [k][k][in][out], then bias [out]. */
export const gradientSize = ({ kernelSize, inChannels, outChannels }: ConvShape) =>
  kernelSize ** 2 * inChannels * outChannels + outChannels;

function slicing(shape: ConvShape): { rows: number; slices: number } {
  const { height } = shape;
  const most = Math.min(MOST_SLICES, Math.max(1, Math.floor(MOST_SUMS / flatSize(shape))));
  const rows = Math.ceil(height / most);
  return { rows, slices: Math.ceil(height / rows) };
}

type TensorName = 'input' | 'grad' | 'gradient';

const ONE_ROWS = 14;

/** A form that divides pixels or images into slices, and writes partial sums of the whole gradient for each slice. */
const sliced = (
  slices: (shape: ConvShape) => number,
  partialSums: (shape: ConvShape, input: Tensor, grad: Tensor, partials: Tensor) => Call,
): Pick<Variant<ConvShape, TensorName>, 'slices' | 'scratch' | 'calls'> => ({
  slices,
  scratch: (shape) => ({ partials: slices(shape) * flatSize(shape) }),
  calls: (shape, { input, grad, gradient }, { partials }, forSlices) => {
    if (forSlices) return [partialSums(shape, input, grad, forSlices)];
    const sum = { size: gradientSize(shape), pitch: flatSize(shape), count: slices(shape) };
    const sums = { ...partialSums(shape, input, grad, partials), flops: convFlops(shape) };
    return [sums, sumSlicesCall(sum, partials, gradient)];
  },
});

/** For layers with one channel on a side. An invocation has four channels of an image; on GPUs one, and a slice 4 columns of 16 images. */
const oneChannel = (end: '' | '_gpu'): Variant<ConvShape, TensorName> => {
  const strips = ({ width }: ConvShape) => (end ? Math.ceil(width / 4) : 1);
  const slices = (shape: ConvShape) => Math.ceil(shape.height / ONE_ROWS) * strips(shape);
  return {
    ...(end ? { for: 'gpu' } : {}),
    refuses: ({ inChannels, outChannels, kernelSize }) =>
      hasOneChannelForm(kernelSize) && Math.min(inChannels, outChannels) === 1
        ? undefined
        : 'this form is for 5x5 and 3x3 kernels with one channel on a side',
    ...sliced(
      (shape) => slices(shape) * Math.ceil(shape.batch / (end ? 16 : 1)),
      (shape, input, grad, partials) => {
        const { height, width, batch, inChannels, outChannels } = shape;
        const wideIsInput = outChannels === 1 && inChannels > 1;
        const [wide, narrow] = wideIsInput ? [input, grad] : [grad, input];
        const params = {
          height,
          width,
          batch,
          in_channels: inChannels,
          out_channels: outChannels,
          rows: ONE_ROWS,
          ...(end ? { strips: strips(shape) } : {}),
          wide_is_input: Number(wideIsInput),
          pitch: flatSize(shape),
        };
        const shader = shaders[`one_channel${sideEnd(shape)}${end}` as const];
        const channels = (inChannels * outChannels) / (end ? 1 : 4);
        return call(shader, params, { wide, narrow, partials }, [batch, Math.ceil(channels), slices(shape)]);
      },
    ),
  };
};

/** Number of workgroups that keeps a large GPU busy, used if the partial sums that it needs fit `MOST_PARTIALS` elements. */
const TILE_WORKGROUPS = 1024;
const MOST_PARTIALS = 2 ** 22;

/** The tile form's division of image rows, and of the batch in blocks of 8 images, into slices, each with its sums. */
function tileSlicing(shape: ConvShape) {
  const { height, batch, inChannels, outChannels } = shape;
  const tiles = Math.ceil(inChannels / 16) * Math.ceil(outChannels / 32) * 5;
  const most = Math.floor(MOST_PARTIALS / gradientSize(shape));
  const wanted = Math.max(1, Math.min(Math.ceil(TILE_WORKGROUPS / tiles), most));
  const rows = Math.ceil(height / Math.min(height, wanted));
  const rowSlices = Math.ceil(height / rows);
  const allBlocks = Math.ceil(batch / 8);
  const blocks = Math.ceil(allBlocks / Math.max(1, Math.floor(wanted / rowSlices)));
  return { rows, rowSlices, blocks, slices: rowSlices * Math.ceil(allBlocks / blocks) };
}

const tile: Variant<ConvShape, TensorName> = {
  for: 'gpu',
  refuses: ({ kernelSize }) => (kernelSize === 5 ? undefined : 'this form is for 5x5 kernels'),
  ...sliced(
    (shape) => tileSlicing(shape).slices,
    (shape, input, grad, partials) => {
      const { height, width, n4, in_channels, out_channels } = convParams(shape);
      const { rows, rowSlices, blocks, slices } = tileSlicing(shape);
      const pitch = flatSize(shape);
      const params = {
        height,
        width,
        n4,
        in_channels,
        out_channels,
        rows,
        row_slices: rowSlices,
        blocks,
        pitch,
      };
      // A workgroup has 8 lanes for 16 input channels, and 8 for 32 output channels.
      const items = [Math.ceil(in_channels / 2), Math.ceil(out_channels / 4), 5 * slices] as const;
      return call(shaders.tile, params, { input, grad, partials }, items);
    },
  ),
};

/** Elements of the products of all frequencies, followed by the bias gradient. */
const productSize = ({ frequencies }: WinogradForm, { inChannels, outChannels }: ConvShape) =>
  (frequencies * inChannels + 1) * outChannels;

/** Number of workgroups of the GPU product that keeps a large GPU busy, and vec4s of columns below which a slice is not worth its sums. */
const PRODUCT_WORKGROUPS = 1024;
const LEAST_SLICE = 16;

/** The GPU product's division of a chunk's columns into slices, each with its sums. It loads 8 vec4s of columns at a time. */
function productSlicing(form: WinogradForm, shape: ConvShape) {
  const { chunk, chunks, tiles } = tiling(form, shape);
  const columns = (tiles * chunk) / 4;
  const workgroups = form.frequencies * Math.ceil(shape.inChannels / 32) * Math.ceil(shape.outChannels / 32);
  const most = Math.floor(MOST_PARTIALS / productSize(form, shape) / chunks.length);
  const wanted = Math.min(
    Math.ceil(PRODUCT_WORKGROUPS / workgroups),
    Math.floor(columns / LEAST_SLICE),
    most,
  );
  const each = Math.ceil(columns / Math.max(1, wanted) / 8) * 8;
  const slices = Math.ceil(columns / each);
  return { each, slices, all: slices * chunks.length };
}

/** The last dispatch: transforms products (on GPUs, slices of them) back to taps. */
function kernelTransform(form: WinogradForm, shape: ConvShape, tensors: { freqs: Tensor; gradient: Tensor }) {
  const { inChannels: cin, outChannels: cout } = shape;
  const { pairs, items } = pairLaunch(form, cin * cout);
  if (form.technique !== 'gpu')
    return call(shaders[`${form.name}_kernel` as const], { pairs, cout }, tensors, items);
  const params = { pairs, cout: cout / 2, slices: productSlicing(form, shape).all };
  return call(shaders[`${form.name}_kernel` as const], params, tensors, items);
}

/** The product of one chunk, for all frequencies. */
function multiply(
  form: WinogradForm,
  shape: ConvShape,
  chunk: number,
  operands: { inputs: Tensor; grads: Tensor; output: Tensor },
): Call {
  const { inChannels: cin, outChannels: cout } = shape;
  const { frequencies, sumFrequency } = form;
  const tiles = tiling(form, shape);
  const at = tiles.chunks[chunk];
  const params = {
    columns: (tiles.tiles * at.count) / 4,
    pitch: (tiles.tiles * tiles.chunk) / 4,
    cin,
    cout,
    frequencies,
    sum_frequency: sumFrequency,
  };
  const accumulate = Number(at.first > 0);
  const flops = 2 * frequencies * tiles.tiles * at.count * cin * cout;
  switch (form.technique) {
    // An invocation computes 8 input and 8 output channels of one frequency.
    case 'plain': {
      const items = [Math.ceil(cout / 8), Math.ceil(cin / 8), frequencies] as const;
      return call(shaders.winograd_product, { ...params, accumulate }, operands, items, flops);
    }
    case 'subgroups': {
      const items = [32 * Math.ceil(cout / 32), Math.ceil(cin / 32), Math.ceil(frequencies / 4)] as const;
      return call(shaders.winograd_subgroups_product, { ...params, accumulate }, operands, items, flops);
    }
    // An invocation computes 4 input and 4 output channels of one frequency and one slice.
    case 'gpu': {
      const { slices, each } = productSlicing(form, shape);
      const items = [Math.ceil(cout / 4), Math.ceil(cin / 4), frequencies * slices] as const;
      const slicing = { slices, slice_columns: each, first_slice: chunk * slices };
      return call(shaders.winograd_gpu_product, { ...params, ...slicing }, operands, items, flops);
    }
  }
}

/**
 * In frequency space, the sum over tiles and images is one long matrix product. Each chunk is added to the output; on GPUs, the sums of
 * slices are stored side by side, and the transform back adds them up.
 */
const winograd = (form: WinogradForm): Variant<ConvShape, TensorName> => ({
  ...formRequirements(form),
  wastesLanes: (shape) => betterSmaller(form, shape),
  refuses: (shape) =>
    refusesWinograd(form, shape, 2, Math.max(shape.inChannels, shape.outChannels)) ??
    (shape.outChannels % 8 !== 0 ? 'the Winograd form makes 8 output channels at a time' : undefined),
  scratch: (shape) => ({
    images: frequencySize(form, tiling(form, shape), shape.inChannels),
    grads: frequencySize(form, tiling(form, shape), shape.outChannels),
    products: productSize(form, shape) * (form.technique === 'gpu' ? productSlicing(form, shape).all : 1),
  }),
  caches: cachesImages(form),
  calls: (shape, { input, grad, gradient }, { images, grads, products }, cached) => {
    const { inChannels: cin, outChannels: cout } = shape;
    const tiles = tiling(form, shape);
    const calls = tiles.chunks.flatMap((at, i) => {
      const inputs = chunkImages(form, tiles, cin, i, images, cached);
      const transform = inputTransform(form, shape, tiles, cin, at, { input, freqs: inputs });
      return [
        ...(cached ? [] : [transform]), // if cached, the convolution has already written it
        call(
          shaders[`${form.name}_gradient` as const],
          transformParams(TOGETHER, shape, tiles, cout, at),
          { grad, freqs: grads },
          transformItems(form, TOGETHER, tiles, at.count, cout),
        ),
        multiply(form, shape, i, { inputs, grads, output: products }),
      ];
    });
    return [...calls, kernelTransform(form, shape, { freqs: products, gradient })];
  },
});

/** The gradients of kernel and bias, dense and one after the other, in the order of the flat parameters. */
export const conv2dGradKernel: Kernel<ConvShape, TensorName> = {
  name: 'conv2d_grad_kernel',
  sizes: (shape) => {
    const { input, output } = convSizes(shape);
    return { input, grad: output, gradient: gradientSize(shape) };
  },
  cost: (shape) => {
    const { input, output } = convSizes(shape);
    return { flops: convFlops(shape), bytes: 4 * (input + output + gradientSize(shape)) };
  },
  variants: {
    direct: sliced(
      (shape) => slicing(shape).slices,
      (shape, input, grad, partials) => {
        const { rows, slices } = slicing(shape);
        const tiles = Math.ceil(shape.inChannels / 4) * Math.ceil(shape.outChannels / 4);
        const params = { ...convParams(shape), rows, pitch: flatSize(shape) };
        return call(shaders.plain, params, { input, grad, partials }, [tiles, shape.kernelSize ** 2, slices]);
      },
    ),
    one_channel: oneChannel(''),
    one_channel_gpu: oneChannel('_gpu'),
    tile,
    ...winogradVariants(winograd),
  },
};
