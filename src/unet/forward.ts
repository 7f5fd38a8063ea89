/** The forward pass as a list of ops. */

import { conditioning as conditioningKernel } from '../kernels/conditioning';
import { conv2d } from '../kernels/conv2d';
import { conv2dGradKernel } from '../kernels/conv2d_grad_kernel';
import { conv2dPool } from '../kernels/conv2d_pool';
import { swish } from '../kernels/swish';
import { swishMaxPool } from '../kernels/swish_max_pool';
import { swishUpsampleAdd } from '../kernels/swish_upsample_add';
import { type ConvShape, padChannels } from '../plan/conv_shape';
import { type Call, type Kernel, type Op, op } from '../plan/op';
import { type Tensor, tensor, view } from '../plan/tensor';
import type { Layer } from './config';
import type { ConditioningPlan, LayerWeights, WeightPlan } from './weights';

/** One convolution of the pass, with the tensors that the backward pass reads. */
export interface LayerPass {
  readonly layer: Layer;
  readonly weights: LayerWeights;
  readonly input: Tensor;
  /** The convolution's output, before the activation. */
  readonly pre: Tensor;
  /** An intermediate result of the convolution that the weight gradient reuses (see `Variant.caches`). */
  readonly cached?: Tensor;
}

/** The conditions of a batch, [batch] each: the noise levels, and the classes as u32. */
interface ConditionTensors {
  readonly levels: Tensor;
  readonly classes: Tensor;
}

/** The conditioning of a pass, with the tensors that the backward pass reads. */
export interface ConditioningPass {
  readonly plan: ConditioningPlan;
  /** Input of the first linear layer. */
  readonly features: Tensor;
  /** Its output, before the activation and after it. */
  readonly pre: Tensor;
  readonly activated: Tensor;
  /** Output of the second linear layer: [channels of all convolutions but the last][batch]. */
  readonly imageBias: Tensor;
  /** The variant of `conditioning`, and of what goes back through it; undefined if they are not fused. */
  readonly variant: string | undefined;
}

/** Chooses the variant of a kernel for a layer; undefined means the kernel's first. */
export type Choose = (kernel: string, layer: string) => string | undefined;

/** Whether a fused kernel offers the variant that was chosen for the convolution. If so, it replaces the convolution. */
export const hasVariant = (fused: Pick<Kernel<never>, 'variants'>, variant: string | undefined) =>
  variant !== undefined && Object.hasOwn(fused.variants, variant);

/** Largest intermediate cached for a layer, in elements: 8 MiB, about a processor's cache. Loading a larger one costs as much as computing it again. */
const MOST_CACHED = 2 ** 21;

/** A tensor for the intermediate result that both variants derive from the layer's input, if there is one. */
function cacheFor(shape: ConvShape, layer: string, forward?: string, gradient?: string): Tensor | undefined {
  const cached = forward && conv2d.variants[forward]?.caches;
  const needed = gradient && conv2dGradKernel.variants[gradient]?.caches;
  if (!cached || !needed || cached.what !== needed.what) return undefined;
  const size = cached.size(shape);
  return size <= MOST_CACHED ? tensor(`${layer} ${cached.what}`, size) : undefined;
}

export interface Forward {
  readonly ops: Op[];
  readonly passes: readonly LayerPass[];
  /** The conditioning, in a conditioned network. */
  readonly conditioning?: ConditioningPass;
}

/** The parts of a network that a pass needs. */
type Network = Pick<WeightPlan, 'layers' | 'weights' | 'conditioning'>;

/** A linear layer's kernel and bias, which lie side by side. */
function weightsOf({ name, inChannels, outChannels }: Layer, { forward }: LayerWeights): Tensor {
  const size = (inChannels + 1) * padChannels(outChannels);
  return view(forward.base!, name, forward.offset!, size);
}

/** Computes a conditioned network's biases per image from noise levels and classes. */
function conditioningPass(
  plan: ConditioningPlan,
  batch: number,
  conditions: ConditionTensors,
  variant: string | undefined,
): { ops: readonly Op[]; conditioning: ConditioningPass } {
  const { hidden, output, noiseLevel, classes } = plan.layers;
  const outputs = output.outChannels;
  const size = hidden.outChannels * batch;
  const layerPass = {
    features: tensor('conditioning features', hidden.inChannels * batch),
    pre: tensor(`${hidden.name} pre-activation`, size),
    activated: tensor(`${hidden.name} output`, size),
  };
  const imageBias = tensor('biases of images', outputs * batch);
  const weights = { hidden: weightsOf(hidden, plan.hidden), output: weightsOf(output, plan.output) };
  const tensors = { ...conditions, ...weights, ...layerPass, image_bias: imageBias };
  const given = ['conditioning', { batch, noiseLevel, classes, outputs }, tensors] as const;
  const isFused = hasVariant(conditioningKernel, variant);
  const ops = isFused ? [op(conditioningKernel, ...given, variant)] : conditioningKernel.unfused(...given);
  return { ops, conditioning: { plan, ...layerPass, imageBias, variant: isFused ? variant : undefined } };
}

/**
 * From `input` to `pre`, the pre-activation of the last layer; both are [channels][height][width][batch], `batch` a multiple of 4. Pooling,
 * upsampling and skip connections apply swish to their inputs, and add residuals to it, so that each map is written once; between two
 * convolutions of a level, the second one's input is also written, since convolutions read each element often. `conditions` are the noise
 * levels and classes for a conditioned network. With `caches`, a backward pass follows, whose variants the same `choose` chooses.
 */
export function forwardPass(
  { layers, weights, conditioning: plan }: Network,
  batch: number,
  input: Tensor,
  pre: Tensor,
  conditions: ConditionTensors,
  choose: Choose = () => undefined,
  caches = false,
): Forward {
  const ops: Op[] = [];
  const conditioned =
    plan && conditioningPass(plan, batch, conditions, choose('conditioning', 'conditioning'));
  const conditioning = conditioned?.conditioning;
  if (conditioned) ops.push(...conditioned.ops);
  const passes: LayerPass[] = [];
  /** The layers that skip connections start from, the innermost last. */
  const skips: LayerPass[] = [];
  let x = input;
  layers.forEach((layer, i) => {
    const { name, height, width, outChannels, next } = layer;
    const size = outChannels * height * width * batch;
    const shape = { ...layer, batch };
    const variant = choose('conv2d', name);
    const pass: LayerPass = {
      layer,
      weights: weights[i],
      input: x,
      pre: next === 'output' ? pre : tensor(`${name} pre-activation`, size),
      cached: caches ? cacheFor(shape, name, variant, choose('conv2d_grad_kernel', name)) : undefined,
    };
    passes.push(pass);
    if (next === 'pool') skips.push(pass);
    const tensors = {
      input: x,
      kernel: pass.weights.forward,
      bias: pass.weights.bias,
      output: pass.pre,
      ...(conditioning && layer.imageBias !== undefined ? { image_bias: conditioning.imageBias } : {}),
    };
    if (next === 'pool' && !layer.residual && hasVariant(conv2dPool, variant)) {
      x = tensor(`${name} pooled`, size / 4);
      ops.push(op(conv2dPool, name, shape, { ...tensors, pooled: x }, variant));
      return;
    }
    ops.push(op(conv2d, name, shape, tensors, variant, pass.cached));
    if (next === 'output') return;
    const activated = next === 'upsample' ? upsample(pass, skips.pop()!, batch) : activate(pass, batch);
    ops.push(activated.op);
    x = activated.output;
  });
  return { ops, passes, conditioning };
}

/** A residual layer's input, which is added to its activation. */
export const residualInput = ({ layer, input }: LayerPass) => (layer.residual ? { residual: input } : {});

/** The activation, fused with pooling if that follows on the way down. */
function activate(pass: LayerPass, batch: number): { op: Op; output: Tensor } {
  const { layer, pre: input } = pass;
  const { name, height, width, outChannels: channels, next, residual } = layer;
  if (next === 'pool') {
    const output = tensor(`${name} pooled`, input.size / 4);
    const shape = { channels, height, width, batch, residual };
    return { op: op(swishMaxPool, name, shape, { input, output, ...residualInput(pass) }), output };
  }
  const output = tensor(`${name} output`, input.size);
  const shape = { elements: input.size, residual };
  return { op: op(swish, name, shape, { input, output, ...residualInput(pass) }), output };
}

/** The activation, fused with upsampling and the skip connection. */
function upsample(pass: LayerPass, skip: LayerPass, batch: number): { op: Op; output: Tensor } {
  const { layer, pre: input } = pass;
  const { name, height, width, outChannels: channels, residual } = layer;
  const output = tensor(`${name} upsampled + skip`, input.size * 4);
  const shape = { channels, height, width, batch, residual, skipResidual: skip.layer.residual };
  const tensors = {
    input,
    skip: skip.pre,
    output,
    ...residualInput(pass),
    ...(skip.layer.residual ? { skip_residual: skip.input } : {}),
  };
  return { op: op(swishUpsampleAdd, name, shape, tensors), output };
}

/** From `input` to `output`, the network's prediction; both are [channels][height][width][batch]. */
export function predictionPass(
  network: Network,
  batch: number,
  input: Tensor,
  output: Tensor,
  conditions: ConditionTensors,
  choose?: Choose,
): Forward {
  const { name, activation } = network.layers[network.layers.length - 1];
  if (activation === 'none') return forwardPass(network, batch, input, output, conditions, choose);
  const pre = tensor(`${name} pre-activation`, output.size);
  const forward = forwardPass(network, batch, input, pre, conditions, choose);
  const activate = op(swish, name, { elements: output.size }, { input: pre, output });
  return { ...forward, ops: [...forward.ops, activate] };
}

/**
 * Splits `ops` into calls that read nothing but weights, such as transforms of kernels (`once`), and the others (`each`). `made` are the
 * tensors that `once` writes: they stay valid while the weights do not change.
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
    transformed: once.flatMap(({ calls }) => calls.flatMap((c) => bound(c, 'read_write'))),
  };
}

/** The tensors of a layer's maps in one pass, [channels][height][width][batch]. */
export interface LayerTensors {
  readonly layer: Layer;
  readonly input: Tensor;
  readonly preActivation: Tensor;
  readonly gradient?: Tensor;
}

/** The tensors of all layers of a pass, with their gradients, if a backward pass made them. */
export function layerTensors(
  { passes, conditioning }: Pick<Forward, 'passes' | 'conditioning'>,
  gradients?: ReadonlyMap<string, Tensor>,
): LayerTensors[] {
  const linear = conditioning && [
    {
      layer: conditioning.plan.layers.hidden,
      input: conditioning.features,
      preActivation: conditioning.pre,
    },
    {
      layer: conditioning.plan.layers.output,
      input: conditioning.activated,
      preActivation: conditioning.imageBias,
    },
  ];
  const convolutions = passes.map(({ layer, pre, input }) => ({ layer, input, preActivation: pre }));
  return [...(linear ?? []), ...convolutions].map((tensors) => ({
    ...tensors,
    gradient: gradients?.get(tensors.layer.name),
  }));
}
