import shaders from 'virtual:kernel/conditioning';
import { type Conditioning, embeddingRows, HIDDEN } from '../plan/conditioning';
import { call, type Kernel, type Op, op } from '../plan/op';
import { type Tensor, tensor, view } from '../plan/tensor';
import { conv2d, padChannels } from './conv2d';
import { embedding } from './embedding';
import { swish } from './swish';

/** The network that makes biases of images from noise levels and classes. */
export interface ConditioningShape extends Conditioning {
  /** A multiple of 4. */
  readonly batch: number;
  /** The biases of an image. */
  readonly outputs: number;
  /** Whether there are the tensors features, pre and activated, too, which a backward pass or maps read. */
  readonly keep: boolean;
}

/** A linear layer's weights: [from][to padded to 8], then the bias. */
const weightSize = (from: number, to: number) => (from + 1) * padChannels(to);

/** Kernel and bias of such a layer. */
function partsOf(weights: Tensor, name: string, from: number, to: number) {
  const { base = weights, offset = 0 } = weights;
  const padded = padChannels(to);
  return {
    kernel: view(base, `${name} kernel`, offset, from * padded),
    bias: view(base, `${name} bias`, offset + from * padded, padded),
  };
}

const levelRows = (shape: ConditioningShape) => embeddingRows({ ...shape, classes: 0 });

/** The shape of a linear layer. */
export const linearShape = (batch: number, inChannels: number, outChannels: number) => ({
  ...{ batch, height: 1, width: 1, inChannels, outChannels, kernelSize: 1 },
});

type TensorName = 'levels' | 'classes' | 'hidden' | 'output' | 'image_bias';

/** On GPUs one kernel, elsewhere four, on the same tensors. */
export const conditioning: Kernel<ConditioningShape, TensorName> & {
  readonly unfused: NonNullable<Kernel<ConditioningShape, TensorName>['unfused']>;
} = {
  name: 'conditioning',
  sizes: (shape) => {
    const { batch, outputs, keep } = shape;
    const rows = embeddingRows(shape);
    return {
      levels: batch,
      classes: batch,
      hidden: weightSize(rows, HIDDEN),
      output: weightSize(HIDDEN, outputs),
      image_bias: outputs * batch,
      ...(keep ? { features: rows * batch, pre: HIDDEN * batch, activated: HIDDEN * batch } : {}),
    };
  },
  cost: (shape) => {
    const { batch, outputs } = shape;
    const sizes: Readonly<Record<string, number>> = conditioning.sizes(shape);
    const products = HIDDEN * (embeddingRows(shape) + outputs);
    return {
      flops: (14 * levelRows(shape) + 5 * HIDDEN + 2 * products) * batch,
      bytes: 4 * Object.values(sizes).reduce((sum, size) => sum + size, 0),
    };
  },
  unfused(layer, shape, { levels, classes, hidden, output, image_bias, ...kept }): Op[] {
    const { batch, noiseLevel, classes: count, outputs } = shape;
    const rows = embeddingRows(shape);
    const {
      features = tensor(`${layer} features`, rows * batch),
      pre = tensor(`${layer}.hidden pre-activation`, HIDDEN * batch),
      activated = tensor(`${layer}.hidden output`, HIDDEN * batch),
    }: Readonly<Record<string, Tensor>> = kept;
    const linear = (name: string, from: number, to: number, weights: Tensor, input: Tensor, output: Tensor) =>
      op(conv2d, name, linearShape(batch, from, to), { ...partsOf(weights, name, from, to), input, output });
    return [
      op(embedding, layer, { batch, noiseLevel, classes: count }, { levels, classes, features }),
      linear(`${layer}.hidden`, rows, HIDDEN, hidden, features, pre),
      op(swish, `${layer}.hidden`, { elements: pre.size }, { input: pre, output: activated }),
      linear(`${layer}.output`, HIDDEN, outputs, output, activated, image_bias),
    ];
  },
  variants: {
    gpu: {
      for: 'gpu',
      calls: (shape, tensors) => {
        const { batch, outputs, keep } = shape;
        const n4 = batch / 4;
        const params = {
          ...{ n4, outputs, padded: padChannels(outputs) },
          ...{ noise_rows: levelRows(shape), rows: embeddingRows(shape) },
        };
        const shader = shaders[keep ? 'gpu_keep' : 'gpu'];
        return [call<keyof typeof params, string>(shader, params, tensors, [HIDDEN, 1, n4])];
      },
    },
  },
};
