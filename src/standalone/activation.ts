/** The activation by itself, alone or with the next operation of the networks: pooling or upsampling. */
import { checkNames, EngineError, type Names } from '../base/errors';
import type { Gpu } from '../gpu/gpu';
import type { BufferSlice } from '../gpu/slice';
import { swish } from '../kernels/swish';
import { swishGrad } from '../kernels/swish_grad';
import { swishMaxPool } from '../kernels/swish_max_pool';
import { swishMaxPoolGrad } from '../kernels/swish_max_pool_grad';
import { swishUpsampleAdd } from '../kernels/swish_upsample_add';
import { swishUpsampleGrad } from '../kernels/swish_upsample_grad';
import { op } from '../plan/op';
import { padBatch, tensor } from '../plan/tensor';
import {
  checkEven,
  checkImages,
  checkLayout,
  type ImageLayout,
  Images,
  ImagesKernel,
  type ImagesShape,
  Passes,
  type PassPlan,
  port,
} from './passes';

/** The operation after swish, x / (1 + exp(-x)): none, 2x2 max pooling, or nearest upsampling by 2. */
export type ActivationNext = 'nothing' | 'maxPool' | 'upsample';

/** Options of `createActivation`. */
export interface ActivationOptions {
  /** Default `nothing`. `maxPool` needs an even height and width and halves them, `upsample` doubles them. */
  readonly next?: ActivationNext | undefined;
  /** Default `NHWC`. */
  readonly layout?: ImageLayout | undefined;
}

const NAME = 'activation';
const BACKWARD = ['input', 'outputGradient', 'inputGradient'] as const;

/**
 * Swish by itself, and the operation after it. Created by `engine.createActivation`. Buffers are of f32, images in the order of `layout`.
 * Buffers that are read have the usage COPY_SRC, buffers that are written COPY_DST.
 */
export class Activation extends ImagesKernel {
  /** @internal */
  static async create(gpu: Gpu, shape: ImagesShape, options: ActivationOptions): Promise<Activation> {
    checkNames('createActivation', options, { next: true, layout: true } satisfies Names<ActivationOptions>);
    const { next = 'nothing', layout = 'NHWC' } = options;
    checkShape(shape, next);
    checkLayout(layout, shape.batch);
    const images = new Images(shape.batch, layout);
    const converts = layout === 'NHWC' && next !== 'nothing';
    const passes = await Passes.create(
      gpu,
      NAME,
      next === 'nothing' ? elementwise(shape) : windows(shape, next, images),
      { ...(converts ? { state: images.state } : {}), count: shape.batch },
    );
    return new Activation(NAME, shape, passes);
  }

  /** Records the gradient of the input from the output's; submits nothing. `input` is the forward pass's. */
  encodeBackward(
    encoder: GPUCommandEncoder,
    buffers: { readonly [name in (typeof BACKWARD)[number]]: BufferSlice },
  ): void {
    this.encodeGradient(encoder, buffers, BACKWARD);
  }
}

function checkShape(shape: ImagesShape, next: ActivationNext): void {
  checkImages('An activation', shape);
  if (!['nothing', 'maxPool', 'upsample'].includes(next)) {
    throw new EngineError(
      'argument',
      `next is ${JSON.stringify(next)}; it must be nothing, maxPool or upsample.`,
    );
  }
  if (next === 'maxPool') checkEven(shape);
}

/** The order of the values does not matter here, so no conversion is needed. */
function elementwise({ batch, height, width, channels }: ImagesShape) {
  const size = batch * height * width * channels;
  const elements = padBatch(size); // a multiple of 4
  const [x, y] = [tensor('input', elements), tensor('output', elements)];
  return {
    forward: {
      ops: [op(swish, NAME, { elements }, { input: x, output: y })],
      reads: { input: port(x, size) },
      writes: { output: port(y, size) },
    },
    backward: {
      ops: [op(swishGrad, NAME, { elements }, { pre: x, grad: y })],
      reads: { input: port(x, size), outputGradient: port(y, size) },
      writes: { inputGradient: port(y, size) },
    },
  };
}

const SCALE = { maxPool: 0.5, upsample: 2 };

function windows(
  { batch: _, ...size }: ImagesShape,
  next: keyof typeof SCALE,
  images: Images,
): Record<'forward' | 'backward', PassPlan> {
  const pools = next === 'maxPool';
  const shape = { ...size, batch: images.batch };
  const outSize = { ...size, height: size.height * SCALE[next], width: size.width * SCALE[next] };
  const [x, gradient] = ['input', 'gradient of the input'].map((label) => images.tensor(label, size));
  const y = images.tensor('output', outSize);
  const [input, output] = [images.read(x, size), images.write(y, outSize)];
  const [outputGradient, inputGradient] = [images.read(y, outSize), images.write(gradient, size)];
  // In the networks, skip connections begin at pooling and end at upsampling. Here zeros come through them: swish(0) = 0.
  const skip = tensor('zeros', shape.batch * outSize.channels * outSize.height * outSize.width);
  const forward = { input: input.images, output: output.images };
  const backward = { pre: input.images, grad_output: outputGradient.images, grad: inputGradient.images };
  return {
    forward: {
      ops: [
        ...input.ops,
        pools
          ? op(swishMaxPool, NAME, shape, forward)
          : op(swishUpsampleAdd, NAME, shape, { ...forward, skip }),
        ...output.ops,
      ],
      reads: { input: port(x) },
      writes: { output: port(y) },
      clears: pools ? [] : [skip],
    },
    backward: {
      ops: [
        ...input.ops,
        ...outputGradient.ops,
        pools ? op(swishMaxPoolGrad, NAME, shape, backward) : op(swishUpsampleGrad, NAME, shape, backward),
        ...inputGradient.ops,
      ],
      reads: { input: port(x), outputGradient: port(y) },
      writes: { inputGradient: port(gradient) },
      clears: pools ? [inputGradient.images] : [],
    },
  };
}
