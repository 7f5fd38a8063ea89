/** Upsampling by itself. */
import { checkNames, type Names } from '../base/errors';
import type { Gpu } from '../gpu/gpu';
import type { BufferSlice } from '../gpu/slice';
import { upsample } from '../kernels/upsample';
import { upsampleGrad } from '../kernels/upsample_grad';
import { op } from '../plan/op';
import { checkImages, ImagesKernel, type ImagesShape, type LayoutOptions } from './passes';
import { createResampling } from './resampling';

const NAME = 'upsampling';
const BACKWARD = ['outputGradient', 'inputGradient'] as const;

/**
 * Nearest upsampling by 2, by itself. Created by `engine.createUpsampling`. Buffers are of f32, images in the order of `layout`. Buffers
 * that are read have the usage COPY_SRC, buffers that are written COPY_DST.
 */
export class Upsampling extends ImagesKernel {
  /** @internal */
  static async create(gpu: Gpu, shape: ImagesShape, options: LayoutOptions): Promise<Upsampling> {
    checkNames('createUpsampling', options, { layout: true } satisfies Names<LayoutOptions>);
    checkImages('An upsampling', shape);
    const passes = await createResampling(gpu, NAME, shape, options, {
      scale: 2,
      forward: (shape, tensors) => ({ op: op(upsample, NAME, shape, tensors) }),
      backward: (shape, { input: _, ...tensors }) => ({ op: op(upsampleGrad, NAME, shape, tensors) }),
      readsInput: false,
    });
    return new Upsampling(NAME, shape, passes);
  }

  /** Records the gradient of the input, the sum of the gradients of a pixel's four copies; submits nothing. */
  encodeBackward(
    encoder: GPUCommandEncoder,
    buffers: { readonly [name in (typeof BACKWARD)[number]]: BufferSlice },
  ): void {
    this.encodeGradient(encoder, buffers, BACKWARD);
  }
}
