/** What pooling and upsampling have in common, by themselves and after an activation: the sides of the output are half the input's, or twice. */
import type { Gpu } from '../gpu/gpu';
import type { ImageShape } from '../kernels/swish_max_pool';
import type { Op } from '../plan/op';
import type { Tensor } from '../plan/tensor';
import {
  checkLayout,
  Images,
  type ImagesShape,
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
  const images = new Images(shape.batch, layout);
  return Passes.create(gpu, name, plansOf(shape, images, resampling), {
    ...(layout === 'NHWC' ? { state: images.state } : {}),
    count: shape.batch,
  });
}

function plansOf(
  { batch: _, ...size }: ImagesShape,
  images: Images,
  { scale, forward, backward, readsInput }: Resampling,
): Record<'forward' | 'backward', PassPlan> {
  const shape = { ...size, batch: images.batch };
  const outSize = { ...size, height: size.height * scale, width: size.width * scale };
  const [x, y] = [images.tensor('input', size), images.tensor('output', outSize)];
  const gradient = readsInput ? images.tensor('gradient of the input', size) : x;
  const [input, output] = [images.read(x, size), images.write(y, outSize)];
  const [outputGradient, inputGradient] = [images.read(y, outSize), images.write(gradient, size)];
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
