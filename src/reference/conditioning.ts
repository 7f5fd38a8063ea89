import type { ConditioningShape } from '../kernels/conditioning';
import { embeddingRows, HIDDEN } from '../plan/conditioning';
import type { Arrays, Values } from '../plan/reference';
import { atMost, between, type SmallCase } from '../plan/small_case';
import { convolve } from './conv2d';
import { reference as embedding } from './embedding';
import { activated as swish } from './swish';

/** [to][batch]: a linear layer of `input` [from][batch]; its weights are [from][to padded to 8], then the bias. */
function linear(batch: number, weights: Values, input: Values, from: number, to: number) {
  const shape = { batch, height: 1, width: 1, inChannels: from, outChannels: to, kernelSize: 1 };
  const sums = convolve(shape, input, weights, from, to);
  const biasAt = 8 * from * Math.ceil(to / 8);
  return sums.map((sum, i) => sum + weights[biasAt + Math.floor(i / batch)]);
}

/** The biases of images from noise levels and classes, and what is made on the way. */
export function reference({ outputs, ...shape }: ConditioningShape, inputs: Arrays) {
  const { batch } = shape;
  const { features } = embedding(shape, inputs);
  const pre = linear(batch, inputs.hidden, features, embeddingRows(shape), HIDDEN);
  const activated = swish(pre);
  const image_bias = linear(batch, inputs.output, activated, HIDDEN, outputs);
  return { features, pre, activated, image_bias };
}

export const small: SmallCase<ConditioningShape> = {
  shape: atMost<ConditioningShape>({ batch: 8, classes: 'as it is', outputs: 70 }),
  values: {
    levels: between(0, 1),
    classes: (size, random, { classes }) => random.integers(size, classes + 1),
  },
};
