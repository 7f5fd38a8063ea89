/** A convolution by itself: forward, and its gradients. */

import { argumentError, checkBooleans, checkInteger, checkNames, type Names } from '../base/errors';
import { Resource } from '../base/resource';
import type { Gpu } from '../gpu/gpu';
import type { BufferSlice } from '../gpu/slice';
import { conv2d } from '../kernels/conv2d';
import { conv2dGradInput } from '../kernels/conv2d_grad_input';
import { conv2dGradKernel } from '../kernels/conv2d_grad_kernel';
import { needsNoPacking, packing, packWeights, parameterCount, type Region } from '../kernels/pack_weights';
import type { ConvShape } from '../plan/conv_shape';
import { op } from '../plan/op';
import { type Tensor, tensor, view } from '../plan/tensor';
import { withVariants } from '../unet/chooser';
import type { Layer } from '../unet/config';
import type { VariantChooser, Variants } from '../unet/variants';
import { checkLayout, type ImageLayout, LayoutConversion, Passes, type PassPlan, port } from './passes';

/** A convolution of stride 1 with `same` padding and a bias. */
export interface Conv2dShape {
  /** Number of images. */
  readonly batch: number;
  /** Height of an image, in pixels. */
  readonly height: number;
  /** Width of an image, in pixels. */
  readonly width: number;
  /** Channels of the input. */
  readonly inChannels: number;
  /** Channels of the output. */
  readonly outChannels: number;
  /** An odd number. */
  readonly kernelSize: number;
}

/** Options of `createConv2d`. */
export interface Conv2dOptions {
  /** Default `NHWC`. */
  readonly layout?: ImageLayout | undefined;
  /** Whether to create `encodeBackward`'s kernels. Default true. */
  readonly backward?: boolean | undefined;
  /** Kernel variants, as in `Conv2d.variants`. Default: the engine chooses for the device, as inside a network. */
  readonly variants?: Variants | undefined;
}

/** The layer's name in the variants. */
const NAME = 'convolution';
const FORWARD = ['input', 'kernel', 'bias', 'output'] as const;
const GRADIENTS = ['inputGradient', 'kernelGradient', 'biasGradient'] as const;
const BACKWARD = ['input', 'kernel', 'outputGradient', ...GRADIENTS] as const;

type Pass = 'forward' | 'toInput' | 'toKernel';

/**
 * A convolution by itself. Created by `engine.createConv2d`. Buffers are of f32: images in the order of `layout`, the kernel
 * [kernelSize][kernelSize][inChannels][outChannels], the bias [outChannels]; a gradient is like the array that it belongs to. Buffers that
 * are read have the usage COPY_SRC, buffers that are written COPY_DST.
 */
export class Conv2d extends Resource {
  /** The shape that it was created for. */
  readonly shape: Conv2dShape;
  /** The variant of each kernel, such as `conv2d/convolution`: `winograd7`. */
  readonly variants: Variants;
  private readonly passes: Passes<Pass>;

  private constructor(shape: Conv2dShape, variants: Variants, passes: Passes<Pass>) {
    super('convolution');
    this.shape = shape;
    this.variants = variants;
    this.passes = passes;
  }

  /** @internal */
  static async create(
    gpu: Gpu,
    shape: Conv2dShape,
    options: Conv2dOptions,
    chooser: VariantChooser,
  ): Promise<Conv2d> {
    checkShape(shape);
    checkNames('createConv2d', options, {
      layout: true,
      backward: true,
      variants: true,
    } satisfies Names<Conv2dOptions>);
    const { layout = 'NHWC', backward = true, variants: given } = options;
    checkBooleans({ backward });
    checkLayout(layout, shape.batch);
    const images = new LayoutConversion(shape.batch, layout);
    const layer: Layer = { ...shape, name: NAME, activation: 'none', residual: false, next: 'output' };
    // The first layer of a network gets no gradient of its input, so this one comes second.
    const layers = [{ ...layer, name: 'none' }, layer];
    const choice = { given, gpu, chooser, layers, batch: images.batch, training: backward };
    return withVariants(choice, async (chosen) => {
      const variants = Object.fromEntries(Object.entries(chosen).filter(([key]) => key.endsWith(`/${NAME}`)));
      const { forward, ...gradients } = planConv2d(shape, images, variants);
      const plans = backward ? { forward, ...gradients } : { forward };
      const passes = await Passes.create<Pass>(gpu, NAME, plans, {
        ...(layout === 'NHWC' ? { state: images.state } : {}),
        count: shape.batch,
      });
      return new Conv2d({ ...shape }, variants, passes);
    });
  }

  /** Records the convolution; submits nothing. */
  encodeForward(
    encoder: GPUCommandEncoder,
    buffers: { readonly [name in (typeof FORWARD)[number]]: BufferSlice },
  ): void {
    this.check();
    this.passes.encode('encodeForward', encoder, buffers, ['forward'], FORWARD);
  }

  /**
   * Records the gradients for which buffers are given; submits nothing. `outputGradient` is the gradient of the output; `input` is read for
   * the gradients of kernel and bias, `kernel` for the gradient of the input.
   */
  encodeBackward(
    encoder: GPUCommandEncoder,
    buffers: { readonly outputGradient: BufferSlice } & {
      readonly [name in Exclude<(typeof BACKWARD)[number], 'outputGradient'>]?: BufferSlice | undefined;
    },
  ): void {
    this.check();
    const { inputGradient, kernelGradient, biasGradient } = buffers ?? {};
    const wanted: Pass[] = [
      ...(kernelGradient || biasGradient ? (['toKernel'] as const) : []),
      ...(inputGradient ? (['toInput'] as const) : []),
    ];
    if (wanted.length === 0) {
      throw argumentError(
        `encodeBackward has nothing to compute; give a buffer for one of ${GRADIENTS.join(', ')}.`,
      );
    }
    if (!this.passes.has('toInput')) {
      throw argumentError('This convolution was created with backward: false, so it has no gradients.');
    }
    this.passes.encode('encodeBackward', encoder, buffers, wanted, BACKWARD);
  }

  /** Bytes of GPU memory that the convolution holds. */
  get bytes(): number {
    return this.passes.bytes;
  }

  protected release(): void {
    this.passes.destroy();
  }
}

function checkShape(shape: Conv2dShape): void {
  const legal: Names<Conv2dShape> = {
    batch: true,
    height: true,
    width: true,
    inChannels: true,
    outChannels: true,
    kernelSize: true,
  };
  checkNames('A convolution', shape, legal);
  checkInteger('batch', shape.batch, 1, 65536);
  for (const name of ['height', 'width', 'inChannels', 'outChannels'] as const)
    checkInteger(name, shape[name], 1, 4096);
  checkInteger('kernelSize', shape.kernelSize, 1, 31);
  if (shape.kernelSize % 2 === 0) throw argumentError(`kernelSize is ${shape.kernelSize}; it must be odd.`);
}

function planConv2d(
  given: Conv2dShape,
  images: LayoutConversion,
  variants: Variants,
): Record<Pass, PassPlan> {
  const shape: ConvShape = { ...given, batch: images.batch };
  const { height, width, inChannels, outChannels, kernelSize } = given;
  const taps = kernelSize ** 2 * inChannels * outChannels;
  const [inSize, outSize] = [inChannels, outChannels].map((channels) => ({ height, width, channels }));
  const variant = (kernel: string) => variants[`${kernel}/${NAME}`];

  // A gradient is as large as the tensor that it belongs to, and not needed at the same time: both share a buffer.
  const x = images.tensor('input', inSize);
  const y = images.tensor('output', outSize);
  const parameters = tensor('parameters', parameterCount(shape));
  const weights = weightsOf(shape, parameters);
  const gradient = tensor('gradient of the parameters', parameterCount(shape));
  const input = images.read(x, inSize);
  const output = images.write(y, outSize);
  const outputGradient = images.read(y, outSize);
  const inputGradient = images.write(x, inSize);
  const kernel = port(parameters, taps);
  const forward = {
    input: input.images,
    output: output.images,
    kernel: weights.forward,
    bias: weights.bias,
  };
  const toKernel = { input: input.images, grad: outputGradient.images, gradient };
  const toInput = { grad: outputGradient.images, kernel: weights.backward, grad_input: inputGradient.images };
  return {
    forward: {
      ops: [
        ...input.ops,
        weights.pack,
        op(conv2d, NAME, shape, forward, variant(conv2d.name)),
        ...output.ops,
      ],
      reads: { input: port(x), kernel, bias: port(parameters, outChannels, taps) },
      writes: { output: port(y) },
    },
    toKernel: {
      ops: [
        ...input.ops,
        ...outputGradient.ops,
        op(conv2dGradKernel, NAME, shape, toKernel, variant(conv2dGradKernel.name)),
      ],
      reads: { input: port(x), outputGradient: port(y) },
      writes: { kernelGradient: port(gradient, taps), biasGradient: port(gradient, outChannels, taps) },
    },
    toInput: {
      ops: [
        ...outputGradient.ops,
        weights.pack,
        op(conv2dGradInput, NAME, shape, toInput, variant(conv2dGradInput.name)),
        ...inputGradient.ops,
      ],
      reads: { kernel, outputGradient: port(y) },
      writes: { inputGradient: port(x) },
    },
  };
}

/** The weights in the kernels' layouts, and the op that makes them from the parameters. */
function weightsOf(shape: ConvShape, parameters: Tensor) {
  const places = packing(shape);
  const packed = tensor('packed weights', places.size);
  const part = (label: string, { offset, size }: Region) => view(packed, label, offset, size);
  return {
    forward: needsNoPacking(shape)
      ? view(parameters, 'kernel', 0, parameters.size - shape.outChannels)
      : part('kernel', places.forward),
    bias: part('bias', places.bias),
    backward: part('kernel, transposed', places.backward),
    pack: op(packWeights, NAME, shape, { parameters, packed }),
  };
}
