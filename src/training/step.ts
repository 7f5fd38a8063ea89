/** One training step as lists of ops over named tensors. Pure: `explain` prints exactly what the trainer runs. */

import { adam } from '../kernels/adam';
import { averageWeights } from '../kernels/average_weights';
import { corrupt } from '../kernels/corrupt';
import { drawConditions } from '../kernels/draw_conditions';
import { finishStep } from '../kernels/finish_step';
import { gradientNorm, normBlocks } from '../kernels/gradient_norm';
import { type LossShape, mse, partialCount } from '../kernels/mse';
import { nhwcToChwn } from '../kernels/nhwc_to_chwn';
import { parameterCount } from '../kernels/pack_weights';
import { type Op, op } from '../plan/op';
import { STATE_WORDS } from '../plan/step_state';
import { padBatch, type Tensor, tensor, view } from '../plan/tensor';
import { backwardPass, type LayerGradient, planGradients } from '../unet/backward';
import { countOutChannels, type UNetConfig } from '../unet/config';
import { forwardPass, type LayerTensors, layerTensors } from '../unet/forward';
import { chooser, type Variants } from '../unet/variants';
import type { WeightPlan } from '../unet/weights';
import { averageDefaults, LOSS_RING, type Objective, type StepConfig, stepDefaults } from './step_config';

/** Tensors that outlive a step, and those that receive data. */
export interface StepTensors {
  readonly state: Tensor;
  readonly losses: Tensor;
  /** Partial sums of the step's loss. */
  readonly squares: Tensor;
  /** Gradients in slices, see `planGradients`. */
  readonly gradients: Tensor;
  readonly moment1: Tensor;
  readonly moment2: Tensor;
  /** The batch, [channels][height][width][batch]: the network's input, and its target. */
  readonly noisy: Tensor;
  readonly target: Tensor;
  /** Noise levels and classes of the batch: conditions of the network; corruption also mixes noise by `levels`. */
  readonly levels: Tensor;
  readonly classes: Tensor;
  /** The caller's batch, [batch][height][width][channels]. */
  readonly noisyImages: Tensor;
  readonly targetImages: Tensor;
}

export interface StepPlan {
  readonly tensors: StepTensors;
  /** Brings the caller's batch into the kernels' layout. */
  readonly load: Op[];
  /** Forward, loss and backward: everything up to the gradient. */
  readonly gradients: Op[];
  /** Number of ops of the forward pass, the first of `gradients`; the loss follows. */
  readonly forwardOps: number;
  /** The place of each layer's gradient after the backward pass. */
  readonly slices: readonly LayerGradient[];
  /** The network's output before its last activation, and its gradient. */
  readonly output: { readonly pre: Tensor; readonly grad: Tensor };
  /** The ops that change tensors that outlive a step: finish_step, and Adam, which also packs the weights for the kernels. */
  readonly update: Op[];
  /** The tensor that holds each layer's gradient after the update. */
  readonly layerGradients: readonly Tensor[];
  /** The tensors of each layer's maps after the gradients, if tensors do not share memory. */
  readonly maps: readonly LayerTensors[];
  /** The layer of each block of gradients, to name the one that made a step fail. */
  readonly blockLayers: readonly string[];
}

/** `weights` are trained; `average`, if given, receives their moving average. */
export function planStep(
  config: UNetConfig,
  weights: WeightPlan,
  batchSize: number,
  variants: Variants,
  settings: StepConfig = stepDefaults,
  average?: WeightPlan,
): StepPlan {
  const batch = padBatch(batchSize);
  const { layers, flat } = weights;
  const choose = chooser(variants);
  const { all, byLayer } = planGradients(weights.all, batch, choose);
  const lossShape = { batch, elements: countOutChannels(config) * config.height * config.width };
  const tensors = stepTensors(config, lossShape, flat.size, all);
  const { state, squares, target, noisy, levels, classes } = tensors;

  const last = layers[layers.length - 1];
  const pre = tensor(`${last.name} pre-activation`, target.size);
  const grad = tensor(`${last.name} gradient`, target.size);
  const forward = forwardPass(weights, batch, noisy, pre, { levels, classes }, choose, true);
  const backward = backwardPass(forward, batch, grad, byLayer, choose);
  const gradients = [
    ...forward.ops,
    op(
      mse,
      'loss',
      { ...lossShape, swish: last.activation === 'swish' },
      { pre, target, state, grad, partials: squares },
    ),
    ...backward.ops,
  ];
  const load = loadBatch(config, batch, tensors);
  const update = planUpdate(weights, byLayer, tensors, { ...lossShape, batchSize }, settings, average);
  return {
    tensors,
    load,
    gradients,
    forwardOps: forward.ops.length,
    slices: byLayer,
    maps: layerTensors(forward, backward.layerGrads),
    output: { pre, grad },
    ...update,
  };
}

/** The arguments of `withVariants` for a step. */
export function variantsNeeded(
  { config, plan: weights }: { readonly config: UNetConfig; readonly plan: WeightPlan },
  batchSize: number,
  settings: StepConfig,
) {
  const opsOf = (images: number, variants: Variants) => {
    const { load, gradients, update } = planStep(config, weights, images, variants, settings);
    return [...load, ...gradients, ...update];
  };
  const sized = { option: 'batchSize', images: batchSize, opsOf } as const;
  return { layers: weights.layers, batch: padBatch(batchSize), training: true, sized };
}

function stepTensors(
  config: UNetConfig,
  lossShape: LossShape,
  parameters: number,
  gradients: Tensor,
): StepTensors {
  const { batch } = lossShape;
  const pixels = config.height * config.width * batch;
  const [input, output] = [config.channels, countOutChannels(config)].map((c) => pixels * c);
  return {
    state: tensor('step state', STATE_WORDS),
    // For the last steps, and for the one that ends a run.
    losses: tensor('losses', (LOSS_RING + 1) * 4),
    squares: tensor('loss partials', partialCount(lossShape)),
    gradients,
    moment1: tensor('moment 1', parameters),
    moment2: tensor('moment 2', parameters),
    noisy: tensor('noisy', input),
    target: tensor('target', output),
    levels: tensor('noise levels', batch),
    classes: tensor('classes', batch),
    noisyImages: tensor('noisy images', input),
    targetImages: tensor('target images', output),
  };
}

/** Brings the caller's batch into the kernels' layout. */
function loadBatch(config: UNetConfig, batch: number, tensors: StepTensors): Op[] {
  const { height, width, channels } = config;
  const { state, noisy, target, noisyImages, targetImages } = tensors;
  const load = (layer: string, channels: number, images: Tensor, output: Tensor) =>
    op(nhwcToChwn, layer, { batch, height, width, channels }, { images, state, output });
  return [
    load('target', countOutChannels(config), targetImages, target),
    load('noisy', channels, noisyImages, noisy),
  ];
}

/** Each layer with its places in the flat parameters, the packed weights and the gradients. */
const layerPlaces = (weights: WeightPlan, byLayer: readonly LayerGradient[]) =>
  weights.all.map((layer, i) => ({
    ...layer,
    offset: weights.byLayer[i].offset,
    packedOffset: weights.byLayer[i].packed.offset!,
    slices: byLayer[i].count,
    slicesOffset: byLayer[i].slices.offset!,
    // gradient_norm writes the sum of the slices to the first one.
    gradientOffset: byLayer[i].slices.offset!,
  }));

/** From the gradients in slices to the updated weights, and to `average`, if given, which receives their moving average. */
export function planUpdate(
  weights: WeightPlan,
  byLayer: readonly LayerGradient[],
  { state, losses, squares, gradients: slices, moment1, moment2 }: StepTensors,
  loss: LossShape & { readonly batchSize: number },
  { adam: { epsilon, beta1, beta2 }, skipNonFinite, average: averaging }: StepConfig,
  average?: WeightPlan,
): Pick<StepPlan, 'update' | 'layerGradients' | 'blockLayers'> {
  const { flat, packed } = weights;
  const places = layerPlaces(weights, byLayer);
  const blockLayers = places.flatMap((layer) => Array<string>(normBlocks(layer)).fill(layer.name));
  const gradientSquares = tensor('squares of gradients', blockLayers.length);
  const finish = {
    ...loss,
    beta1,
    beta2,
    ring: LOSS_RING,
    mostSkipped: skipNonFinite,
    gradientPartials: blockLayers.length,
    convolutionPartials: weights.layers.reduce((sum, layer) => sum + normBlocks(layer), 0),
  };
  const update = [
    op(gradientNorm, 'all layers', { layers: places }, { slices, partials: gradientSquares }),
    op(finishStep, 'all layers', finish, {
      squares,
      gradient_squares: gradientSquares,
      state,
      records: losses,
    }),
    op(
      adam,
      'all layers',
      { layers: places, beta1, beta2, epsilon },
      { gradient: slices, state, parameter: flat, moment1, moment2, packed },
    ),
    ...(average
      ? [
          op(
            averageWeights,
            'all layers',
            { layers: places, ...averageDefaults, ...averaging },
            { state, parameter: flat, average: average.flat, packed: average.packed },
          ),
        ]
      : []),
  ];
  const layerGradients = weights.all.map((layer, i) =>
    view(slices, `${layer.name} gradient`, places[i].slicesOffset, parameterCount(layer)),
  );
  return { update, layerGradients, blockLayers };
}

/** A data set on the GPU, as tensors. */
export interface SetTensors {
  readonly images: Tensor;
  /** One byte per image, if the data set has labels. */
  readonly labels?: Tensor;
  readonly order: Tensor;
  readonly count: number;
}

export interface CorruptionOptions {
  readonly objective: Objective;
  readonly seed: number;
  readonly binarize: boolean;
  /** Probability that an image's class is withheld from a network conditioned on classes. */
  readonly classDropout: number;
  /** Whether to draw the levels even if no op needs them. Default false. */
  readonly levels?: boolean;
}

/** The first ops of a step that draws its batch from a data set on the GPU. */
export function planCorruption(
  config: UNetConfig,
  tensors: Pick<StepTensors, 'state' | 'noisy' | 'target' | 'levels' | 'classes'>,
  batch: number,
  set: SetTensors,
  { objective, seed, binarize, classDropout, levels: asked = false }: CorruptionOptions,
): Op[] {
  const { height, width, channels, conditioning } = config;
  const { state, noisy, target, levels, classes } = tensors;
  const { images, order, count: imageCount } = set;
  const flow = objective === 'flow';
  const shape = { batch, height, width, channels, imageCount, seed, binarize, flow };
  const mixed = { images, order, state, noisy, truth: target, ...(flow ? { levels } : {}) };
  const draw = op(
    drawConditions,
    'batch',
    {
      batch,
      imageCount,
      classes: conditioning?.classes ?? 0,
      drop: classDropout,
      logitNormal: flow,
      labelled: set.labels !== undefined,
      seed,
    },
    // Without labels, the shader never reads this binding.
    { order, labels: set.labels ?? order, state, levels, classes },
  );
  return [
    // For the tutorial's objective, `corrupt` draws the same levels itself.
    ...(flow || conditioning || asked ? [draw] : []),
    op(corrupt, 'batch', shape, mixed),
  ];
}
