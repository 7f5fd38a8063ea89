/** Max pooling by itself. */
import { checkNames, type Names } from '../base/errors';
import type { Gpu } from '../gpu/gpu';
import type { BufferSlice } from '../gpu/slice';
import { maxPool } from '../kernels/max_pool';
import { maxPoolGrad } from '../kernels/max_pool_grad';
import { op } from '../plan/op';
import { checkEven, checkImages, ImagesKernel, type ImagesShape, type LayoutOptions } from './passes';
import { createResampling } from './resampling';

const NAME = 'pooling';
const BACKWARD = ['input', 'outputGradient', 'inputGradient'] as const;

/**
 * Max pooling of 2x2 windows, by itself. Created by `engine.createPooling`. Buffers are of f32, images in the order of `layout`. Buffers
 * that are read have the usage COPY_SRC, buffers that are written COPY_DST.
 */
export class Pooling extends ImagesKernel {
  /** @internal */
  static async create(gpu: Gpu, shape: ImagesShape, options: LayoutOptions): Promise<Pooling> {
    checkNames('createPooling', options, { layout: true } satisfies Names<LayoutOptions>);
    checkImages('A pooling', shape);
    checkEven(shape);
    const passes = await createResampling(gpu, NAME, shape, options, {
      scale: 0.5,
      forward: (shape, tensors) => ({ op: op(maxPool, NAME, shape, tensors) }),
      backward: (shape, tensors) => ({ op: op(maxPoolGrad, NAME, shape, tensors) }),
      readsInput: true,
    });
    return new Pooling(NAME, shape, passes);
  }

  /**
   * Records the gradient of the input from the output's; submits nothing. `input` is the forward pass's: a gradient goes to the largest value
   * of its window, among equal ones to the first.
   */
  encodeBackward(
    encoder: GPUCommandEncoder,
    buffers: { readonly [name in (typeof BACKWARD)[number]]: BufferSlice },
  ): void {
    this.encodeGradient(encoder, buffers, BACKWARD);
  }
}
