/** Upsampling by itself. */
import { checkNames, type Names } from '../base/errors';
import type { Gpu } from '../gpu/gpu';
import type { BufferSlice } from '../gpu/slice';
import { upsample } from '../kernels/upsample';
import { upsampleGrad } from '../kernels/upsample_grad';
import { op } from '../plan/op';
import {
  checkImages,
  checkLayout,
  Images,
  ImagesKernel,
  type ImagesShape,
  type LayoutOptions,
  Passes,
  port,
} from './passes';

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
    const { layout = 'NHWC' } = options;
    checkLayout(layout, shape.batch);
    const images = new Images(shape.batch, layout);
    const passes = await Passes.create(gpu, NAME, plansOf(shape, images), {
      ...(layout === 'NHWC' ? { state: images.state } : {}),
      count: shape.batch,
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

function plansOf({ batch: _, ...size }: ImagesShape, images: Images) {
  const shape = { ...size, batch: images.batch };
  const outSize = { ...size, height: 2 * size.height, width: 2 * size.width };
  // A gradient is as large as the tensor that it belongs to, and not needed at the same time: both share a buffer.
  const [x, y] = [images.tensor('input', size), images.tensor('output', outSize)];
  const [input, output] = [images.read(x, size), images.write(y, outSize)];
  const [outputGradient, inputGradient] = [images.read(y, outSize), images.write(x, size)];
  const forward = { input: input.images, output: output.images };
  const backward = { grad_output: outputGradient.images, grad: inputGradient.images };
  return {
    forward: {
      ops: [...input.ops, op(upsample, NAME, shape, forward), ...output.ops],
      reads: { input: port(x) },
      writes: { output: port(y) },
    },
    backward: {
      ops: [...outputGradient.ops, op(upsampleGrad, NAME, shape, backward), ...inputGradient.ops],
      reads: { outputGradient: port(y) },
      writes: { inputGradient: port(x) },
    },
  };
}
