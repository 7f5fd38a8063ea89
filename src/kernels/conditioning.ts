import shaders from 'virtual:kernel/conditioning';
import { type Conditioning, embeddingRows, HIDDEN } from '../plan/conditioning';
import { padChannels } from '../plan/conv_shape';
import { call, type Kernel, type Op, op } from '../plan/op';
import { type Tensor, view } from '../plan/tensor';
import { conv2d } from './conv2d';
import { embedding } from './embedding';
import { swish } from './swish';

/** The network that makes biases of images from noise levels and classes. */
export interface ConditioningShape extends Conditioning {
  /** A multiple of 4. */
  readonly batch: number;
  /** The biases of an image. */
  readonly outputs: number;
}

/** Kernel and bias in a linear layer's weights, which are [from][to padded to 8], then the bias. */
function partsOf(weights: Tensor, from: number, to: number) {
  const { base = weights, offset = 0, label } = weights;
  const padded = padChannels(to);
  return {
    kernel: view(base, `${label} kernel`, offset, from * padded),
    bias: view(base, `${label} bias`, offset + from * padded, padded),
  };
}

/** The shape of a linear layer. */
export const linearShape = (batch: number, inChannels: number, outChannels: number) => ({
  batch,
  height: 1,
  width: 1,
  inChannels,
  outChannels,
  kernelSize: 1,
});

type TensorName =
  | ('levels' | 'classes' | 'hidden' | 'output')
  | ('features' | 'pre' | 'activated' | 'image_bias');

/** On GPUs one kernel, elsewhere four, on the same tensors. */
export const conditioning: Kernel<ConditioningShape, TensorName> & {
  readonly unfused: NonNullable<Kernel<ConditioningShape, TensorName>['unfused']>;
} = {
  name: 'conditioning',
  sizes: (shape) => {
    const { batch, outputs } = shape;
    const rows = embeddingRows(shape);
    return {
      levels: batch,
      classes: batch,
      hidden: (rows + 1) * HIDDEN,
      output: (HIDDEN + 1) * padChannels(outputs),
      features: rows * batch,
      pre: HIDDEN * batch,
      activated: HIDDEN * batch,
      image_bias: outputs * batch,
    };
  },
  cost: (shape) => {
    const products = HIDDEN * (embeddingRows(shape) + shape.outputs);
    return {
      flops: 2 * products * shape.batch,
      bytes: 4 * Object.values(conditioning.sizes(shape)).reduce((sum, size) => sum + size),
    };
  },
  unfused(layer, shape, { hidden, output, features, pre, activated, image_bias, ...conditions }): Op[] {
    const { batch, noiseLevel, classes, outputs } = shape;
    const linear = (name: string, from: number, to: number, weights: Tensor, input: Tensor, output: Tensor) =>
      op(conv2d, name, linearShape(batch, from, to), { ...partsOf(weights, from, to), input, output });
    return [
      op(embedding, layer, { batch, noiseLevel, classes }, { ...conditions, features }),
      linear(`${layer}.hidden`, embeddingRows(shape), HIDDEN, hidden, features, pre),
      op(swish, `${layer}.hidden`, { elements: pre.size }, { input: pre, output: activated }),
      linear(`${layer}.output`, HIDDEN, outputs, output, activated, image_bias),
    ];
  },
  variants: {
    gpu: {
      for: 'gpu',
      calls: (shape, tensors) => {
        const { batch, outputs } = shape;
        const rows = { noise_rows: embeddingRows({ ...shape, classes: 0 }), rows: embeddingRows(shape) };
        const params = { n4: batch / 4, ...rows, outputs, padded: padChannels(outputs) };
        return [call(shaders.gpu, params, tensors, [HIDDEN, 1, batch / 4])];
      },
    },
  },
};
