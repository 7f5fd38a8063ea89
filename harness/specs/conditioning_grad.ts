import { type ConditioningGradShape, conditioningGrad } from '../../src/kernels/conditioning_grad';
import { HIDDEN } from '../../src/plan/conditioning';
import { reference } from '../../src/reference/conditioning_grad';
import { convolve } from '../../src/reference/conv2d';
import { activated } from '../../src/reference/swish';
import { packedKernel } from './conv2d';
import { absolute, EPSILON, padded, type Spec, sumError } from './lib/spec';
import { preActivations, swishAt } from './swish';

/** The output layer's shape, whose input gradient this is. */
const shapeOf = ({ batch, outputs }: ConditioningGradShape) => ({
  batch,
  height: 1,
  width: 1,
  inChannels: HIDDEN,
  outChannels: outputs,
  kernelSize: 1,
});

export const spec: Spec<ConditioningGradShape, 'sums' | 'kernel' | 'pre' | 'grad'> = {
  kernel: conditioningGrad,
  cases: {
    'one output': { batch: padded(1), outputs: 1 },
    'a part of a block': { batch: padded(12), outputs: 37 },
    'a block and a part': { batch: padded(5), outputs: 70 },
    'a usual batch': { batch: padded(64), outputs: 256 },
  },
  inputs: ({ batch, outputs }, random) => ({
    sums: random.floats(outputs * batch),
    kernel: packedKernel(random, 1, outputs, HIDDEN),
    pre: preActivations(random, HIDDEN * batch, -8, 8),
  }),
  reference,
  error: (shape, inputs) => {
    const { sums, kernel } = inputs;
    const sizes = absolute(inputs);
    const through = (a: typeof sums, b: typeof sums) => convolve(shapeOf(shape), a, b, shape.outputs, HIDDEN);
    const exact = through(sums, kernel);
    const grad = through(sizes.sums, sizes.kernel).map((magnitude, i) => {
      const { slope, slopeError } = swishAt(inputs.pre[i]);
      const ofSum = sumError(shape.outputs, magnitude);
      return (
        ofSum * Math.abs(slope) + Math.abs(exact[i]) * slopeError + 2 * EPSILON * Math.abs(exact[i] * slope)
      );
    });
    return { grad };
  },
  emulated: { gpu: ['one output', 'a part of a block', 'a block and a part'] },
  bench: (batch) => ({ conditioning: { batch: padded(batch), outputs: 256 } }),
  gradientOf: {
    forward: {
      inputs: (shape, random) => spec.inputs(shape, random),
      // The biases of images, from the hidden layer on.
      reference: (shape, { kernel, pre }) => {
        const { batch, outputs } = shape;
        const units = activated(pre);
        const biases = new Float64Array(outputs * batch);
        for (let o = 0; o < outputs; o++)
          for (let h = 0; h < HIDDEN; h++)
            for (let n = 0; n < batch; n++)
              biases[o * batch + n] += kernel[o * HIDDEN + h] * units[h * batch + n];
        return { biases };
      },
    },
    output: 'biases',
    inputs: (_, { kernel, pre }, __, cotangent) => ({ sums: cotangent, kernel, pre }),
    wrt: { pre: { output: 'grad' } },
  },
};
