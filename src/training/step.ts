/** One training step as lists of ops over named tensors. Pure: `explain` prints exactly what the trainer runs. */

import { type Op, op, type Tensor, tensor, view } from '../kernel';
import { adam } from '../kernels/adam';
import { corrupt } from '../kernels/corrupt';
import { mse, partialCount } from '../kernels/mse';
import { mseFinish } from '../kernels/mse_finish';
import { nhwcToChwn } from '../kernels/nhwc_to_chwn';
import { flatSize, parameterCount } from '../kernels/pack_weights';
import { sumSlices } from '../kernels/sum_slices';
import { backwardPass, planGradients } from '../unet/backward';
import type { UNetConfig } from '../unet/config';
import { forwardPass } from '../unet/forward';
import { chooser, type Variants } from '../unet/variants';
import type { WeightPlan } from '../unet/weights';
import { STATE_WORDS } from './state';

/** Losses that stay on the GPU until the host collects them. */
export const LOSS_RING = 1024;

export interface AdamSettings {
  /** 0 to 0.999999, as beta2. Default 0.9. */
  readonly beta1: number;
  /** Default 0.999. */
  readonly beta2: number;
  /** 1e-12 to 1. Default 1e-7. */
  readonly epsilon: number;
}

export const adamDefaults: AdamSettings = { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 };

/** Tensors that outlive a step, and those through which data comes in. */
export interface StepTensors {
  readonly state: Tensor;
  readonly losses: Tensor;
  /** In slices, see `planGradients`. */
  readonly gradients: Tensor;
  readonly moment1: Tensor;
  readonly moment2: Tensor;
  /** The batch, [channels][height][width][batch]. */
  readonly clean: Tensor;
  readonly noisy: Tensor;
  /** The caller's own batch, [batch][height][width][channels]. */
  readonly cleanImages: Tensor;
  readonly noisyImages: Tensor;
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

export function planStep(
  config: UNetConfig,
  weights: WeightPlan,
  batchSize: number,
  variants: Variants,
  { beta1, beta2, epsilon }: AdamSettings,
  bfloat16Gradients = false,
): StepPlan {
  const { height, width, channels } = config;
  const elements = height * width * channels;
  const batch = Math.ceil(batchSize / 4) * 4;
  const { layers, flat } = weights;
  const choose = chooser(variants);
  const { all, byLayer } = planGradients(layers, batch, choose);
  const tensors: StepTensors = {
    state: tensor('step state', STATE_WORDS),
    losses: tensor('losses', LOSS_RING),
    gradients: all,
    moment1: tensor('moment 1', flat.size),
    moment2: tensor('moment 2', flat.size),
    clean: tensor('clean', elements * batch),
    noisy: tensor('noisy', elements * batch),
    cleanImages: tensor('clean images', elements * batch),
    noisyImages: tensor('noisy images', elements * batch),
  };
  const { state, losses, moment1, moment2, clean, noisy } = tensors;
  const images = { batch, height, width, channels };
  const load = [
    op(nhwcToChwn, 'clean', images, { images: tensors.cleanImages, state, output: clean }),
    op(nhwcToChwn, 'noisy', images, { images: tensors.noisyImages, state, output: noisy }),
  ];

  const last = layers[layers.length - 1];
  const pre = tensor(`${last.name} pre-activation`, elements * batch);
  const grad = tensor(`${last.name} gradient`, elements * batch);
  const forward = forwardPass(layers, weights.weights, batch, noisy, pre, choose, true);
  const lossShape = { batch, elements };
  const partials = tensor('loss partials', partialCount(lossShape));
  const gradients = [
    ...forward.ops,
    op(
      mse,
      'loss',
      { ...lossShape, swish: last.activation === 'swish' },
      { pre, target: clean, state, grad, partials },
    ),
    op(
      mseFinish,
      'loss',
      { ...lossShape, batchSize, beta1, beta2, ring: LOSS_RING },
      { partials, state, losses },
    ),
    ...backwardPass(forward.stages, batch, grad, byLayer, choose, bfloat16Gradients),
  ];
  const places = layers.map((layer, i) => ({
    ...layer,
    offset: weights.byLayer[i].offset,
    packedOffset: weights.byLayer[i].packed.offset!,
    slices: byLayer[i].count,
    slicesOffset: byLayer[i].slices.offset!,
  }));
  const update = [
    op(
      adam,
      'all layers',
      { layers: places, beta1, beta2, epsilon },
      { slices: all, state, parameter: flat, moment1, moment2, packed: weights.packed },
    ),
  ];
  const gradient = tensor('gradient', flat.size);
  const sum = layers.map((layer, i) => {
    const { slices, count } = byLayer[i];
    const shape = { size: parameterCount(layer), pitch: flatSize(layer), count };
    const output = view(gradient, `${layer.name} gradient`, weights.byLayer[i].offset, shape.size);
    return op(sumSlices, layer.name, shape, { slices, output });
  });
  return { tensors, load, gradients, update, sum, gradient };
}

/** The start of a step that draws its batch from a data set on the GPU. */
export function planCorruption(
  config: UNetConfig,
  tensors: StepTensors,
  batch: number,
  set: { images: Tensor; order: Tensor; count: number },
  options: { seed: number; binarize: boolean },
): Op {
  const { height, width, channels } = config;
  return op(
    corrupt,
    'batch',
    { batch, height, width, channels, imageCount: set.count, ...options },
    {
      images: set.images,
      order: set.order,
      state: tensors.state,
      clean: tensors.clean,
      noisy: tensors.noisy,
    },
  );
}
