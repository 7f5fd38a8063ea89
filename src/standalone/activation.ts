/** The activation by itself, alone or with the next operation of the networks: pooling or upsampling. */
import { argumentError, checkNames, type Names } from '../base/errors';
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
  checkImagesShape,
  checkLayout,
  type ImageLayout,
  ImagesKernel,
  type ImagesShape,
  Passes,
  port,
} from './passes';
import { createResampling, type Resampling } from './resampling';

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
    const passes =
      next === 'nothing'
        ? Passes.create(gpu, NAME, elementwise(shape), { count: shape.batch })
        : createResampling(gpu, NAME, shape, { layout }, NEXT[next]);
    return new Activation(NAME, shape, await passes);
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
  checkImagesShape('An activation', shape);
  if (!['nothing', 'maxPool', 'upsample'].includes(next)) {
    throw argumentError(`next is ${JSON.stringify(next)}; it must be nothing, maxPool or upsample.`);
  }
  if (next === 'maxPool') checkEven(shape);
}

/** The order of the values does not matter here, so no conversion is needed. */
function elementwise({ batch, height, width, channels }: ImagesShape) {
  const size = batch * height * width * channels;
  const elements = padBatch(size); // a multiple of 4
  const x = tensor('input', elements);
  const y = tensor('output', elements);
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

/** In the networks, skip connections begin at pooling and end at upsampling. Here zeros come through them: swish(0) = 0. */
const NEXT: Readonly<Record<Exclude<ActivationNext, 'nothing'>, Resampling>> = {
  maxPool: {
    scale: 0.5,
    forward: (shape, tensors) => ({ op: op(swishMaxPool, NAME, shape, tensors) }),
    backward: (shape, { input: pre, ...tensors }) => ({
      op: op(swishMaxPoolGrad, NAME, shape, { pre, ...tensors }),
      clears: [tensors.grad],
    }),
    readsInput: true,
  },
  upsample: {
    scale: 2,
    forward: (shape, tensors) => {
      const skip = tensor('zeros', 4 * shape.batch * shape.channels * shape.height * shape.width);
      return { op: op(swishUpsampleAdd, NAME, shape, { ...tensors, skip }), clears: [skip] };
    },
    backward: (shape, { input: pre, ...tensors }) => ({
      op: op(swishUpsampleGrad, NAME, shape, { pre, ...tensors }),
    }),
    readsInput: true,
  },
};
