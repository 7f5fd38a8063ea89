/** Max pooling by itself. */
import { checkNames, type Names } from '../base/errors';
import type { Gpu } from '../gpu/gpu';
import type { BufferSlice } from '../gpu/slice';
import { maxPool } from '../kernels/max_pool';
import { maxPoolGrad } from '../kernels/max_pool_grad';
import { op } from '../plan/op';
import {
  checkEven,
  checkImages,
  checkLayout,
  Images,
  ImagesKernel,
  type ImagesShape,
  type LayoutOptions,
  Passes,
  port,
} from './passes';

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
    const { layout = 'NHWC' } = options;
    checkLayout(layout, shape.batch);
    const images = new Images(shape.batch, layout);
    const passes = await Passes.create(gpu, NAME, plansOf(shape, images), {
      ...(layout === 'NHWC' ? { state: images.state } : {}),
      count: shape.batch,
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

function plansOf({ batch: _, ...size }: ImagesShape, images: Images) {
  const shape = { ...size, batch: images.batch };
  const outSize = { ...size, height: size.height / 2, width: size.width / 2 };
  const [x, gradient] = ['input', 'gradient of the input'].map((label) => images.tensor(label, size));
  const y = images.tensor('output', outSize);
  const [input, output] = [images.read(x, size), images.write(y, outSize)];
  const [outputGradient, inputGradient] = [images.read(y, outSize), images.write(gradient, size)];
  const forward = { input: input.images, output: output.images };
  const backward = {
    input: input.images,
    grad_output: outputGradient.images,
    grad: inputGradient.images,
  };
  return {
    forward: {
      ops: [...input.ops, op(maxPool, NAME, shape, forward), ...output.ops],
      reads: { input: port(x) },
      writes: { output: port(y) },
    },
    backward: {
      ops: [
        ...input.ops,
        ...outputGradient.ops,
        op(maxPoolGrad, NAME, shape, backward),
        ...inputGradient.ops,
      ],
      reads: { input: port(x), outputGradient: port(y) },
      writes: { inputGradient: port(gradient) },
    },
  };
}
