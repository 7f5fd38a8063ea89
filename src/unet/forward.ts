/** The forward pass as a list of ops. */

import { type Call, type Kernel, type Op, op, type Tensor, tensor } from '../kernel';
import { type ConvShape, conv2d } from '../kernels/conv2d';
import { conv2dGradKernel } from '../kernels/conv2d_grad_kernel';
import { conv2dPool } from '../kernels/conv2d_pool';
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
  /** What it makes of its input on the way and the weight gradient needs, too. */
  readonly kept?: Tensor;
}

/** Which variant of a kernel to use for a layer; undefined is the kernel's first. */
export type Choose = (kernel: string, layer: string) => string | undefined;

/** Whether a kernel that does more at once has the variant that was chosen for the convolution in it: then it takes its place. */
export const hasVariant = (fused: Kernel<ConvShape>, variant: string | undefined) =>
  variant !== undefined && Object.hasOwn(fused.variants, variant);

/** Elements of what is kept of a layer, 8 MiB: as much as a cache may hold. From memory it would come little faster than it is made. */
const MOST_KEPT = 2 ** 21;

/** A tensor for what both variants make of the layer's input, if there is such a thing. */
function keptFor(shape: ConvShape, layer: string, forward?: string, gradient?: string): Tensor | undefined {
  const made = forward && conv2d.variants[forward]?.keeps;
  const needed = gradient && conv2dGradKernel.variants[gradient]?.keeps;
  if (!made || !needed || made.what !== needed.what) return undefined;
  const size = made.size(shape);
  return size <= MOST_KEPT ? tensor(`${layer} ${made.what}`, size) : undefined;
}

export interface Forward {
  readonly ops: Op[];
  readonly stages: readonly Stage[];
}

/**
 * From `input` to `pre`, the output before the last activation; both are [channels][height][width][batch], `batch` a multiple
 * of 4. Only pre-activations are kept: whatever comes next applies swish to what it reads, so that a map is written once. With `keeps`,
 * a backward pass follows that is chosen for by the same `choose`.
 */
export function forwardPass(
  layers: readonly Layer[],
  weights: readonly LayerWeights[],
  batch: number,
  input: Tensor,
  pre: Tensor,
  choose: Choose = () => undefined,
  keeps = false,
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
    const variant = choose('conv2d', name);
    const stage: Stage = {
      layer,
      weights: weights[i],
      input: x,
      pre: last ? pre : tensor(`${name} pre-activation`, size),
      kept: keeps
        ? keptFor({ ...layer, batch }, name, variant, choose('conv2d_grad_kernel', name))
        : undefined,
    };
    stages.push(stage);
    const { forward: kernel, bias } = stage.weights;
    const tensors = { input: x, kernel, bias, output: stage.pre };
    const pools = i < levels - 1;
    if (pools && hasVariant(conv2dPool, variant)) {
      x = tensor(`${name} pooled`, size / 4);
      ops.push(op(conv2dPool, name, { ...layer, batch }, { ...tensors, pooled: x }, variant));
      return;
    }
    ops.push(op(conv2d, name, { ...layer, batch }, tensors, variant, stage.kept));

    if (last) return;
    if (pools) {
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

/**
 * The calls of `ops` that read weights and nothing else, as transforms of kernels do, apart from the others, and the tensors that
 * they make: while the weights stay the same, they need not be repeated.
 */
export function splitByWeights(ops: readonly Op[], weights: ReadonlySet<Tensor>) {
  const bound = (c: Call, access: string) =>
    Object.entries(c.shader.bindings).flatMap(([name, binding]) =>
      binding.access === access ? [c.tensors[name].base ?? c.tensors[name]] : [],
    );
  const isConstant = (c: Call) => bound(c, 'read').every((t) => weights.has(t));
  const only = (keep: (c: Call) => boolean) =>
    ops.map((o) => ({ ...o, calls: o.calls.filter(keep) })).filter(({ calls }) => calls.length > 0);
  const once = only(isConstant).map((o) => ({ ...o, cost: { flops: 0, bytes: 0 } }));
  return {
    once,
    each: only((c) => !isConstant(c)),
    made: once.flatMap(({ calls }) => calls.flatMap((c) => bound(c, 'read_write'))),
  };
}
