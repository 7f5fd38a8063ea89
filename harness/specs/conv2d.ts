import { conv2d, convSizes, imageBiasSize } from '../../src/kernels/conv2d';
import { type ConvShape, padChannels } from '../../src/plan/conv_shape';
import { biasesAt, reference } from '../../src/reference/conv2d';
import {
  type Arrays,
  absolute,
  EPSILON,
  imageDims,
  padded,
  type Spec,
  sumError,
  type TestRandom,
} from './lib/spec';
import { convolutionGains } from './lib/winograd_gain';

type Pair = readonly [number, number];
/** Images, height and width, channels in and out, side of the kernel. */
const conv = (
  batch: number,
  [height, width]: Pair,
  [inChannels, outChannels]: Pair,
  kernelSize: number,
): ConvShape => ({ batch, height, width, inChannels, outChannels, kernelSize });

/** The UNet's convolutions at a batch size, by layer name. */
export function convLayers(batch: number): Record<string, ConvShape> {
  const layer = (size: number, ...channels: Pair) => conv(padded(batch), [size, size], channels, 5);
  return {
    'down.0': layer(28, 1, 32),
    'down.1': layer(14, 32, 64),
    'down.2': layer(7, 64, 64),
    'up.0': layer(7, 64, 64),
    'up.1': layer(14, 64, 32),
    'up.2': layer(28, 32, 1),
  };
}

/** The shapes on which every convolution kernel is checked: sizes that no tile divides, sizes of 1, the UNet's. */
export const convCases: Record<string, ConvShape> = {
  'one of everything': conv(4, [1, 1], [1, 1], 1),
  'one pixel, 5x5': conv(4, [1, 1], [3, 2], 5),
  'primes, 3x3': conv(12, [7, 5], [3, 11], 3),
  'kernel larger than the image': conv(4, [3, 2], [2, 3], 7),
  'wide, 5x5': conv(8, [3, 13], [5, 9], 5),
  '1x1': conv(4, [4, 3], [7, 17], 1),
  'a batch of many workgroups': conv(564, [2, 3], [2, 3], 3),
  'even sides, channels of 8': conv(4, [10, 6], [8, 16], 5),
  'few channels, 5x5': conv(4, [3, 3], [2, 8], 5),
  // 64 invocations a workgroup, 1,024 workgroups to a row of a flat grid.
  'more pairs of channels than fit a row of workgroups': conv(4, [4, 4], [16, 4104], 3),
  // 256 and the rest.
  'more images than a chunk holds': conv(268, [7, 7], [2, 8], 5),
  'one row as wide as a tile, 5x5': conv(4, [1, 7], [2, 2], 5),
  // Two lanes of `direct`, the second of which has only one vec4.
  'three vec4s of images, 3x3': conv(12, [1, 2], [1, 1], 3),
  'three vec4s of images, 5x5': conv(12, [1, 7], [1, 1], 5),
  // For Winograd, which sums over an even number of channels and makes weight gradients of eights.
  'three vec4s of images, 4x4': conv(12, [4, 4], [2, 8], 5),
  // A workgroup of `direct` holds 64 vec4s: one of them is full, the next one has two.
  'two vec4s more than a workgroup holds': conv(264, [1, 1], [1, 1], 1),
  // The smallest for strips of 7 pixels.
  'one row of 7, 5x5': conv(4, [1, 7], [1, 1], 5),
  // The smallest of which `tile` has two strips, and fills its memory twice.
  'one row of 8, 5x5': conv(4, [1, 8], [1, 1], 5),
  'one row of 7, five channels, 5x5': conv(4, [1, 7], [5, 5], 5),
  'one to one, 5x5': conv(4, [3, 2], [1, 1], 5),
  'smallest for Winograd': conv(4, [4, 5], [2, 8], 5),
  'three tiles of 12 images': conv(12, [4, 12], [2, 8], 5),
  'a tile of 8 and a row, to one channel': conv(4, [9, 4], [2, 1], 5),
  'a tile of 8 and a row, from one channel': conv(4, [9, 4], [1, 8], 5),
  'six whole tiles of 8': conv(12, [16, 24], [4, 8], 5),
  'smallest for Winograd, 3x3': conv(4, [4, 5], [2, 8], 3),
  'three tiles of 12 images, 3x3': conv(12, [4, 20], [2, 8], 3),
  'whole tiles of 7, 3x3': conv(4, [14, 7], [4, 16], 3),
  // With the next one, the chunks of a batch of 256 in a layer of 64 channels. A chunk's frequencies take 16 MiB at most: 152 images.
  'several slices in several chunks': conv(156, [4, 4], [2, 224], 5),
  'two rounds': conv(36, [4, 4], [2, 8], 5),
  'two rounds, 3x3': conv(36, [4, 4], [2, 8], 3),
  // Every rest of a width that is cut in strips of 7 or patches of 4. Too much to do for the emulator, which takes 20 s for a `tile`.
  ...Object.fromEntries(
    [8, 9, 10, 11, 12, 13, 14, 15].flatMap((width): [string, ConvShape][] => {
      const shape = (...channels: Pair) => conv(4, [5, width], channels, 5);
      const small = (...channels: Pair) => conv(4, [5, width], channels, 3);
      const ends: [string, ConvShape][] = [
        [`${width} wide, from one, 3x3`, small(1, 5)],
        [`${width} wide, to one, 3x3`, small(5, 1)],
      ];
      return [
        // Cut as for 5x5 kernels, so that some of the rests do.
        ...(width % 3 === 0 ? ends : []),
        [`${width} wide`, shape(2, 8)],
        [`${width} wide, from one`, shape(1, 5)],
        [`${width} wide, to one`, shape(5, 1)],
      ];
    }),
  ),
  'one to one, 3x3': conv(4, [3, 2], [1, 1], 3),
  'one row of 7, 3x3': conv(4, [1, 7], [1, 1], 3),
  'many to one, 3x3': conv(68, [17, 11], [3, 1], 3),
  'one to many, 3x3': conv(12, [5, 16], [1, 35], 3),
  'many to one, 5x5': conv(68, [9, 11], [3, 1], 5),
  'one to many, 5x5': conv(12, [5, 16], [1, 35], 5),
  ...Object.fromEntries(Object.entries(convLayers(4)).map(([name, shape]) => [`UNet ${name}`, shape])),
};

/** Cases that cover all of `tile`, which takes the emulator as long for one channel as for 32. */
export const tileCases = [
  'one row of 8, 5x5',
  'one row of 7, five channels, 5x5',
  'three vec4s of images, 5x5',
];

/** Some of these cases with a bias for each image: in the first rows of its tensor, and in later ones. */
const imageBiasCases: Record<string, ConvShape> = Object.fromEntries(
  [
    'one of everything',
    'primes, 3x3',
    'wide, 5x5',
    '1x1',
    'more images than a chunk holds',
    'three tiles of 12 images',
    'a tile of 8 and a row, to one channel',
    'six whole tiles of 8',
    'one to many, 5x5',
    'one to many, 3x3',
    'three tiles of 12 images, 3x3',
    'UNet down.0',
    'UNet down.1',
    'UNet down.2',
    'smallest for Winograd, 3x3',
  ].map((name, i) => {
    const imageBias = (i % 2) * 3;
    const shape = name.startsWith('more images')
      ? { ...convCases['smallest for Winograd'], batch: 268 }
      : convCases[name];
    return [`${name}, a bias for each image from row ${imageBias}`, { ...shape, imageBias }];
  }),
);

/** A packed kernel [tap][in][out padded to 8] of random weights scaled as Glorot does, zeros in the padding. */
export function packedKernel(
  random: TestRandom,
  taps: number,
  inChannels: number,
  outChannels: number,
): Float32Array {
  const outPadded = padChannels(outChannels);
  const kernel = new Float32Array(taps * inChannels * outPadded);
  const limit = Math.sqrt(6 / (taps * (inChannels + outChannels)));
  for (let row = 0; row < taps * inChannels; row++) {
    kernel.set(random.floats(outChannels, -limit, limit), row * outPadded);
  }
  return kernel;
}

function error(shape: ConvShape, inputs: Arrays) {
  const { batch, height, width, inChannels, kernelSize, imageBias } = shape;
  const sizes = absolute(inputs);
  const terms = kernelSize ** 2 * inChannels + (imageBias === undefined ? 1 : 2);
  const output = reference(shape, sizes).output.map((magnitude, i) => {
    const ofTerms = sumError(terms, magnitude);
    if (imageBias === undefined) return ofTerms;
    // Biases may be larger than all products together. A sum that begins with them is rounded near them at every addition, by up to
    // EPSILON times as much, evenly: five standard deviations of that are three times the square root of their number.
    const [bias, own] = biasesAt(shape, sizes, Math.floor(i / (height * width * batch)), i % batch);
    return ofTerms + 2 * Math.sqrt(terms) * EPSILON * (bias + own);
  });
  return { output };
}

export const spec: Spec<ConvShape, 'input' | 'kernel' | 'bias' | 'output'> = {
  kernel: conv2d,
  cases: { ...convCases, ...imageBiasCases },
  dims: (shape) => ({ output: imageDims(shape.outChannels, shape) }),
  inputs: (shape, random) => {
    const { inChannels, outChannels, kernelSize } = shape;
    const bias = new Float32Array(padChannels(outChannels));
    bias.set(random.floats(outChannels));
    const { image_bias } = imageBiasSize(shape);
    return {
      input: random.floats(convSizes(shape).input),
      kernel: packedKernel(random, kernelSize ** 2, inChannels, outChannels),
      bias,
      ...(image_bias === undefined ? {} : { image_bias: random.floats(image_bias) }),
    };
  },
  reference,
  error,
  emulated: {
    tile: tileCases,
    winograd7: [
      'a tile of 8 and a row, to one channel',
      'a tile of 8 and a row, to one channel, a bias for each image from row 0',
      'three vec4s of images, 4x4',
    ],
    winograd7_gpu: ['a tile of 8 and a row, to one channel', 'three vec4s of images, 4x4'],
    winograd6_3x3_gpu: ['two rounds, 3x3', 'smallest for Winograd, 3x3, a bias for each image from row 0'],
  },
  gain: convolutionGains,
  bench: convLayers,
};
