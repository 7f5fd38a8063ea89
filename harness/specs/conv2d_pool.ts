import { conv2dPool } from '../../src/kernels/conv2d_pool';
import type { ConvShape } from '../../src/plan/conv_shape';
import { reference, wideImage } from '../../src/reference/conv2d_pool';
import { largestOfWindows } from '../../src/reference/swish_max_pool';
import { spec as conv2d, convLayers } from './conv2d';
import { computeExpected, imageDims, padded, type Spec } from './lib/spec';
import { spec as swishMaxPool } from './swish_max_pool';

/** An upper bound of swish's slope: an error before it grows by at most this factor. */
const STEEPEST = 1.1;

const layer = (height: number, width: number, channels: number, batch: number): ConvShape => ({
  batch: padded(batch),
  height,
  width,
  inChannels: 1,
  outChannels: channels,
  kernelSize: 5,
});

/** Shapes for kernels fused with a 5x5 convolution; `inChannels` is the side with one channel, `outChannels` the other side. */
const largeCases: Readonly<Record<string, ConvShape>> = {
  'one window': layer(2, 2, 1, 1),
  'three vec4s of images': layer(2, 2, 1, 12),
  'half a patch over': layer(4, 6, 3, 3),
  'one row of windows': layer(2, 14, 3, 3),
  'more channels than an invocation makes': layer(6, 10, 35, 12),
  UNet: convLayers(4)['down.0'],
};

/** The same cases with kernels of both sizes. */
export const oneChannelCases: Readonly<Record<string, ConvShape>> = {
  ...largeCases,
  ...Object.fromEntries(
    Object.entries(largeCases).map(([name, shape]) => [`${name}, 3x3`, { ...shape, kernelSize: 3 }]),
  ),
};

/** Some of these cases with a bias for each image. */
const imageBiasCases: Readonly<Record<string, ConvShape>> = Object.fromEntries(
  (
    [
      ['one window', 0],
      ['half a patch over', 3],
      ['more channels than an invocation makes', 3],
      ['half a patch over, 3x3', 3],
      ['UNet', 0],
    ] as const
  ).map(([name, imageBias]) => {
    const from = imageBias > 0 ? ` from row ${imageBias}` : '';
    return [`${name}, a bias for each image${from}`, { ...oneChannelCases[name], imageBias }];
  }),
);

export const spec: Spec<ConvShape, 'input' | 'kernel' | 'bias' | 'output' | 'pooled'> = {
  kernel: conv2dPool,
  cases: { ...oneChannelCases, ...imageBiasCases },
  dims: (shape) => ({ output: imageDims(shape.outChannels, shape) }),
  inputs: conv2d.inputs,
  reference,
  error: (shape, inputs) => {
    const { output } = computeExpected(conv2d, shape, inputs);
    const image = wideImage(shape);
    const { output: pooled } = computeExpected(swishMaxPool, image, { input: output.values });
    // The convolution's error goes through swish; of four such errors, the greatest counts.
    const further = largestOfWindows(image, output.error!);
    return { output: output.error, pooled: pooled.error!.map((e, i) => e + STEEPEST * further[i]) };
  },
  bench: (batch) => ({ 'down.0': convLayers(batch)['down.0'] }),
};
