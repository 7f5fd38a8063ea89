import oneShader from '../../shaders/conv2d_grad_kernel.one.wgsl';
import oneSplitShader from '../../shaders/conv2d_grad_kernel.one_split.wgsl';
import tileShader from '../../shaders/conv2d_grad_kernel.tile.wgsl';
import shader from '../../shaders/conv2d_grad_kernel.wgsl';
import gradientTransform from '../../shaders/conv2d_grad_kernel.winograd_gradient.wgsl';
import kernelTransform from '../../shaders/conv2d_grad_kernel.winograd_kernel.wgsl';
import product from '../../shaders/conv2d_grad_kernel.winograd_product.wgsl';
import productSubgroups from '../../shaders/conv2d_grad_kernel.winograd_subgroups_product.wgsl';
import gradientTransform7 from '../../shaders/conv2d_grad_kernel.winograd7_gradient.wgsl';
import kernelTransform7 from '../../shaders/conv2d_grad_kernel.winograd7_kernel.wgsl';
import gradientTransform7Pairs from '../../shaders/conv2d_grad_kernel.winograd7_pairs_gradient.wgsl';
import gradientTransform8 from '../../shaders/conv2d_grad_kernel.winograd8_gradient.wgsl';
import kernelTransform8 from '../../shaders/conv2d_grad_kernel.winograd8_kernel.wgsl';
import gradientTransform8Pairs from '../../shaders/conv2d_grad_kernel.winograd8_pairs_gradient.wgsl';
import { call, type Kernel, type Variant } from '../kernel';
import {
  betterSmaller,
  chunkImages,
  F4,
  F7,
  F7_PAIRS,
  F8,
  F8_PAIRS,
  type Form,
  frequencySize,
  keepsImages,
  refusesWinograd,
  tiling,
  transformItems,
  transformParams,
} from '../winograd';
import { type ConvShape, convFlops, convParams, convSizes } from './conv2d';
import { sumSlicesCall } from './sum_slices';

/** Most slices of image rows: enough invocations for a GPU, few enough that the partial sums stay small. */
const MOST_SLICES = 7;

/** Elements of the gradient: kernel [k][k][in][out], then bias [out]. */
export const gradientSize = ({ kernelSize, inChannels, outChannels }: ConvShape) =>
  kernelSize ** 2 * inChannels * outChannels + outChannels;

function slicing({ height }: ConvShape): { rows: number; slices: number } {
  const rows = Math.ceil(height / MOST_SLICES);
  return { rows, slices: Math.ceil(height / rows) };
}

type TensorName = 'input' | 'grad' | 'gradient';

/**
 * For layers with a single channel on one side, whose tiles of 4 x 4 channels would be mostly empty. A slice has `rows` rows, for which four
 * more are loaded, of `images` images, `channels` of which an invocation does of one image.
 */
const oneChannel = (
  shader: typeof oneShader,
  { rows, images, channels }: { rows: number; images: number; channels: number },
): Variant<ConvShape, TensorName> => ({
  // A workgroup has 32 images.
  idles: ({ batch }) => images > 1 && batch < 16,
  refuses: ({ inChannels, outChannels, kernelSize }) =>
    kernelSize === 5 && Math.min(inChannels, outChannels) === 1
      ? undefined
      : 'this form is for 5x5 kernels with a single channel on one side',
  scratch: (shape) => ({
    partials: Math.ceil(shape.height / rows) * Math.ceil(shape.batch / images) * gradientSize(shape),
  }),
  calls: (shape, { input, grad, gradient }, { partials }) => {
    const { height, width, batch, inChannels, outChannels } = shape;
    const wideIsInput = outChannels === 1 && inChannels > 1;
    const [wide, narrow] = wideIsInput ? [input, grad] : [grad, input];
    const params = {
      height,
      width,
      batch,
      in_channels: inChannels,
      out_channels: outChannels,
      rows,
      wide_is_input: Number(wideIsInput),
    };
    const slices = Math.ceil(height / rows);
    const items = [batch, Math.ceil((inChannels * outChannels) / channels), slices] as const;
    const count = slices * Math.ceil(batch / images);
    return [
      call(shader, params, { wide, narrow, partials }, items),
      sumSlicesCall({ size: gradientSize(shape), count }, partials, gradient),
    ];
  },
});

/** Workgroups that keep a large GPU busy, if the partial sums that this takes fit `MOST_PARTIALS` elements. */
const TILE_WORKGROUPS = 1024;
const MOST_PARTIALS = 2 ** 22;

/** How the tile form cuts image rows, and the batch in blocks of 8 images, into slices with sums of their own. */
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
  refuses: ({ kernelSize }) => (kernelSize === 5 ? undefined : 'this form is for 5x5 kernels'),
  scratch: (shape) => ({ partials: tileSlicing(shape).slices * gradientSize(shape) }),
  calls: (shape, { input, grad, gradient }, { partials }) => {
    const { height, width, n4, in_channels, out_channels } = convParams(shape);
    const { rows, rowSlices, blocks, slices } = tileSlicing(shape);
    const params = { height, width, n4, in_channels, out_channels, rows, row_slices: rowSlices, blocks };
    // A workgroup has 8 lanes for 16 input channels and 8 for 32 output channels.
    const items = [Math.ceil(in_channels / 2), Math.ceil(out_channels / 4), 5 * slices] as const;
    return [
      call(tileShader, params, { input, grad, partials }, items),
      sumSlicesCall({ size: gradientSize(shape), count: slices }, partials, gradient),
    ];
  },
};

/** In frequency space the sum over tiles and images is one long matrix product, so there are no partial sums. */
const winograd = (
  form: Form,
  toFrequencies: typeof gradientTransform,
  last: typeof kernelTransform,
  subgroups: boolean,
): Variant<ConvShape, TensorName> => ({
  features: subgroups ? ['subgroups'] : [],
  idles: (shape) => betterSmaller(form, shape),
  refuses: (shape) =>
    refusesWinograd(form, shape, 2, Math.max(shape.inChannels, shape.outChannels)) ??
    (shape.outChannels % 8 !== 0 ? 'the Winograd form makes 8 output channels at a time' : undefined),
  scratch: (shape) => ({
    images: frequencySize(form, tiling(form, shape), shape.inChannels),
    grads: frequencySize(form, tiling(form, shape), shape.outChannels),
    products: form.frequencies * shape.inChannels * shape.outChannels + shape.outChannels,
  }),
  keeps: keepsImages(form),
  calls: (shape, { input, grad, gradient }, { images, grads, products }, kept) => {
    const { inChannels: cin, outChannels: cout } = shape;
    const tiles = tiling(form, shape);
    const calls = tiles.chunks.flatMap((at, i) => {
      const inputs = chunkImages(form, tiles, cin, i, images, kept);
      const transform = call(
        form.inputTransform,
        transformParams(form.together, shape, tiles, cin, at),
        { input, freqs: inputs },
        transformItems(form.together, tiles, at.count, cin),
      );
      return [
        ...(kept ? [] : [transform]), // the convolution has left it there
        call(
          toFrequencies,
          transformParams(form.together, shape, tiles, cout, at),
          { grad, freqs: grads },
          transformItems(form.together, tiles, at.count, cout),
        ),
        call(
          subgroups ? productSubgroups : product,
          {
            columns: (tiles.tiles * at.count) / 4,
            pitch: (tiles.tiles * tiles.chunk) / 4,
            cin,
            cout,
            accumulate: Number(at.first > 0),
            frequencies: form.frequencies,
            sum_frequency: form.sumFrequency,
          },
          { inputs, grads, output: products },
          subgroups
            ? [32 * Math.ceil(cout / 32), Math.ceil(cin / 32), Math.ceil(form.frequencies / 4)]
            : // An invocation makes 8 input and 8 output channels of one frequency.
              [Math.ceil(cout / 8), Math.ceil(cin / 8), form.frequencies],
        ),
      ];
    });
    const pairs = cin * cout;
    return [...calls, call(last, { pairs, cout }, { freqs: products, gradient }, pairs)];
  },
});

/** The gradient for kernel and bias, dense and one after the other, as the flat parameters lie. */
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
    direct: {
      scratch: (shape) => ({ partials: slicing(shape).slices * gradientSize(shape) }),
      calls: (shape, { input, grad, gradient }, { partials }) => {
        const { rows, slices } = slicing(shape);
        const tiles = Math.ceil(shape.inChannels / 4) * Math.ceil(shape.outChannels / 4);
        const items = [tiles, shape.kernelSize ** 2, slices] as const;
        return [
          call(shader, { ...convParams(shape), rows }, { input, grad, partials }, items),
          sumSlicesCall({ size: gradientSize(shape), count: slices }, partials, gradient),
        ];
      },
    },
    one: oneChannel(oneShader, { rows: 14, images: 1, channels: 4 }),
    one_split: oneChannel(oneSplitShader, { rows: 7, images: 32, channels: 1 }),
    tile,
    winograd: winograd(F4, gradientTransform, kernelTransform, false),
    winograd_subgroups: winograd(F4, gradientTransform, kernelTransform, true),
    winograd7: winograd(F7, gradientTransform7, kernelTransform7, false),
    winograd7_subgroups: winograd(F7_PAIRS, gradientTransform7Pairs, kernelTransform7, true),
    winograd8: winograd(F8, gradientTransform8, kernelTransform8, false),
    winograd8_subgroups: winograd(F8_PAIRS, gradientTransform8Pairs, kernelTransform8, true),
  },
};
