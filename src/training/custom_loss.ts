/** The ops that a step with a custom loss needs beside the ordinary ones. Pure. */
import { addGradients } from '../kernels/add_gradients';
import { chwnToNhwc } from '../kernels/chwn_to_nhwc';
import { nhwcToChwn } from '../kernels/nhwc_to_chwn';
import { flatSize } from '../kernels/pack_weights';
import { swish } from '../kernels/swish';
import { swishGrad } from '../kernels/swish_grad';
import { type Op, op } from '../plan/op';
import { padBatch, type Tensor, tensor, view } from '../plan/tensor';
import { countOutChannels, type UNetConfig } from '../unet/config';
import type { WeightPlan } from '../unet/weights';
import { planUpdate, type StepPlan } from './step';
import type { StepConfig } from './step_config';

export interface CustomLossPlan {
  /** Laid out like the flat parameters. */
  readonly gradient: Tensor;
  /** The caller's loss: one number. */
  readonly loss: Tensor;
  /** From the last pre-activation to the output in the caller's layout, in `targetImages`. */
  readonly output: readonly Op[];
  /** From the gradient of the output, in `targetImages`, to the gradient of the last pre-activation. */
  readonly given: readonly Op[];
  /** Adds the gradients of a backward pass to `gradient`. */
  readonly add: readonly Op[];
  /** The update by `gradient`. */
  readonly update: readonly Op[];
}

export function planCustomLoss(
  config: UNetConfig,
  weights: WeightPlan,
  batchSize: number,
  settings: StepConfig,
  { tensors, output, slices }: StepPlan,
  average?: WeightPlan,
): CustomLossPlan {
  const { height, width } = config;
  const batch = padBatch(batchSize);
  const shape = { batch, height, width, channels: countOutChannels(config) };
  const { state, targetImages: images } = tensors;
  const { name, activation } = weights.layers[weights.layers.length - 1];
  const { pre, grad } = output;
  const elements = pre.size;
  const activates = activation === 'swish';
  const activated = activates ? tensor('output', elements) : pre;
  const gradient = tensor('gradient', weights.flat.size);
  const loss = tensor('own loss', 1);
  const layers = weights.all.map((layer, i) => ({
    ...layer,
    offset: weights.byLayer[i].offset,
    slices: slices[i].count,
    slicesOffset: slices[i].slices.offset!,
  }));
  const whole = layers.map((layer) => {
    const place = view(gradient, `${layer.name} gradient`, layer.offset, flatSize(layer));
    return { slices: place, count: 1, partial: false };
  });
  const { update } = planUpdate(
    weights,
    whole,
    { ...tensors, gradients: gradient, squares: loss },
    // finish_step divides by the images of the batch, which are one then, and by these elements.
    { elements: 1, batch: 4, batchSize },
    settings,
    average,
  );
  return {
    gradient,
    loss,
    output: [
      ...(activates ? [op(swish, name, { elements }, { input: pre, output: activated })] : []),
      op(chwnToNhwc, 'output', shape, { input: activated, images }),
    ],
    given: [
      op(nhwcToChwn, 'gradient of the output', shape, { images, state, output: grad }),
      ...(activates ? [op(swishGrad, name, { elements }, { pre, grad })] : []),
    ],
    add: [op(addGradients, 'all layers', { layers }, { slices: tensors.gradients, sums: gradient })],
    update,
  };
}
