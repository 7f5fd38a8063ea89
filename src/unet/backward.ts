/** The backward pass as a list of ops: the forward list read from its end. */

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
import { type Choose, type ConditioningStage, type Forward, hasVariant } from './forward';

/** Where the gradient of a layer's parameters is left. */
export interface LayerGradient {
  /** `count` slices of `flatSize` each, to be added up in their order. */
  readonly slices: Tensor;
  readonly count: number;
  /** Whether `slices` are partial sums that the kernel would otherwise have added up. */
  readonly partial: boolean;
}

/** Elements of all gradients, 64 MiB, beyond which a layer adds up its own partial sums: as a buffer they must fit every device. */
const MOST_SLICES = 2 ** 24;

/** One tensor for the gradients of all layers: Adam takes all of it at once, and adds up what comes in slices. */
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

/** From `outputGrad`, dL/d(pre-activation of the last stage), to the gradients of all parameters. */
export function backwardPass(
  { stages, told }: Pick<Forward, 'stages' | 'told'>,
  batch: number,
  outputGrad: Tensor,
  gradients: readonly LayerGradient[],
  choose: Choose = () => undefined,
): Op[] {
  const levels = stages.length / 2;
  const last = stages.length - 1;
  const ops: Op[] = [];
  const skipGrads: Tensor[] = [];
  const biasGrad = told && tensor('gradient of the biases of images', told.imageBias.size);

  // The last convolution may have so few channels on its way out that what goes back through it, to the upsampling before it and to
  // the skip connection, is worked out twice rather than stored.
  const { layer: lastLayer, weights: lastWeights } = stages[last];
  const lastVariant = choose('conv2d_grad_input', lastLayer.name);
  const storesLast = levels === 1 || !hasVariant(conv2dGradUpsample, lastVariant);
  const throughLast = { grad: outputGrad, kernel: lastWeights.backward };

  let grad = outputGrad;
  for (let i = last; i >= 0; i--) {
    const { layer, weights, input, pre, kept } = stages[i];
    const { name, height, width, inChannels, outChannels, imageBias: first } = layer;
    const image = { channels: outChannels, height, width, batch };

    // From the gradient of what followed this layer (nothing, if it is the last one) to that of its pre-activation.
    if (i === last - 1 && !storesLast) {
      const low = tensor(`${name} gradient`, pre.size);
      const tensors = { ...throughLast, pre, grad_pre: low };
      ops.push(op(conv2dGradUpsample, lastLayer.name, { ...lastLayer, batch }, tensors, lastVariant));
      grad = low;
    } else if (i === 0 && !storesLast) {
      const high = tensor(`${name} gradient`, pre.size);
      const tensors = { ...throughLast, pre, grad_output: grad, grad_pre: high };
      ops.push(op(conv2dGradPool, name, { ...lastLayer, batch }, tensors, lastVariant));
      grad = high;
    } else if (i < levels - 1) {
      const skipGrad = skipGrads.pop()!;
      ops.push(op(swishMaxPoolGrad, name, image, { pre, grad_output: grad, grad: skipGrad }));
      grad = skipGrad;
    } else if (i === levels - 1) {
      ops.push(op(swishGrad, name, { elements: pre.size }, { pre, grad }));
    } else if (i < last) {
      const low = tensor(`${name} gradient`, pre.size);
      ops.push(op(swishUpsampleGrad, name, image, { pre, grad_output: grad, grad: low }));
      skipGrads.push(grad);
      grad = low;
    }

    if (biasGrad && first !== undefined) {
      ops.push(op(sumPixels, name, { ...image, first }, { grad, sums: biasGrad }));
    }
    const shape = { ...layer, batch };
    const { slices, partial } = gradients[i];
    ops.push(
      op(
        conv2dGradKernel,
        name,
        shape,
        { input, grad, gradient: slices },
        choose('conv2d_grad_kernel', name),
        partial ? slices : kept,
      ),
    );
    if (i > 0 && (i < last || storesLast)) {
      const inputGrad = tensor(`${name} input gradient`, inChannels * height * width * batch);
      ops.push(
        op(
          conv2dGradInput,
          name,
          shape,
          { grad, kernel: weights.backward, grad_input: inputGrad },
          choose('conv2d_grad_input', name),
        ),
      );
      grad = inputGrad;
    }
  }
  if (told && biasGrad)
    ops.push(...backThroughTelling(told, batch, biasGrad, gradients.slice(stages.length)));
  return ops;
}

/** From the gradient of the biases for each image to those of the linear layers that make them. */
function backThroughTelling(
  { plan, features, pre, activated }: ConditioningStage,
  batch: number,
  biasGrad: Tensor,
  [forHidden, forOutput]: readonly LayerGradient[],
): Op[] {
  const { hidden, output } = plan.layers;
  const grad = tensor(`${hidden.name} gradient`, pre.size);
  const gradKernel = (layer: Layer, input: Tensor, grad: Tensor, { slices, partial }: LayerGradient) => {
    const tensors = { input, grad, gradient: slices };
    const kept = partial ? slices : undefined;
    return op(conv2dGradKernel, layer.name, { ...layer, batch }, tensors, undefined, kept);
  };
  return [
    gradKernel(output, activated, biasGrad, forOutput),
    op(
      conv2dGradInput,
      output.name,
      { ...output, batch },
      { grad: biasGrad, kernel: plan.output.backward, grad_input: grad },
    ),
    op(swishGrad, hidden.name, { elements: pre.size }, { pre, grad }),
    gradKernel(hidden, features, grad, forHidden),
  ];
}
