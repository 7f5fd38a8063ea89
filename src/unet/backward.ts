/** The backward pass as a list of ops: the forward list in reverse. */

import { conditioningGrad } from '../kernels/conditioning_grad';
import { conv2dGradInput } from '../kernels/conv2d_grad_input';
import { conv2dGradKernel } from '../kernels/conv2d_grad_kernel';
import { conv2dGradPool } from '../kernels/conv2d_grad_pool';
import { conv2dGradUpsample } from '../kernels/conv2d_grad_upsample';
import { flatSize } from '../kernels/pack_weights';
import { sumPixels } from '../kernels/sum_pixels';
import { swishGrad } from '../kernels/swish_grad';
import { swishMaxPoolGrad } from '../kernels/swish_max_pool_grad';
import { swishUpsampleGrad } from '../kernels/swish_upsample_grad';
import { firstVariant, type Op, op } from '../plan/op';
import { type Tensor, tensor, view } from '../plan/tensor';
import type { Layer } from './config';
import {
  type Choose,
  type ConditioningPass,
  type Forward,
  hasVariant,
  type LayerPass,
  residualInput,
} from './forward';

/** The place of a layer's weight gradient. */
export interface LayerGradient {
  /** `count` slices of `flatSize` each, to be added up in order. */
  readonly slices: Tensor;
  readonly count: number;
  /** Whether `slices` are partial sums, which the kernel then leaves for gradient_norm to add up. */
  readonly partial: boolean;
}

/** Most elements of all gradients, 64 MiB; beyond it, a layer adds up its own partial sums. The buffer must fit every device. */
const MOST_SLICES = 2 ** 24;

/** One tensor for the gradients of all layers: gradient_norm adds up the slices, and adam reads all layers at once. */
export function planGradients(
  layers: readonly Layer[],
  batch: number,
  choose: Choose = () => undefined,
): { all: Tensor; byLayer: LayerGradient[] } {
  const align = (size: number) => Math.ceil(size / 64) * 64;
  let size = layers.reduce((sum, layer) => sum + align(flatSize(layer)), 0);
  const counts = layers.map((layer) => {
    const variant = choose('conv2d_grad_kernel', layer.name) ?? firstVariant(conv2dGradKernel);
    const count = conv2dGradKernel.variants[variant]?.slices?.({ ...layer, batch });
    const more = align((count ?? 1) * flatSize(layer)) - align(flatSize(layer));
    if (count === undefined || size + more > MOST_SLICES) return undefined;
    size += more;
    return count;
  });
  const all = tensor('gradients', size);
  let offset = 0;
  const byLayer = layers.map((layer, i): LayerGradient => {
    const count = counts[i] ?? 1;
    const slices = view(all, `${layer.name} kernel gradient`, offset, count * flatSize(layer));
    offset += align(slices.size);
    return { slices, count, partial: counts[i] !== undefined };
  });
  return { all, byLayer };
}

interface Backward {
  readonly ops: Op[];
  /** dL/d(pre-activation) of each layer, by name: in this tensor when all ops are done. */
  readonly layerGrads: ReadonlyMap<string, Tensor>;
}

/** Backpropagates from `outputGrad`, dL/d(pre-activation of the last layer), to the gradients of all parameters. */
export function backwardPass(
  { passes, conditioning }: Pick<Forward, 'passes' | 'conditioning'>,
  batch: number,
  outputGrad: Tensor,
  gradients: readonly LayerGradient[],
  choose: Choose = () => undefined,
): Backward {
  const ops: Op[] = [];
  const layerGrads = new Map<string, Tensor>();
  const biasGrad = conditioning && tensor('gradient of the biases of images', conditioning.imageBias.size);
  const back = activationsBack(passes, batch, outputGrad, choose);
  let grad = outputGrad;
  for (let i = passes.length - 1; i >= 0; i--) {
    const { layer, weights, input, cached } = passes[i];
    const { name, height, width, inChannels, outChannels, imageBias: first, next } = layer;
    const shape = { ...layer, batch };
    // From the gradient of this layer's output, as the next op reads it, to the gradient of its pre-activation.
    if (next !== 'output') {
      const activation = back.through(i, grad);
      ops.push(activation.op);
      grad = activation.grad;
    }
    layerGrads.set(name, grad);
    if (biasGrad && first !== undefined) {
      const image = { channels: outChannels, height, width, batch };
      ops.push(op(sumPixels, name, { ...image, first }, { grad, sums: biasGrad }, conditioning?.variant));
    }
    const { slices, partial } = gradients[i];
    const variant = choose('conv2d_grad_kernel', name);
    const tensors = { input, grad, gradient: slices };
    ops.push(op(conv2dGradKernel, name, shape, tensors, variant, partial ? slices : cached));
    if (i > 0 && !(next === 'output' && back.fusesLast)) {
      const inputGrad = tensor(`${name} input gradient`, inChannels * height * width * batch);
      const tensors = { grad, kernel: weights.backward, grad_input: inputGrad };
      ops.push(op(conv2dGradInput, name, shape, tensors, choose('conv2d_grad_input', name)));
      grad = inputGrad;
    }
  }
  if (conditioning && biasGrad) {
    const back = backThroughConditioning(conditioning, batch, biasGrad, gradients.slice(passes.length));
    ops.push(...back.ops);
    for (const [name, grad] of back.layerGrads) layerGrads.set(name, grad);
  }
  return { ops, layerGrads };
}

/** An op of the backward pass, and the gradient that it leaves. */
interface Back {
  readonly op: Op;
  readonly grad: Tensor;
}

const gradOf = ({ layer, pre }: LayerPass) => tensor(`${layer.name} gradient`, pre.size);

/**
 * The last convolution may have so few output channels that its input gradient, which both the upsampling before it and the skip connection
 * need, is computed twice instead of stored. Undefined if it is stored.
 */
function lastFused(passes: readonly LayerPass[], batch: number, outputGrad: Tensor, choose: Choose) {
  const last = passes[passes.length - 1];
  const before = passes[passes.length - 2];
  const variant = choose('conv2d_grad_input', last.layer.name);
  const { next, residual } = before.layer;
  if (next !== 'upsample' || residual || !hasVariant(conv2dGradUpsample, variant)) return undefined;
  const shape = { ...last.layer, batch };
  const operands = { grad: outputGrad, kernel: last.weights.backward };
  const throughUpsample = (): Back => {
    const grad = gradOf(before);
    const tensors = { ...operands, pre: before.pre, grad_pre: grad };
    return { op: op(conv2dGradUpsample, last.layer.name, shape, tensors, variant), grad };
  };
  const throughSkipAndPool = (pass: LayerPass, grad_output: Tensor): Back => {
    const grad = gradOf(pass);
    const tensors = { ...operands, pre: pass.pre, grad_output, grad_pre: grad };
    return { op: op(conv2dGradPool, pass.layer.name, shape, tensors, variant), grad };
  };
  return { before, throughUpsample, throughSkipAndPool };
}

/** The backward pass through activations, pooling and upsampling. `fusesLast`: see `lastFused`. */
function activationsBack(passes: readonly LayerPass[], batch: number, outputGrad: Tensor, choose: Choose) {
  const fused = lastFused(passes, batch, outputGrad, choose);
  /** Gradients of the sums that upsampling made, the innermost last: each also goes through the skip connection. */
  const skipGrads: Tensor[] = [];
  /** The gradient of the input of the last processed residual layer, through the residual. */
  let residualGrad: Tensor | undefined;
  const imageOf = ({ layer: { outChannels: channels, height, width, residual } }: LayerPass) => ({
    channels,
    height,
    width,
    batch,
    residual,
  });
  /** The tensor for the gradient of a layer's residual, if it is residual. */
  const residualGradOf = ({ layer, pre }: LayerPass) => {
    residualGrad = layer.residual ? tensor(`${layer.name} residual gradient`, pre.size) : undefined;
    return residualGrad ? { grad_residual: residualGrad } : {};
  };

  const throughUpsample = (pass: LayerPass, grad_output: Tensor): Back => {
    const grad = gradOf(pass);
    skipGrads.push(grad_output);
    const tensors = { pre: pass.pre, grad_output, grad, ...residualGradOf(pass) };
    return { op: op(swishUpsampleGrad, pass.layer.name, imageOf(pass), tensors), grad };
  };
  /** If the next layer is residual, the gradient that bypassed it is added to the gradient that came through it. */
  const throughSwish = (pass: LayerPass, grad: Tensor): Back => {
    const { layer, pre } = pass;
    const past = residualGrad;
    if (!layer.residual) residualGrad = undefined;
    const tensors = { pre, grad, ...(past ? { grad_residual: past } : residualGradOf(pass)) };
    const shape = { elements: pre.size, residual: layer.residual, sum: past !== undefined };
    return { op: op(swishGrad, layer.name, shape, tensors), grad };
  };
  /** Adds to the gradient that came through the skip connection. */
  const throughPool = (pass: LayerPass, grad_output: Tensor): Back => {
    const grad = skipGrads.pop()!;
    const tensors = { pre: pass.pre, grad_output, grad, ...residualInput(pass), ...residualGradOf(pass) };
    return { op: op(swishMaxPoolGrad, pass.layer.name, imageOf(pass), tensors), grad };
  };

  /** From the gradient of the output of layer `i`, which is not the last, to the gradient of its pre-activation. */
  const through = (i: number, grad: Tensor): Back => {
    const pass = passes[i];
    const { next } = pass.layer;
    if (next === 'convolution') return throughSwish(pass, grad);
    if (next === 'upsample')
      return pass === fused?.before ? fused.throughUpsample() : throughUpsample(pass, grad);
    // The gradient of the outermost skip connection is the input gradient of the last convolution.
    return fused && skipGrads.length === 0 ? fused.throughSkipAndPool(pass, grad) : throughPool(pass, grad);
  };
  return { fusesLast: fused !== undefined, through };
}

/** From the gradient of the biases per image to the gradients of the linear layers that make them. */
function backThroughConditioning(
  { plan, features, pre, activated, variant }: ConditioningPass,
  batch: number,
  biasGrad: Tensor,
  [forHidden, forOutput]: readonly LayerGradient[],
): Backward {
  const { hidden, output } = plan.layers;
  const grad = tensor(`${hidden.name} gradient`, pre.size);
  const gradKernel = (layer: Layer, input: Tensor, grad: Tensor, { slices, partial }: LayerGradient) => {
    const tensors = { input, grad, gradient: slices };
    const sums = partial ? slices : undefined;
    return op(conv2dGradKernel, layer.name, { ...layer, batch }, tensors, undefined, sums);
  };
  const shape = { batch, outputs: output.outChannels };
  const tensors = { sums: biasGrad, kernel: plan.output.backward, pre, grad };
  const ops = [
    gradKernel(output, activated, biasGrad, forOutput),
    ...(variant === undefined
      ? conditioningGrad.unfused!('conditioning', shape, tensors)
      : [op(conditioningGrad, 'conditioning', shape, tensors, variant)]),
    gradKernel(hidden, features, grad, forHidden),
  ];
  const layerGrads = new Map([
    [hidden.name, grad],
    [output.name, biasGrad],
  ]);
  return { ops, layerGrads };
}
