/** One training step as lists of ops over named tensors. Pure: `explain` prints exactly what the trainer runs. */

import { adam } from '../kernels/adam';
import { averageWeights } from '../kernels/average_weights';
import { corrupt } from '../kernels/corrupt';
import { corruptFlow } from '../kernels/corrupt_flow';
import { drawConditions } from '../kernels/draw_conditions';
import { gradientNorm } from '../kernels/gradient_norm';
import { gradientNormFinish } from '../kernels/gradient_norm_finish';
import { mse, partialCount } from '../kernels/mse';
import { mseFinish } from '../kernels/mse_finish';
import { nhwcToChwn } from '../kernels/nhwc_to_chwn';
import { flatSize, parameterCount } from '../kernels/pack_weights';
import { sumSlices } from '../kernels/sum_slices';
import { type Op, op } from '../plan/op';
import { STATE_WORDS } from '../plan/step_state';
import { padBatch, type Tensor, tensor, view } from '../plan/tensor';
import { backwardPass, type LayerGradient, planGradients } from '../unet/backward';
import { outChannelsOf, type UNetConfig } from '../unet/config';
import { forwardPass } from '../unet/forward';
import { chooser, type Variants } from '../unet/variants';
import type { WeightPlan } from '../unet/weights';
import { LOSS_RING, type Objective, type StepSettings, stepDefaults } from './settings';

/** Tensors that outlive a step, and those through which data comes in. */
export interface StepTensors {
  readonly state: Tensor;
  readonly losses: Tensor;
  /** In slices, see `planGradients`. */
  readonly gradients: Tensor;
  readonly moment1: Tensor;
  readonly moment2: Tensor;
  /** The batch, [channels][height][width][batch]: what goes in, and what should come out. */
  readonly noisy: Tensor;
  readonly target: Tensor;
  /** What the network is told about the batch, and noise is mixed by. */
  readonly levels: Tensor;
  readonly classes: Tensor;
  /** The caller's own batch, [batch][height][width][channels]. */
  readonly noisyImages: Tensor;
  readonly targetImages: Tensor;
}

export interface StepPlan {
  readonly tensors: StepTensors;
  /** The caller's batch into the kernels' order. */
  readonly load: Op[];
  /** Forward, loss and backward: everything up to the gradient. */
  readonly gradients: Op[];
  /** Adam, which also puts the weights into the kernels' orders. */
  readonly update: Op[];
  /** For whoever asks: what Adam makes of the slices on its way, into `gradient`, laid out like the flat parameters. */
  readonly sum: Op[];
  readonly gradient: Tensor;
}

/** `weights` are what is trained; `average`, where their moving average goes, if there is to be one. */
export function planStep(
  config: UNetConfig,
  weights: WeightPlan,
  batchSize: number,
  variants: Variants,
  settings: StepSettings = stepDefaults,
  average?: WeightPlan,
): StepPlan {
  const batch = padBatch(batchSize);
  const { layers, flat } = weights;
  const choose = chooser(variants);
  const { all, byLayer } = planGradients(weights.all, batch, choose);
  const tensors = stepTensors(config, batch, flat.size, all);
  const { state, losses, target, noisy, levels, classes } = tensors;

  const last = layers[layers.length - 1];
  const pre = tensor(`${last.name} pre-activation`, target.size);
  const grad = tensor(`${last.name} gradient`, target.size);
  const forward = forwardPass(weights, batch, noisy, pre, { levels, classes }, choose, true);
  const lossShape = { batch, elements: target.size / batch };
  const partials = tensor('loss partials', partialCount(lossShape));
  const { beta1, beta2 } = settings.adam;
  const gradients = [
    ...forward.ops,
    op(
      mse,
      'loss',
      { ...lossShape, swish: last.activation === 'swish' },
      { pre, target, state, grad, partials },
    ),
    op(
      mseFinish,
      'loss',
      { ...lossShape, batchSize, beta1, beta2, ring: LOSS_RING, schedule: settings.schedule },
      { partials, state, records: losses },
    ),
    ...backwardPass(forward, batch, grad, byLayer, choose),
  ];
  const load = loadBatch(config, batch, tensors);
  return { tensors, load, gradients, ...planUpdate(weights, byLayer, tensors, settings, average) };
}

function stepTensors(config: UNetConfig, batch: number, parameters: number, gradients: Tensor): StepTensors {
  const pixels = config.height * config.width * batch;
  const [input, output] = [config.channels, outChannelsOf(config)].map((c) => pixels * c);
  return {
    state: tensor('step state', STATE_WORDS),
    losses: tensor('losses', LOSS_RING * 4),
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

/** The caller's batch into the kernels' order. */
function loadBatch(config: UNetConfig, batch: number, tensors: StepTensors): Op[] {
  const { height, width, channels } = config;
  const { state, noisy, target, noisyImages, targetImages } = tensors;
  const load = (layer: string, channels: number, images: Tensor, output: Tensor) =>
    op(nhwcToChwn, layer, { batch, height, width, channels }, { images, state, output });
  return [
    load('target', outChannelsOf(config), targetImages, target),
    load('noisy', channels, noisyImages, noisy),
  ];
}

/** From the gradients in slices to the updated weights, and to `average`, where their moving average goes. */
function planUpdate(
  weights: WeightPlan,
  byLayer: readonly LayerGradient[],
  { state, losses, gradients: slices, moment1, moment2 }: StepTensors,
  { adam: { beta1, beta2, epsilon, weightDecay }, clipNorm }: StepSettings,
  average?: WeightPlan,
): Pick<StepPlan, 'update' | 'sum' | 'gradient'> {
  const { flat, packed } = weights;
  const places = weights.all.map((layer, i) => ({
    ...layer,
    offset: weights.byLayer[i].offset,
    packedOffset: weights.byLayer[i].packed.offset!,
    slices: byLayer[i].count,
    slicesOffset: byLayer[i].slices.offset!,
  }));
  const clips = clipNorm !== undefined;
  const normShape = { layers: places };
  const squares = tensor('squares of gradients', gradientNorm.sizes(normShape).partials);
  const clip = clips
    ? [
        op(gradientNorm, 'all layers', normShape, { slices, partials: squares }),
        op(
          gradientNormFinish,
          'all layers',
          { partialCount: squares.size, clip: clipNorm, ring: LOSS_RING },
          { partials: squares, state, records: losses },
        ),
      ]
    : [];
  // The norm needs the sums of the slices, and leaves them in the first one.
  const summed = clips ? places.map((place) => ({ ...place, slices: 1 })) : places;
  const update = [
    ...clip,
    op(
      adam,
      'all layers',
      { layers: summed, beta1, beta2, epsilon, weightDecay },
      { slices, state, parameter: flat, moment1, moment2, packed },
    ),
    ...(average
      ? [
          op(
            averageWeights,
            'all layers',
            { layers: places },
            { state, parameter: flat, average: average.flat, packed: average.packed },
          ),
        ]
      : []),
  ];
  const gradient = tensor('gradient', flat.size);
  const sum = weights.all.map((layer, i) => {
    const shape = { size: parameterCount(layer), pitch: flatSize(layer), count: summed[i].slices };
    const output = view(gradient, `${layer.name} gradient`, weights.byLayer[i].offset, shape.size);
    return op(sumSlices, layer.name, shape, { slices: byLayer[i].slices, output });
  });
  return { update, sum, gradient };
}

/** A data set on the GPU, as tensors. */
export interface SetTensors {
  readonly images: Tensor;
  /** One byte an image, if it has labels. */
  readonly labels?: Tensor;
  readonly order: Tensor;
  readonly count: number;
}

export interface CorruptionOptions {
  readonly objective: Objective;
  readonly seed: number;
  readonly binarize: boolean;
  /** How likely an image's class is withheld from a network that is told classes. */
  readonly classDropout: number;
  /** Whether the levels are asked for where nothing else needs them. Default false. */
  readonly levels?: boolean;
}

/** The start of a step that draws its batch from a data set on the GPU. */
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
  const shape = { batch, height, width, channels, imageCount, seed, binarize };
  const flow = objective === 'flow';
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
    // Nobody reads labels that there are not.
    { order, labels: set.labels ?? order, state, levels, classes },
  );
  return [
    // `corrupt` draws the same levels itself.
    ...(flow || conditioning || asked ? [draw] : []),
    flow
      ? op(corruptFlow, 'batch', shape, { images, order, state, levels, noisy, velocity: target })
      : op(corrupt, 'batch', shape, { images, order, state, clean: target, noisy }),
  ];
}
