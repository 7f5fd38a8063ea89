/** The forward pass as a list of ops. */

import { type ConvShape, conv2d } from '../kernels/conv2d';
import { conv2dGradKernel } from '../kernels/conv2d_grad_kernel';
import { conv2dPool } from '../kernels/conv2d_pool';
import { embedding } from '../kernels/embedding';
import { swish } from '../kernels/swish';
import { swishMaxPool } from '../kernels/swish_max_pool';
import { swishUpsampleAdd } from '../kernels/swish_upsample_add';
import { type Call, type Kernel, type Op, op } from '../plan/op';
import { type Tensor, tensor } from '../plan/tensor';
import type { ConditioningLayers, Layer } from './config';
import type { WeightPlan } from './weights';

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

/** The linear layers of a conditioned network, and their weights. */
export interface ConditioningPlan {
  readonly layers: ConditioningLayers;
  readonly hidden: LayerWeights;
  readonly output: LayerWeights;
}

/** What a conditioned network is told about the images of a batch, [batch] each: the noise levels, and the classes as u32. */
export interface Conditions {
  readonly levels: Tensor;
  readonly classes: Tensor;
}

/** The conditioning of a pass, with the tensors that the backward pass needs again. */
export interface ConditioningStage {
  readonly plan: ConditioningPlan;
  /** What goes into the first linear layer. */
  readonly features: Tensor;
  /** What it makes, before the activation and after it. */
  readonly pre: Tensor;
  readonly activated: Tensor;
  /** What the second one makes: [channels of all convolutions but the last][batch]. */
  readonly imageBias: Tensor;
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
  /** Of a conditioned network. */
  readonly told?: ConditioningStage;
}

/** What a network needs to make a pass. */
export type Network = Pick<WeightPlan, 'layers' | 'weights' | 'conditioning'>;

/** From what a network is told to a bias for each image. */
function tell(
  plan: ConditioningPlan,
  batch: number,
  conditions: Conditions,
): { ops: Op[]; told: ConditioningStage } {
  const { hidden, output, noiseLevel, classes } = plan.layers;
  const size = hidden.outChannels * batch;
  const features = tensor('conditioning features', hidden.inChannels * batch);
  const pre = tensor(`${hidden.name} pre-activation`, size);
  const activated = tensor(`${hidden.name} output`, size);
  const imageBias = tensor('biases of images', output.outChannels * batch);
  const linear = (layer: Layer, { forward: kernel, bias }: LayerWeights, input: Tensor, output: Tensor) =>
    op(conv2d, layer.name, { ...layer, batch }, { input, kernel, bias, output });
  const ops = [
    op(embedding, 'conditioning', { batch, noiseLevel, classes }, { ...conditions, features }),
    linear(hidden, plan.hidden, features, pre),
    op(swish, hidden.name, { elements: size }, { input: pre, output: activated }),
    linear(output, plan.output, activated, imageBias),
  ];
  return { ops, told: { plan, features, pre, activated, imageBias } };
}

/**
 * From `input` to `pre`, the output before the last activation; both are [channels][height][width][batch], `batch` a multiple
 * of 4. Only pre-activations are kept: whatever comes next applies swish to what it reads, so that a map is written once. With `keeps`,
 * a backward pass follows that is chosen for by the same `choose`.
 * `conditions` are what a conditioned network is told.
 */
export function forwardPass(
  { layers, weights, conditioning }: Network,
  batch: number,
  input: Tensor,
  pre: Tensor,
  conditions: Conditions,
  choose: Choose = () => undefined,
  keeps = false,
): Forward {
  const levels = layers.length / 2;
  const { ops, told } = conditioning
    ? tell(conditioning, batch, conditions)
    : { ops: [] as Op[], told: undefined };
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
    const convolution = { ...layer, batch };
    const tensors = {
      input: x,
      kernel,
      bias,
      output: stage.pre,
      ...(told && layer.imageBias !== undefined ? { image_bias: told.imageBias } : {}),
    };
    const pools = i < levels - 1;
    if (pools && hasVariant(conv2dPool, variant)) {
      x = tensor(`${name} pooled`, size / 4);
      ops.push(op(conv2dPool, name, convolution, { ...tensors, pooled: x }, variant));
      return;
    }
    ops.push(op(conv2d, name, convolution, tensors, variant, stage.kept));

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
  return { ops, stages, told };
}

/** From `input` to `output`, the network's prediction; both are [channels][height][width][batch]. */
export function predictionPass(
  network: Network,
  batch: number,
  input: Tensor,
  output: Tensor,
  conditions: Conditions,
  choose?: Choose,
): Op[] {
  const { name, activation } = network.layers[network.layers.length - 1];
  if (activation === 'none') return forwardPass(network, batch, input, output, conditions, choose).ops;
  const pre = tensor(`${name} pre-activation`, output.size);
  const { ops } = forwardPass(network, batch, input, pre, conditions, choose);
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
