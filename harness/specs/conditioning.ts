import { type ConditioningShape, conditioning, linearShape } from '../../src/kernels/conditioning';
import { embeddingRows, HIDDEN } from '../../src/plan/conditioning';
import { padChannels } from '../../src/plan/conv_shape';
import { reference } from '../../src/reference/conditioning';
import { convolve } from '../../src/reference/conv2d';
import { spec as conv2d, packedKernel } from './conv2d';
import { spec as embedding } from './embedding';
import { type Arrays, padded, type Spec, type TestRandom, type Values } from './lib/spec';
import { activationErrors } from './swish';

/** Random weights of a linear layer: [from][to padded to 8], then the bias. */
function linearWeights(random: TestRandom, from: number, to: number): Float32Array {
  const weights = new Float32Array((from + 1) * padChannels(to));
  weights.set(packedKernel(random, 1, from, to));
  weights.set(random.floats(to), from * padChannels(to));
  return weights;
}

/** The errors of a linear layer's results: its own, and its input's. */
function linearError(
  batch: number,
  weights: Values,
  input: Values,
  errors: Values,
  from: number,
  to: number,
) {
  const shape = linearShape(batch, from, to);
  const kernel = weights.subarray(0, from * padChannels(to));
  const inputs = { input, kernel, bias: weights.subarray(kernel.length) };
  const own = conv2d.error(shape, inputs, {}).output!;
  return convolve(shape, errors, kernel.map(Math.abs), from, to).map((error, i) => own[i] + error);
}

/** swish is nowhere steeper. */
const STEEPEST_SWISH = 1.1;

function error(shape: ConditioningShape, inputs: Arrays) {
  const { batch, outputs } = shape;
  const rows = embeddingRows(shape);
  const values = reference({ ...shape }, inputs) as Required<ReturnType<typeof reference>>;
  const features = embedding.error(shape, inputs, values).features!;
  const pre = linearError(batch, inputs.hidden, values.features, features, rows, HIDDEN);
  const activated = activationErrors(values.pre).map((own, i) => own + STEEPEST_SWISH * pre[i]);
  const image_bias = linearError(batch, inputs.output, values.activated, activated, HIDDEN, outputs);
  return { features, pre, activated, image_bias };
}

export const spec: Spec<ConditioningShape> = {
  kernel: conditioning,
  cases: {
    'level and class': { batch: padded(12), noiseLevel: true, classes: 10, outputs: 37 },
    'level alone': { batch: padded(4), noiseLevel: true, classes: 0, outputs: 8 },
    'class alone': { batch: padded(5), noiseLevel: false, classes: 3, outputs: 70 },
    'more classes than invocations': {
      batch: padded(1),
      noiseLevel: true,
      classes: 70,
      outputs: 1,
    },
    'a usual batch': { batch: padded(64), noiseLevel: true, classes: 10, outputs: 256 },
  },
  inputs: (shape, random) => ({
    ...embedding.inputs(shape, random),
    hidden: linearWeights(random, embeddingRows(shape), HIDDEN),
    output: linearWeights(random, HIDDEN, shape.outputs),
  }),
  reference,
  error,
  emulated: {
    gpu: ['level and class', 'level alone', 'class alone', 'more classes than invocations'],
  },
  bench: (batch) => ({
    conditioning: { batch: padded(batch), noiseLevel: true, classes: 10, outputs: 256 },
  }),
};
