/** The forward pass as a list of ops. */

import { type Op, op, type Tensor, tensor } from '../kernel';
import { conv2d } from '../kernels/conv2d';
import { maxPool } from '../kernels/max_pool';
import { upsampleAdd } from '../kernels/upsample_add';
import type { Layer } from './config';

/** A layer's weights in the orders that the kernels read (see pack_weights). */
export interface LayerWeights {
  readonly forward: Tensor;
  readonly bias: Tensor;
  readonly backward: Tensor;
}

/** One convolution of the pass, with the tensors that the backward pass needs again. */
export interface Stage {
  readonly layer: Layer;
  readonly weights: LayerWeights;
  readonly input: Tensor;
  /** Before the activation. */
  readonly pre: Tensor;
  readonly output: Tensor;
}

/** Which variant of a kernel to use for a layer; undefined is the kernel's first. */
export type Choose = (kernel: string, layer: string) => string | undefined;

export interface Forward {
  readonly ops: Op[];
  readonly stages: readonly Stage[];
}

/**
 * `input` and `output` are [channels][height][width][batch], the output after the last activation. `batch` is a multiple of 4.
 */
export function forwardPass(
  layers: readonly Layer[],
  weights: readonly LayerWeights[],
  batch: number,
  input: Tensor,
  output: Tensor,
  choose: Choose = () => undefined,
): Forward {
  const levels = layers.length / 2;
  const ops: Op[] = [];
  const stages: Stage[] = [];
  let x = input;
  layers.forEach((layer, i) => {
    const { name, height, width, outChannels: channels } = layer;
    const size = channels * height * width * batch;
    const stage: Stage = {
      layer,
      weights: weights[i],
      input: x,
      pre: tensor(`${name} pre-activation`, size),
      output: i === layers.length - 1 ? output : tensor(`${name} output`, size),
    };
    stages.push(stage);
    ops.push(
      op(
        conv2d,
        name,
        { ...layer, batch, swish: layer.activation === 'swish' },
        {
          input: x,
          kernel: stage.weights.forward,
          bias: stage.weights.bias,
          pre: stage.pre,
          output: stage.output,
        },
        choose('conv2d', name),
      ),
    );
    const shape = { channels, height, width, batch };
    if (i < levels - 1) {
      x = tensor(`${name} pooled`, size / 4);
      ops.push(op(maxPool, name, shape, { input: stage.output, output: x }));
    } else if (i >= levels && i < layers.length - 1) {
      const skip = stages[2 * levels - 2 - i].output;
      x = tensor(`${name} upsampled + skip`, size * 4);
      ops.push(op(upsampleAdd, name, shape, { input: stage.output, skip, output: x }));
    } else {
      x = stage.output;
    }
  });
  return { ops, stages };
}
