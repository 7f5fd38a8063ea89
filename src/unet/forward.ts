/** The forward pass as a list of ops. */

import { type Op, op, type Tensor, tensor } from '../kernel';
import { conv2d } from '../kernels/conv2d';
import { swish } from '../kernels/swish';
import { swishMaxPool } from '../kernels/swish_max_pool';
import { swishUpsampleAdd } from '../kernels/swish_upsample_add';
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
  /** What the convolution makes, before the activation. */
  readonly pre: Tensor;
}

/** Which variant of a kernel to use for a layer; undefined is the kernel's first. */
export type Choose = (kernel: string, layer: string) => string | undefined;

export interface Forward {
  readonly ops: Op[];
  readonly stages: readonly Stage[];
}

/**
 * From `input` to `pre`, the output before the last activation; both are [channels][height][width][batch], `batch` a multiple
 * of 4. Only pre-activations are kept: whatever comes next applies swish to what it reads, so that a map is written once.
 */
export function forwardPass(
  layers: readonly Layer[],
  weights: readonly LayerWeights[],
  batch: number,
  input: Tensor,
  pre: Tensor,
  choose: Choose = () => undefined,
): Forward {
  const levels = layers.length / 2;
  const ops: Op[] = [];
  const stages: Stage[] = [];
  let x = input;
  layers.forEach((layer, i) => {
    const { name, height, width, outChannels: channels } = layer;
    const shape = { channels, height, width, batch };
    const size = channels * height * width * batch;
    const last = i === layers.length - 1;
    const stage: Stage = {
      layer,
      weights: weights[i],
      input: x,
      pre: last ? pre : tensor(`${name} pre-activation`, size),
    };
    stages.push(stage);
    const { forward: kernel, bias } = stage.weights;
    const tensors = { input: x, kernel, bias, output: stage.pre };
    ops.push(op(conv2d, name, { ...layer, batch }, tensors, choose('conv2d', name)));

    if (last) return;
    if (i < levels - 1) {
      x = tensor(`${name} pooled`, size / 4);
      ops.push(op(swishMaxPool, name, shape, { input: stage.pre, output: x }));
    } else if (i === levels - 1) {
      x = tensor(`${name} output`, size);
      ops.push(op(swish, name, { elements: size }, { input: stage.pre, output: x }));
    } else {
      const skip = stages[2 * levels - 2 - i].pre;
      x = tensor(`${name} upsampled + skip`, size * 4);
      ops.push(op(swishUpsampleAdd, name, shape, { input: stage.pre, skip, output: x }));
    }
  });
  return { ops, stages };
}

/** From `input` to `output`, the network's prediction; both are [channels][height][width][batch]. */
export function predictionPass(
  layers: readonly Layer[],
  weights: readonly LayerWeights[],
  batch: number,
  input: Tensor,
  output: Tensor,
  choose?: Choose,
): Op[] {
  const { name, activation } = layers[layers.length - 1];
  if (activation === 'none') return forwardPass(layers, weights, batch, input, output, choose).ops;
  const pre = tensor(`${name} pre-activation`, output.size);
  const { ops } = forwardPass(layers, weights, batch, input, pre, choose);
  return [...ops, op(swish, name, { elements: output.size }, { input: pre, output })];
}
