/** Max pooling and upsampling by themselves, and what they have in common there and after an activation: the sides of the output are half the input's, or twice. */
import { checkNames, type Names } from '../base/errors';
import type { Gpu } from '../gpu/gpu';
import type { BufferSlice } from '../gpu/slice';
import { maxPool } from '../kernels/max_pool';
import { maxPoolGrad } from '../kernels/max_pool_grad';
import type { ImageShape } from '../kernels/swish_max_pool';
import { upsample } from '../kernels/upsample';
import { upsampleGrad } from '../kernels/upsample_grad';
import { type Op, op } from '../plan/op';
import type { Tensor } from '../plan/tensor';
import {
  checkEven,
  checkImagesShape,
  checkLayout,
  ImagesKernel,
  type ImagesShape,
  LayoutConversion,
  type LayoutOptions,
  Passes,
  type PassPlan,
  port,
} from './passes';

/** A kernel's op, and the tensors that must be 0 before it. */
interface Made {
  readonly op: Op;
  readonly clears?: readonly Tensor[];
}

export interface Resampling {
  /** Sides of the output, in sides of the input. */
  readonly scale: number;
  forward(shape: ImageShape, tensors: Readonly<Record<'input' | 'output', Tensor>>): Made;
  backward(shape: ImageShape, tensors: Readonly<Record<'input' | 'grad_output' | 'grad', Tensor>>): Made;
  /** Whether the gradient depends on the input. If not, both share a buffer. */
  readonly readsInput: boolean;
}

/** Throws for a wrong layout. `name`: of the kernel, for labels. */
export async function createResampling(
  gpu: Gpu,
  name: string,
  shape: ImagesShape,
  { layout = 'NHWC' }: LayoutOptions,
  resampling: Resampling,
): Promise<Passes<'forward' | 'backward'>> {
  checkLayout(layout, shape.batch);
  const images = new LayoutConversion(shape.batch, layout);
  return Passes.create(gpu, name, planResampling(shape, images, resampling), {
    ...(layout === 'NHWC' ? { state: images.state } : {}),
    count: shape.batch,
  });
}

function planResampling(
  { batch: _, ...size }: ImagesShape,
  images: LayoutConversion,
  { scale, forward, backward, readsInput }: Resampling,
): Record<'forward' | 'backward', PassPlan> {
  const shape = { ...size, batch: images.batch };
  const outSize = { ...size, height: size.height * scale, width: size.width * scale };
  const x = images.tensor('input', size);
  const y = images.tensor('output', outSize);
  const gradient = readsInput ? images.tensor('gradient of the input', size) : x;
  const input = images.read(x, size);
  const output = images.write(y, outSize);
  const outputGradient = images.read(y, outSize);
  const inputGradient = images.write(gradient, size);
  const there = forward(shape, { input: input.images, output: output.images });
  const back = backward(shape, {
    input: input.images,
    grad_output: outputGradient.images,
    grad: inputGradient.images,
  });
  return {
    forward: {
      ops: [...input.ops, there.op, ...output.ops],
      reads: { input: port(x) },
      writes: { output: port(y) },
      clears: there.clears,
    },
    backward: {
      ops: [...(readsInput ? input.ops : []), ...outputGradient.ops, back.op, ...inputGradient.ops],
      reads: { ...(readsInput ? { input: port(x) } : {}), outputGradient: port(y) },
      writes: { inputGradient: port(gradient) },
      clears: back.clears,
    },
  };
}

const POOLING_READS = ['input', 'outputGradient', 'inputGradient'] as const;

/**
 * Max pooling of 2x2 windows, by itself. Created by `engine.createPooling`. Buffers are of f32, images in the order of `layout`. Buffers
 * that are read have the usage COPY_SRC, buffers that are written COPY_DST.
 */
export class Pooling extends ImagesKernel {
  /** @internal */
  static async create(gpu: Gpu, shape: ImagesShape, options: LayoutOptions): Promise<Pooling> {
    checkNames('createPooling', options, { layout: true } satisfies Names<LayoutOptions>);
    checkImagesShape('A pooling', shape);
    checkEven(shape);
    const passes = await createResampling(gpu, 'pooling', shape, options, {
      scale: 0.5,
      forward: (shape, tensors) => ({ op: op(maxPool, 'pooling', shape, tensors) }),
      backward: (shape, tensors) => ({ op: op(maxPoolGrad, 'pooling', shape, tensors) }),
      readsInput: true,
    });
    return new Pooling('pooling', shape, passes);
  }

  /**
   * Records the gradient of the input from the output's; submits nothing. `input` is the forward pass's: a gradient goes to the largest value
   * of its window, among equal ones to the first.
   */
  encodeBackward(
    encoder: GPUCommandEncoder,
    buffers: { readonly [name in (typeof POOLING_READS)[number]]: BufferSlice },
  ): void {
    this.encodeGradient(encoder, buffers, POOLING_READS);
  }
}

const UPSAMPLING_READS = ['outputGradient', 'inputGradient'] as const;

/**
 * Nearest upsampling by 2, by itself. Created by `engine.createUpsampling`. Buffers are of f32, images in the order of `layout`. Buffers
 * that are read have the usage COPY_SRC, buffers that are written COPY_DST.
 */
export class Upsampling extends ImagesKernel {
  /** @internal */
  static async create(gpu: Gpu, shape: ImagesShape, options: LayoutOptions): Promise<Upsampling> {
    checkNames('createUpsampling', options, { layout: true } satisfies Names<LayoutOptions>);
    checkImagesShape('An upsampling', shape);
    const passes = await createResampling(gpu, 'upsampling', shape, options, {
      scale: 2,
      forward: (shape, tensors) => ({ op: op(upsample, 'upsampling', shape, tensors) }),
      backward: (shape, { input: _, ...tensors }) => ({ op: op(upsampleGrad, 'upsampling', shape, tensors) }),
      readsInput: false,
    });
    return new Upsampling('upsampling', shape, passes);
  }

  /** Records the gradient of the input, the sum of the gradients of a pixel's four copies; submits nothing. */
  encodeBackward(
    encoder: GPUCommandEncoder,
    buffers: { readonly [name in (typeof UPSAMPLING_READS)[number]]: BufferSlice },
  ): void {
    this.encodeGradient(encoder, buffers, UPSAMPLING_READS);
  }
}
